"""Shards: what is written comes back, each recording once an epoch over all readers, and damage is told."""

import csv
import json
import logging
import tarfile
from collections import Counter
from itertools import islice
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile
import torch
from torch.utils.data import DataLoader

from rephase.data.corpus import CorpusError, pack
from rephase.data.manifest import read_manifest
from rephase.data.shard_index import ShardIndex, read_index
from rephase.data.shard_packing import pack_shards
from rephase.data.shard_writer import write_shards
from rephase.data.shards import ShardCrops, ShardRecordings, find_shards, joined, tiled

CLIPS = Path(__file__).parent.parent / "clips"
FILES = 37


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """37 recordings of 0.2 to 0.236 s, of two sources; each one's samples are its number."""
    folder = tmp_path_factory.mktemp("many")
    with (folder / "speech.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "split", "source", "speaker"])
        for number in range(FILES):
            samples = np.full(3200 + 16 * number, number, np.int16)
            soundfile.write(folder / f"{number:02}.wav", samples, 16000)
            table.writerow([f"{number:02}.wav", "train", ("one", "two")[number % 2], f"s{number % 5}"])
    return folder / "speech.csv"


SHARD_MB = {"many shards": 0.012, "few shards": 0.04, "one shard": 1.0}


@pytest.fixture(scope="module", params=SHARD_MB)
def index(request: pytest.FixtureRequest, manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> ShardIndex:
    """More shards than the readers of most tests, fewer, and one."""
    written = write_shards(manifest, tmp_path_factory.mktemp("shards"), shard_mb=SHARD_MB[request.param])
    assert len(written.shards) in {"many shards": range(5, 30), "few shards": (2, 3), "one shard": (1,)}[request.param]
    return written


def numbers(recordings) -> list[int]:
    return [int(recording.samples[0]) for recording in recordings]


# ---------------------------------------------------------------- writing
def test_real_recordings_come_back_bit_for_bit_with_what_is_known_of_them(tmp_path):
    index = write_shards(CLIPS / "speech.csv", tmp_path, shard_mb=0.1)
    assert len(index.shards) > 1
    rows = {row["path"]: row for row in read_manifest(CLIPS / "speech.csv") if row["split"] == "train"}
    heard = {recording.path: recording for recording in ShardRecordings(index.path)}
    assert heard.keys() == rows.keys()
    for path, recording in heard.items():
        np.testing.assert_array_equal(recording.samples, soundfile.read(CLIPS / path, dtype="int16")[0])
        assert (recording.speaker, recording.source) == (rows[path]["speaker"], rows[path]["source"])
        assert recording.sample_rate == 16000


def test_shards_are_plain_tar_files_and_the_same_each_time(tmp_path, manifest):
    first, _ = (write_shards(manifest, tmp_path / name, shard_mb=0.02) for name in ("a", "b"))
    assert len(first.shards) > 2
    for shard in first.shards:
        content = (tmp_path / "a" / shard.name).read_bytes()
        assert content == (tmp_path / "b" / shard.name).read_bytes()
        assert len(content) == shard.bytes
    with tarfile.open(tmp_path / "a" / first.shards[0].name) as tar:
        flac, facts = tar.getnames()[:2]
        assert (Path(flac).suffix, Path(facts).suffix) == (".flac", ".json")
        assert json.load(tar.extractfile(facts))["source"] in ("one", "two")
    other = write_shards(manifest, tmp_path / "a", shard_mb=0.02, seed=1)
    assert (tmp_path / "a" / other.shards[0].name).read_bytes() != (tmp_path / "b" / first.shards[0].name).read_bytes()
    fewer = write_shards(manifest, tmp_path / "a", shard_mb=200.0)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["train-000000.tar", "train.json"]
    assert read_index(fewer.path).recordings == fewer.recordings == FILES
    assert fewer.hours == pytest.approx(sum(3200 + 16 * n for n in range(FILES)) / 16000 / 3600)


def test_bad_recordings_stay_out_of_shards(tmp_path, caplog):
    for name in ("a", "b", "c"):
        soundfile.write(tmp_path / f"{name}.wav", np.ones(3200, np.int16), 16000)
    (tmp_path / "b.wav").write_text("no audio")
    (tmp_path / "all.csv").write_text("path,split,source\na.wav,train,x\nb.wav,train,x\nc.wav,train,x\n")
    with caplog.at_level(logging.WARNING):
        assert write_shards(tmp_path / "all.csv", tmp_path / "out").recordings == 2
    assert f"{tmp_path / 'b.wav'}" in caplog.text
    with pytest.raises(CorpusError, match=r"more than 0 of 3 recordings are bad: .*b\.wav"):
        write_shards(tmp_path / "all.csv", tmp_path / "out", most_bad=0)
    assert not (tmp_path / "out" / "train.json").exists()  # what is left there is no whole corpus
    with pytest.raises(CorpusError, match="split must be one of train; got 'test'"):
        write_shards(tmp_path / "all.csv", tmp_path / "out", split="test")


# ---------------------------------------------------------------- reading
def test_each_recording_comes_once_an_epoch_over_two_ranks_of_two_workers(index):
    """By arguments, through torch's DataLoader."""
    orders = []
    for epoch in range(2):
        seen: list[int] = []
        for rank in range(2):
            dataset = ShardRecordings(index.path, rank=rank, world_size=2, seed=3)
            dataset.set_epoch(epoch)
            seen += numbers(DataLoader(dataset, batch_size=None, num_workers=2, prefetch_factor=4))
        assert sorted(seen) == list(range(FILES))
        orders.append(seen)
    assert orders[0] != orders[1]


def test_each_recording_comes_once_over_ranks_of_the_environment(index, monkeypatch):
    """As torchrun sets it, without a process group."""
    monkeypatch.setenv("WORLD_SIZE", "3")
    seen: list[int] = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        dataset = ShardRecordings(index.path)
        assert dataset.place() == (rank, 3)
        seen += numbers(dataset)
    assert sorted(seen) == list(range(FILES))


def test_a_process_group_counts_more_than_the_environment(index, monkeypatch, tmp_path):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        assert ShardRecordings(index.path).place() == (0, 1)
        assert sorted(numbers(ShardRecordings(index.path))) == list(range(FILES))
    finally:
        torch.distributed.destroy_process_group()


def test_workers_that_live_on_and_start_anew_hear_of_the_next_epoch(tmp_path, manifest):
    """Spawned workers share nothing with their parent but what is handed to them."""
    index = write_shards(manifest, tmp_path, shard_mb=0.012)
    dataset = ShardRecordings(index.path, rank=0, world_size=1)
    loader = DataLoader(
        dataset, batch_size=None, num_workers=1, persistent_workers=True, multiprocessing_context="spawn"
    )
    orders = []
    for epoch in range(2):
        dataset.set_epoch(epoch)
        orders.append(numbers(loader))
    assert [sorted(order) for order in orders] == [list(range(FILES))] * 2
    alone = ShardRecordings(index.path)
    expected = []
    for epoch in range(2):
        alone.set_epoch(epoch)
        expected.append(numbers(alone))
    assert orders == expected
    assert orders[0] != orders[1]


def test_order_is_that_of_the_seed_and_without_shuffling_that_of_the_shards(index):
    one, same, other = (numbers(ShardRecordings(index.path, seed=seed)) for seed in (5, 5, 6))
    assert one == same
    assert one != other
    plain = numbers(ShardRecordings(index.path, shuffle=False))
    assert plain == numbers(ShardRecordings(index.path, shuffle=False, seed=9))
    with tarfile.open(Path(index.path).parent / index.shards[0].name) as tar:
        first = json.load(tar.extractfile(tar.getnames()[1]))
    assert int(Path(first["path"]).stem) == plain[0]


def test_any_url_of_fsspec_is_read(index):
    memory, bucket = fsspec.filesystem("memory"), f"bucket-{len(index.shards)}"
    for path in Path(index.path).parent.iterdir():
        memory.pipe(f"/{bucket}/{path.name}", path.read_bytes())
    for where in (f"memory://{bucket}/train.json", f"memory://{bucket}/train-*.tar"):
        assert sorted(numbers(ShardRecordings(where))) == list(range(FILES))
    folder = Path(index.path).parent
    assert sorted(numbers(ShardRecordings(str(folder / "train-*.tar")))) == list(range(FILES))
    assert sorted(numbers(ShardRecordings([str(folder / shard.name) for shard in index.shards]))) == list(range(FILES))


def test_shards_that_can_not_be_read_are_named(tmp_path, manifest):
    index = write_shards(manifest, tmp_path, shard_mb=0.02)
    victim = tmp_path / index.shards[1].name
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 1024 * 512])  # the end of a file within it, maybe
    with pytest.raises(CorpusError, match=rf"shard .*{victim.name}"):
        numbers(ShardRecordings(index.path))
    victim.unlink()
    with pytest.raises(CorpusError, match=rf"can't read a shard \(no such file.*{victim.name}"):
        numbers(ShardRecordings(index.path))
    for where, message in (
        (tmp_path / "none.json", "can't read the index"),
        (tmp_path / "none-*.tar", "there are no shards"),
        ("nowhere://x/train.json", "can't read the index|no index"),
    ):
        with pytest.raises(CorpusError, match=message):
            find_shards(where)
    (tmp_path / "other.json").write_text('{"shards": 3}')
    with pytest.raises(CorpusError, match="this is no index of shards"):
        find_shards(tmp_path / "other.json")


