"""Packing, and the mistakes of a manifest."""

import csv
import logging
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rephase.audio.resample import resampled_length
from rephase.data.corpus import FULL_SCALE, CorpusError, PackedCorpus, pack_pairs
from rephase.data.corpus import pack as pack_seconds
from rephase.data.sources import source_facts

CLIPS = Path(__file__).parent.parent / "clips"
pack = partial(pack_seconds, shortest_seconds=0.0)  # the files of most tests have a few samples


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


def test_any_rate_and_channels_are_converted(tmp_path):
    """A tone at 48 kHz in the left of two channels is at 16 kHz half as loud, and not a sample late."""
    seconds = np.arange(48000) / 48000
    tone = np.round(16000 * np.sin(2 * np.pi * 1000 * seconds)).astype(np.int16)
    manifest = write(tmp_path, {"wide.wav": ("train", "one", np.stack([tone, 0 * tone], axis=1))}, 48000)
    corpus = pack_seconds(manifest, "train", tmp_path / "a.npy")
    assert len(corpus.samples) == resampled_length(48000, 48000, 16000) == 16000
    inner = slice(500, -500)  # the ends of a tone are not in the band
    np.testing.assert_allclose(corpus.samples[inner], tone[::3][inner] / 2, atol=1)


def test_samples_beyond_full_scale_are_limited_and_do_not_wrap(tmp_path):
    """What a lossy codec makes of a loud square wave goes beyond full scale."""
    square = np.where(np.arange(16000) % 100 < 50, 32767, -32768).astype(np.int16)
    manifest = write(tmp_path, {"a.wav": ("train", "one", square)})
    soundfile.write(tmp_path / "a.wav", square, 16000, format="OGG", subtype="VORBIS")
    heard, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert np.abs(heard).max() > 1.05
    corpus = pack_seconds(manifest, "train", tmp_path / "a.npy")
    np.testing.assert_allclose(corpus.samples / FULL_SCALE, np.clip(heard, -1, 1), atol=2**-15)


def test_floats_are_read_on_their_own_scale(tmp_path):
    manifest = write(tmp_path, {"a.wav": ("train", "one", steps(0, 4))})
    soundfile.write(tmp_path / "a.wav", np.array([0.5, -0.25]), 16000, subtype="FLOAT")
    assert pack(manifest, "train", tmp_path / "a.npy").samples.tolist() == [16384, -8192]


def damage(folder: Path) -> dict[str, str]:
    """Puts files on the manifest's names that nobody can use; name → what is told."""
    (folder / "bad0.wav").write_text("no audio")
    (folder / "bad1.wav").unlink()
    soundfile.write(folder / "bad2.wav", np.array([0.1] * 1600 + [np.nan]), 16000, subtype="FLOAT")
    whole = (folder / "bad3.wav").read_bytes()
    (folder / "bad3.wav").write_bytes(whole[:44])
    soundfile.write(folder / "bad4.wav", steps(3, 1599), 16000)
    return {
        "bad0.wav": "no audio file",
        "bad1.wav": "there is no such file",
        "bad2.wav": "a sample is nan",
        "bad3.wav": "",
        "bad4.wav": "lasts 0.100 s, less than 0.1 s",
    }


def test_bad_recordings_are_named_and_left_out(tmp_path, caplog):
    names = [f"{kind}{number}.wav" for kind in ("bad", "good") for number in range(5)]
    manifest = write(tmp_path, {name: ("train", "one", steps(number, 1600)) for number, name in enumerate(names)})
    told = damage(tmp_path)
    with caplog.at_level(logging.WARNING):
        corpus = pack_seconds(manifest, "train", tmp_path / "a.npy", most_bad=5)
    assert corpus.lengths().tolist() == [1600] * 5
    assert corpus.samples[::1600].tolist() == [5, 6, 7, 8, 9]
    for name, reason in told.items():
        assert any(f"{tmp_path / name}" in line and reason in line for line in caplog.messages), name
    caplog.clear()
    again = pack_seconds(manifest, "train", tmp_path / "a.npy", most_bad=5)
    assert len(again) == 5
    assert "5 recordings were left out" in caplog.text


