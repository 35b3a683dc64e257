"""Packing, cropping, tiling, and the mistakes of a manifest."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rephase.data.corpus import CorpusError, PackedCorpus, pack
from rephase.data.sources import source_facts

CLIPS = Path(__file__).parent.parent / "clips"


def write(folder: Path, files: dict[str, tuple[str, str, np.ndarray]], rate: int = 16000) -> Path:
    """A manifest `all.csv` of files: name → (split, source, samples)."""
    with (folder / "all.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "split", "source"])
        for name, (split, source, samples) in files.items():
            soundfile.write(folder / name, samples, rate, subtype="PCM_16")
            table.writerow([name, split, source])
    return folder / "all.csv"


def steps(value: int, length: int) -> np.ndarray:
    return np.full(length, value, dtype=np.int16)


@pytest.fixture
def corpus(tmp_path: Path) -> PackedCorpus:
    """Three files of 3, 2 and 4 samples; their sources put the second one last."""
    files = {
        "a.wav": ("train", "one", np.array([1, 2, 3], dtype=np.int16)),
        "b.wav": ("train", "two", np.array([10, 20], dtype=np.int16)),
        "c.wav": ("train", "one", np.array([100, 200, 300, 400], dtype=np.int16)),
        "d.wav": ("valid", "one", steps(-7, 5)),
    }
    return pack(write(tmp_path, files), "train", tmp_path / "cache" / "train.npy")


def test_files_stand_behind_each_other_sorted_by_source_and_name(corpus):
    assert corpus.samples.tolist() == [1, 2, 3, 100, 200, 300, 400, 10, 20]
    assert corpus.offsets.tolist() == [0, 3, 7, 9]
    assert corpus.sources == ("one", "one", "two")
    assert len(corpus) == 3
    assert corpus.lengths().tolist() == [3, 4, 2]


def test_a_crop_goes_on_in_the_next_file_and_after_the_end_at_the_start(corpus):
    assert (corpus.crop(2, 3) * 32768).tolist() == [3, 100, 200]
    assert (corpus.crop(8, 3) * 32768).tolist() == [20, 1, 2]


def test_training_hears_no_other_cut_of_a_recording_that_is_held_out(tmp_path):
    files = {
        "esc10_001---Dog-bark_1-100032-A.wav": ("train", "esc10", steps(1, 2)),
        "esc10_001---Dog-bark_1-777-A.wav": ("train", "esc10", steps(2, 2)),
        "esc10_001---Dog-bark_1-777-B.wav": ("valid", "esc10", steps(3, 2)),
        "walk-777-A.wav": ("train", "other", steps(4, 2)),
    }
    manifest = write(tmp_path, files)
    assert pack(manifest, "train", tmp_path / "train.npy").samples.tolist() == [1, 1, 4, 4]
    assert pack(manifest, "valid", tmp_path / "valid.npy").samples.tolist() == [3, 3]


def test_tiles_repeat_one_file(corpus):
    assert (corpus.tiled(2, 1, 5) * 32768).tolist() == [20, 10, 20, 10, 20]
    assert (corpus.tiled(1, 2, 2) * 32768).tolist() == [300, 400]


def test_full_scale_is_one(tmp_path):
    manifest = write(tmp_path, {"a.wav": ("train", "one", np.array([-32768, 16384], dtype=np.int16))})
    assert pack(manifest, "train", tmp_path / "a.npy").crop(0, 2).tolist() == [-1.0, 0.5]


def test_splits_share_no_file(tmp_path):
    manifest = write(tmp_path, {f"{n}.wav": (("train", "valid")[n % 2], "one", steps(n, 4)) for n in range(6)})
    train, valid = (pack(manifest, split, tmp_path / f"{split}.npy") for split in ("train", "valid"))
    assert set(train.samples.tolist()) == {0, 2, 4}
    assert set(valid.samples.tolist()) == {1, 3, 5}


def test_what_was_packed_is_opened_and_not_decoded_again(tmp_path):
    manifest = write(tmp_path, {"a.wav": ("train", "one", steps(5, 4))})
    pack(manifest, "train", tmp_path / "a.npy")
    (tmp_path / "a.wav").unlink()
    assert pack(manifest, "train", tmp_path / "a.npy").samples.tolist() == [5, 5, 5, 5]


def test_another_manifest_is_packed_anew_beside_a_corpus_that_is_in_use(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    in_use = pack(write(tmp_path / "old", {"a.wav": ("train", "one", steps(1, 4000))}), "train", tmp_path / "cache.npy")
    again = pack(write(tmp_path / "new", {"a.wav": ("train", "one", steps(2, 9))}), "train", tmp_path / "cache.npy")
    assert again.samples.tolist() == [2] * 9
    assert set(in_use.samples.tolist()) == {1}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache.json", "cache.npy", "new", "old"]


def test_an_interrupted_packing_is_done_again(tmp_path):
    manifest = write(tmp_path, {"a.wav": ("train", "one", steps(5, 4))})
    np.save(tmp_path / "a.npy", steps(9, 2))
    assert pack(manifest, "train", tmp_path / "a.npy").samples.tolist() == [5, 5, 5, 5]


def test_an_unknown_split_is_refused_with_those_there_are(tmp_path):
    manifest = write(tmp_path, {"a.wav": ("train", "one", steps(5, 4)), "b.wav": ("valid", "one", steps(5, 4))})
    with pytest.raises(CorpusError, match="one of train, valid; got 'test'"):
        pack(manifest, "test", tmp_path / "a.npy")


@pytest.mark.parametrize(
    ("samples", "rate", "message"),
    [
        (np.zeros((4, 2), dtype=np.int16), 16000, "mono at 16000 Hz, got 2 channel"),
        (steps(0, 4), 44100, "at 44100 Hz"),
        (steps(0, 0), 16000, "holds no samples"),
    ],
)
def test_recordings_that_do_not_fit_are_named(tmp_path, samples, rate, message):
    manifest = write(tmp_path, {"odd.wav": ("train", "one", samples)}, rate)
    with pytest.raises(CorpusError, match=message) as error:
        pack(manifest, "train", tmp_path / "a.npy")
    assert "odd.wav" in str(error.value)
    assert not (tmp_path / "a.npy").exists()


def test_recordings_that_cannot_be_read_are_named(tmp_path):
    manifest = write(tmp_path, {"odd.wav": ("train", "one", steps(1, 4))})
    (tmp_path / "odd.wav").write_text("no audio")
    with pytest.raises(CorpusError, match=r"can't read a recording .*odd\.wav"):
        pack(manifest, "train", tmp_path / "a.npy")
    (tmp_path / "odd.wav").unlink()
    with pytest.raises(CorpusError, match=r"can't read a recording .*odd\.wav"):
        pack(manifest, "train", tmp_path / "a.npy")


def test_a_missing_manifest_and_a_missing_column_are_named(tmp_path):
    with pytest.raises(CorpusError, match=r"can't read the manifest .*speech\.csv"):
        pack(tmp_path / "speech.csv", "train", tmp_path / "a.npy")
    (tmp_path / "speech.csv").write_text("path,split\na.wav,train\n")
    with pytest.raises(CorpusError, match="lacks source"):
        pack(tmp_path / "speech.csv", "train", tmp_path / "a.npy")


def test_facts_of_sources_count_files_and_hours(tmp_path):
    files = {
        "a.wav": ("train", "librispeech", steps(1, 57600)),
        "b.wav": ("train", "librispeech", steps(1, 57600)),
        "c.wav": ("train", "my own", steps(1, 57600 * 5)),
    }
    corpus = pack(write(tmp_path, files), "train", tmp_path / "a.npy")
    assert source_facts(corpus) == [
        {"source": "librispeech", "licence": "CC BY 4.0", "files": 2, "hours": 0.002},
        {"source": "my own", "licence": "not stated", "files": 1, "hours": 0.005},
    ]


def test_the_clips_of_the_tests_are_listed_and_their_splits_are_disjoint(tmp_path):
    for name in ("speech", "noise"):
        rows = clip_rows(name)
        assert sorted(row["path"] for row in rows) == sorted(
            path.relative_to(CLIPS).as_posix() for path in (CLIPS / name).iterdir()
        )
        for split in ("train", "valid"):
            corpus = pack(CLIPS / f"{name}.csv", split, tmp_path / f"{name}-{split}.npy")
            assert len(corpus) == sum(row["split"] == split for row in rows)
    speakers = {(row["split"], row["speaker"]) for row in clip_rows("speech")}
    train, valid = ({speaker for split, speaker in speakers if split == wanted} for wanted in ("train", "valid"))
    assert train
    assert valid
    assert not train & valid


def clip_rows(name: str) -> list[dict[str, str]]:
    with (CLIPS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))