def test_damaged_recordings_in_shards_are_named_and_left_out(tmp_path, manifest, caplog):
    index = write_shards(manifest, tmp_path, shard_mb=200.0)
    shard = tmp_path / index.shards[0].name
    content = bytearray(shard.read_bytes())
    at = content.find(b"fLaC")
    content[at : at + 42] = bytes(42)
    shard.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert len(numbers(ShardRecordings(index.path))) == FILES - 1
    assert f"{shard}/" in caplog.text
    with pytest.raises(CorpusError, match="more than 0 of 37 recordings are bad"):
        numbers(ShardRecordings(index.path, most_bad=0))
    with caplog.at_level(logging.WARNING):
        assert len(pack_shards(index.path, "train", tmp_path / "a.npy")) == FILES - 1


@pytest.mark.parametrize(("rank", "world_size"), [(0, None), (None, 2), (2, 2), (-1, 2)])
def test_a_rank_lies_within_its_world(index, rank, world_size):
    with pytest.raises(ValueError, match="rank must lie within world_size"):
        ShardRecordings(index.path, rank=rank, world_size=world_size)


# ---------------------------------------------------------------- what training draws
def test_joined_crops_use_every_sample_but_the_first_cut_and_the_last_rest(index):
    recordings = list(ShardRecordings(index.path))
    crops = list(joined(recordings, 1000, np.random.default_rng(0)))
    for source in ("one", "two"):
        stream = np.concatenate([recording.samples for recording in recordings if recording.source == source])
        heard = np.concatenate([samples for samples, name in crops if name == source])
        left = len(stream) - len(heard)
        assert left < 2000
        # They are one piece of the stream, in order.
        assert any((stream[at : at + len(heard)] == heard).all() for at in range(left + 1))