def test_too_many_bad_recordings_stop_with_the_first_few_and_leave_nothing(tmp_path):
    manifest = write(tmp_path, {f"bad{number}.wav": ("train", "one", steps(1, 1600)) for number in range(30)})
    damage(tmp_path)
    assert len(pack_seconds(manifest, "train", tmp_path / "a.npy")) == 25  # 20 may be bad by default
    (tmp_path / "a.npy").unlink()
    with pytest.raises(CorpusError, match=r"more than 3 of 30 .*bad0\.wav.*bad1\.wav.*bad2\.wav.* and 1 more"):
        pack_seconds(manifest, "train", tmp_path / "b.npy", most_bad=3)
    assert not list(tmp_path.glob("b.*"))
    assert not list(tmp_path.glob(".*"))


def test_a_corpus_without_a_good_recording_is_refused(tmp_path):
    manifest = write(tmp_path, {"odd.wav": ("train", "one", steps(0, 0))})
    with pytest.raises(CorpusError, match=r"no recording is usable.*odd\.wav \(the recording has no samples\)"):
        pack(manifest, "train", tmp_path / "a.npy")


def test_threads_change_nothing_and_progress_counts(tmp_path):
    manifest = write(tmp_path, {f"{n:03}.wav": ("train", "one", steps(n, 1600 + n)) for n in range(100)})
    seen: list[tuple[float, float]] = []
    one = pack_seconds(manifest, "train", tmp_path / "one.npy", jobs=1)
    many = pack_seconds(manifest, "train", tmp_path / "many.npy", jobs=5, progress=lambda *at: seen.append(at))
    assert (one.samples == many.samples).all()
    assert (one.offsets == many.offsets).all()
    assert seen == [(number, 100) for number in range(1, 101)]


def pairs_of(folder: Path, lengths: dict[str, tuple[int, int]]) -> Path:
    with (folder / "pairs.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["noisy", "clean", "split", "source"])
        for name, (noisy, clean) in lengths.items():
            soundfile.write(folder / f"n-{name}.wav", np.arange(noisy, dtype=np.int16), 16000)
            soundfile.write(folder / f"c-{name}.wav", -np.arange(clean, dtype=np.int16), 16000)
            table.writerow([f"n-{name}.wav", f"c-{name}.wav", "train", "one"])
    return folder / "pairs.csv"


def test_pairs_are_packed_side_by_side(tmp_path):
    pairs = pairs_of(tmp_path, {"a": (1600, 1600), "b": (2000, 2001), "c": (1700, 1700)})
    noisy, clean = pack_pairs(pairs, "train", tmp_path / "cache")
    assert noisy.offsets.tolist() == clean.offsets.tolist() == [0, 1600, 3300]  # b has two lengths
    assert (noisy.samples == -clean.samples).all()
    assert sorted(path.name for path in (tmp_path / "cache").glob("*.npy")) == ["clean-train.npy", "degraded-train.npy"]
    (tmp_path / "n-a.wav").unlink()
    assert (pack_pairs(pairs, "train", tmp_path / "cache")[0].samples == noisy.samples).all()


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


def test_a_list_of_pairs_may_name_no_source_and_must_name_both(tmp_path):
    pairs = pairs_of(tmp_path, {"a": (1600, 1600)})
    pairs.write_text("degraded,clean,split\nn-a.wav,c-a.wav,train\n")
    degraded, _ = pack_pairs(pairs, "train", tmp_path / "cache")
    assert degraded.sources == ("",)
    with pytest.raises(CorpusError, match="split must be one of train; got 'valid'"):
        pack_pairs(pairs, "valid", tmp_path / "cache")
    pairs.write_text("path,clean,split\nn-a.wav,c-a.wav,train\n")
    with pytest.raises(CorpusError, match="the list of pairs lacks degraded"):
        pack_pairs(pairs, "train", tmp_path / "cache")