def test_tiled_crops_are_of_one_recording_each(manifest, tmp_path):
    index = write_shards(manifest, tmp_path)
    recordings = list(ShardRecordings(index.path))
    crops = list(tiled(recordings, 1000, np.random.default_rng(0)))
    assert len(crops) == 3 * FILES  # 3200 to 3776 samples
    assert all(len(set(samples.tolist())) == 1 for samples, _ in crops)
    assert Counter(int(samples[0]) for samples, _ in crops) == dict.fromkeys(range(FILES), 3)
    long = list(tiled(recordings, 9000, np.random.default_rng(0)))
    assert len(long) == FILES
    assert all(samples.shape == (9000,) and len(set(samples.tolist())) == 1 for samples, _ in long)


def test_crops_never_end_and_batch_over_ranks_and_workers(index):
    batches = []
    for rank in range(2):
        dataset = ShardCrops(index.path, 1600, short="tile", buffer=20, rank=rank, world_size=2)
        loader = DataLoader(dataset, batch_size=8, num_workers=2)
        batches += list(islice(loader, 20))
    assert all(batch.samples.shape == (8, 1600) and batch.samples.dtype == torch.float32 for batch in batches)
    assert {source for batch in batches for source in batch.source} == {"one", "two"}
    seen = {number for batch in batches for number in (batch.samples[:, 0] * 32768).round().int().tolist()}
    assert seen == set(range(FILES))


def test_crops_are_the_same_for_the_same_seed_and_go_on_at_an_epoch(index):
    def first(count: int, **options: int) -> list[list[float]]:
        return [crop.samples.tolist() for crop in islice(ShardCrops(index.path, 800, buffer=1, **options), count)]

    assert first(50, seed=1) == first(50, seed=1)
    assert first(50, seed=1) != first(50, seed=2)
    assert first(50, seed=1) != first(50, seed=1, first_epoch=1)


def test_crops_of_several_workers_are_the_same_each_time(index):
    def batches() -> list[list[float]]:
        crops = ShardCrops(index.path, 1600, buffer=10, rank=0, world_size=1)
        return [batch.samples.flatten().tolist() for batch in islice(DataLoader(crops, 8, num_workers=2), 30)]

    assert batches() == batches()  # 30 batches: several epochs


def test_more_readers_than_recordings_are_told(tmp_path, manifest):
    (tmp_path / "few.csv").write_text(f"path,split,source\n{manifest.parent / '01.wav'},train,x\n")
    index = write_shards(tmp_path / "few.csv", tmp_path / "out")
    crops = ShardCrops(index.path, 100, rank=1, world_size=2)
    with pytest.raises(CorpusError, match="reader 1 of 2 finds not one crop of 100 samples"):
        next(iter(crops))
    with pytest.raises(CorpusError, match="reader 0 of 1 finds not one crop of 100000 samples"):
        next(iter(ShardCrops(index.path, 100000)))


def test_shards_are_packed_as_their_manifest_would_be(index, manifest, tmp_path):
    by_file = pack(manifest, "train", tmp_path / "files.npy")
    seen: list[tuple[float, float]] = []
    by_shard = pack(Path(index.path), "train", tmp_path / "shards.npy", progress=lambda *at: seen.append(at))
    assert (by_file.samples == by_shard.samples).all()
    assert (by_file.offsets == by_shard.offsets).all()
    assert by_file.sources == by_shard.sources
    assert seen[-1] == (FILES, FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files.json", "files.npy", "shards.json", "shards.npy"]
    before = (tmp_path / "shards.npy").stat().st_mtime_ns
    pack(Path(index.path), "train", tmp_path / "shards.npy")
    assert (tmp_path / "shards.npy").stat().st_mtime_ns == before
    by_folder = pack(Path(index.path).parent, "train", tmp_path / "folder.npy")  # SPLIT.json is in it
    assert (by_folder.samples == by_file.samples).all()
    with pytest.raises(CorpusError, match=r"can't read the index of shards \(no such file.*valid\.json"):
        pack(Path(index.path).parent, "valid", tmp_path / "valid.npy")
    with pytest.raises(CorpusError, match="must be of the split valid at 16000 Hz, got train at 16000 Hz"):
        pack(Path(index.path), "valid", tmp_path / "valid.npy")
