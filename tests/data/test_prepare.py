"""Corpora in, manifests and converted files out: what is verified, how it is split, and that it can be stopped."""

import csv
import json
import logging
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from rephase.data.corpus import CorpusError, pack, pack_pairs
from rephase.data.prepare import Choices, prepare
from rephase.data.recipes import DNS, LIBRISPEECH, RECIPES, VCTK, VOICEBANK_DEMAND, Recipe, folder_recipe
from rephase.data.sources import source_facts
from rephase.data.splits import seeded_splits
from rephase.evaluation.items import items_of_list

PARTIAL = Choices(partial=True, jobs=2)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def as_small(recipe: Recipe, *, files: int, **facts: object) -> Recipe:
    """The recipe of a corpus that has as few files as the one in a test."""
    parts = tuple(replace(part, files=files if part.split is None else 4) for part in recipe.parts)
    return replace(recipe, parts=parts, **facts)


# ---------------------------------------------------------------- VoiceBank+DEMAND
def test_voicebank_is_split_by_its_speakers_and_paired(tmp_path, voicebank):
    small = as_small(VOICEBANK_DEMAND, files=10, speakers=5)
    result = prepare(small, voicebank, tmp_path / "out")
    assert (result.converted, result.skipped, result.differences, result.bad) == (28, 0, [], [])
    speakers = {(row["split"], row["speaker"]) for row in rows_of(tmp_path / "out" / "speech.csv")}
    assert speakers == {
        ("train", "p227"), ("train", "p230"), ("train", "p287"), ("valid", "p226"), ("valid", "p228"),
        ("test", "p232"), ("test", "p257"),
    }  # fmt: skip
    pairs = rows_of(tmp_path / "out" / "pairs.csv")
    assert len(pairs) == 14
    first = next(row for row in pairs if row["id"] == "p232_002")
    assert first["degraded"] == "degraded/voicebank-demand/noisy_testset_wav/p232_002.flac"
    assert first["clean"] == "speech/voicebank-demand/clean_testset_wav/p232_002.flac"
    assert (first["split"], first["noise"], first["snr_db"], first["seconds"]) == ("test", "bus", "5", "1.000")
    facts = json.loads((tmp_path / "out" / "voicebank-demand.json").read_text())
    assert "soxr VHQ" in facts["conversion"]
    assert facts["files"]["speech.csv"] == {"train": 6, "valid": 4, "test": 4}


def test_conversion_is_what_the_page_says_to_the_bit(tmp_path, voicebank):
    prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out", PARTIAL)
    source, _ = soundfile.read(voicebank / "noisy_trainset_28spk_wav" / "p227_001.wav", dtype="float32")
    expected = np.clip(np.rint(soxr.resample(source, 48000, 16000, "VHQ") * 32768), -32768, 32767)
    path = tmp_path / "out" / "degraded" / "voicebank-demand" / "noisy_trainset_28spk_wav" / "p227_001.flac"
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 16000
    assert soundfile.info(path).subtype == "PCM_16"
    np.testing.assert_array_equal(samples, expected)


def test_what_training_and_evaluation_read(tmp_path, voicebank):
    out = tmp_path / "out"
    prepare(VOICEBANK_DEMAND, voicebank, out, PARTIAL)
    items = items_of_list(out / "pairs-test.csv")
    assert [item.name for item in items] == ["p232_001", "p232_002", "p257_001", "p257_002"]
    assert not any(item.problem for item in items)
    assert all(item.reference.is_file() and item.degraded.is_file() for item in items)
    train = pack(out / "speech.csv", "train", tmp_path / "cache" / "speech-train.npy")
    assert len(train) == 6
    assert source_facts(train)[0] == {"source": "voicebank-demand", "licence": "CC BY 4.0", "files": 6, "hours": 0.002}
    degraded, clean = pack_pairs(out / "pairs.csv", "train", tmp_path / "cache")
    assert (clean.samples == train.samples).all()
    error = (degraded.samples.astype(float) - clean.samples) / 32768
    assert np.sqrt((error**2).mean()) == pytest.approx(
        0.01 / np.sqrt(3), rel=0.03
    )  # a third of its band, less the filter's slope


def test_a_copy_that_differs_is_refused_until_one_says_partial(tmp_path, voicebank):
    with pytest.raises(CorpusError) as error:
        prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out")
    message = str(error.value)
    for words in (
        "5 speakers, published are 28", "10 files in clean_trainset_28spk_wav, published are 11572",
        "4 files in noisy_testset_wav, published are 824", "10.7488/ds/2117", "CC BY 4.0", "--partial", str(voicebank),
    ):  # fmt: skip
        assert words in message
    assert not (tmp_path / "out").exists()
    result = prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out", PARTIAL)
    assert len(result.differences) == 5
    assert json.loads((tmp_path / "out" / "voicebank-demand.json").read_text())["differs_from_what_was_published"]


def test_somebody_elses_conversion_is_noticed(tmp_path, voicebank, speech):
    for path in voicebank.glob("*/*.wav"):
        soundfile.write(path, speech[0], 16000)
    small = as_small(VOICEBANK_DEMAND, files=10, speakers=5)
    with pytest.raises(
        CorpusError, match=r"16000 Hz in clean_trainset.*published are 48000 Hz: somebody has converted"
    ):
        prepare(small, voicebank, tmp_path / "out")


def test_a_missing_or_wrong_folder_says_where_the_corpus_is(tmp_path, voicebank):
    with pytest.raises(CorpusError, match=r"no such folder; .*nowhere; .*10\.7488/ds/2117 \(CC BY 4\.0\)"):
        prepare(VOICEBANK_DEMAND, tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(CorpusError, match=r"lacks train-clean-100, .*openslr\.org/12 \(CC BY 4\.0\)"):
        prepare(LIBRISPEECH, voicebank, tmp_path / "out")
    (voicebank / "noisy_testset_wav").rename(voicebank / "elsewhere")
    with pytest.raises(CorpusError, match="this folder lacks noisy_testset_wav"):
        prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out", PARTIAL)
    (voicebank / "noisy_testset_wav.zip").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"unpack noisy_testset_wav\.zip"):
        prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out", PARTIAL)
    with pytest.raises(CorpusError, match="can't go into the corpus"):
        prepare(VOICEBANK_DEMAND, voicebank, voicebank / "out", PARTIAL)


def test_archives_are_compared_with_their_published_sums(tmp_path, voicebank):
    archive = voicebank / "clean_testset_wav.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("p232_001.wav", b"cut off")
    result = prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out", PARTIAL)
    assert [words for words in result.differences if "clean_testset_wav.zip is not what was published" in words]
    unchecked = prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out", replace(PARTIAL, checksums=False))
    assert len(unchecked.differences) == len(result.differences) - 1


def test_a_run_that_was_stopped_goes_on_and_changes_are_seen(tmp_path, voicebank):
    out = tmp_path / "out"
    prepare(VOICEBANK_DEMAND, voicebank, out, PARTIAL)
    files = sorted(out.rglob("*.flac"))
    before = {path: path.stat().st_mtime_ns for path in files}
    manifests = {path: path.read_bytes() for path in out.glob("*.csv")}
    files[0].unlink()
    files[1].write_bytes(files[1].read_bytes()[:50])
    (out / "speech.csv").unlink()
    again = prepare(VOICEBANK_DEMAND, voicebank, out, PARTIAL)
    assert (again.converted, again.skipped) == (2, 26)
    assert {path for path in files if path.stat().st_mtime_ns != before[path]} == set(files[:2])
    assert {path: path.read_bytes() for path in out.glob("*.csv")} == manifests
    other = prepare(VOICEBANK_DEMAND, voicebank, out, replace(PARTIAL, sample_rate=8000))
    assert (other.converted, other.skipped) == (28, 0)
    assert soundfile.info(files[0]).samplerate == 8000


def test_bad_recordings_and_pairs_are_left_out_and_listed(tmp_path, voicebank, wide, caplog):
    (voicebank / "clean_trainset_28spk_wav" / "p226_001.wav").write_text("no audio")
    nan = np.append(wide[0], np.float32("nan"))
    soundfile.write(voicebank / "noisy_trainset_28spk_wav" / "p227_001.wav", nan, 48000, subtype="FLOAT")
    soundfile.write(voicebank / "noisy_trainset_28spk_wav" / "p227_002.wav", wide[0][:4000], 48000)
    soundfile.write(voicebank / "noisy_testset_wav" / "p257_001.wav", wide[0][:-30], 48000)
    with caplog.at_level(logging.WARNING):
        result = prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "out", PARTIAL)
    assert [(path.name, reason.split(",")[0].partition(" at ")[0]) for path, reason in result.bad] == [
        ("p226_001.wav", "this is no audio file that can be read (format not recognised)"),
        ("p227_001.wav", "a sample is nan"),
        ("p227_002.wav", "a recording lasts 0.083 s"),
        ("p226_001.wav", "no clean recording belongs to it"),
        ("p257_001.wav", "its clean recording has another length"),
    ]
    assert all(str(path) in caplog.text for path, _ in result.bad)
    ids = {row["id"] for row in rows_of(tmp_path / "out" / "pairs.csv")}
    assert not ids & {"p226_001", "p227_001", "p227_002", "p257_001"}
    assert len(ids) == 10
    with pytest.raises(CorpusError, match=r"more than 2 of 28 recordings are bad: .*p226_001\.wav.*p227_001"):
        prepare(VOICEBANK_DEMAND, voicebank, tmp_path / "new", replace(PARTIAL, most_bad=2))


def test_a_killed_run_goes_on_and_leaves_nothing_behind(tmp_path, speech, put):
    for number in range(80):
        put(tmp_path / "talks" / f"speaker{number % 5}" / f"{number}.wav", np.tile(speech[number % 12], 4), 16000)
    out = tmp_path / "out"
    program = [sys.executable, "-m", "rephase", "data", "prepare", "folder", tmp_path / "talks", out, "--jobs", "1"]
    running = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list(out.rglob("*.flac"))) < 10 and running.poll() is None:
        time.sleep(0.01)
    running.kill()
    running.wait()
    result = prepare(folder_recipe("talks", "speech"), tmp_path / "talks", out)
    assert result.converted + result.skipped == 80
    assert result.skipped >= 9  # one of the files that were seen may still have had a temporary name
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]
    assert len(rows_of(out / "speech.csv")) == 80


def test_a_full_disk_is_no_fault_of_the_recordings(tmp_path, voicebank):
    """The system lets no file of the process grow beyond 10 kB."""
    program = f"""
import resource
from pathlib import Path
from rephase.data.prepare import Choices, prepare
from rephase.data.recipes import VOICEBANK_DEMAND
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
prepare(VOICEBANK_DEMAND, Path({str(voicebank)!r}), Path({str(tmp_path / "out")!r}), Choices(partial=True))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "OutputError: can't write the output (File too large)" in done.stderr
    assert "left out" not in done.stderr
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_names_need_not_be_utf_8(tmp_path, speech, put):
    name = os.fsdecode(b"caf\xe9")
    put(tmp_path / "talks" / name / "1.wav", speech[0], 16000)
    put(tmp_path / "talks" / "anna" / "1.wav", speech[1], 16000)
    prepare(folder_recipe("talks", "speech"), tmp_path / "talks", tmp_path / "out")
    packed = [pack(tmp_path / "out" / "speech.csv", split, tmp_path / f"{split}.npy") for split in ("train", "valid")]
    assert sum(len(corpus) for corpus in packed) == 2
    again = prepare(folder_recipe("talks", "speech"), tmp_path / "talks", tmp_path / "out")
    assert (again.converted, again.skipped) == (0, 2)


# ---------------------------------------------------------------- the other corpora
def test_librispeech_keeps_its_own_subsets(tmp_path, put, speech):
    names = {"train-clean-100": ("19", "26"), "dev-clean": ("84",), "test-other": ("367",)}
    for subset, speakers in names.items():
        for speaker in speakers:
            for number in range(2):
                path = tmp_path / "LibriSpeech" / subset / speaker / "198" / f"{speaker}-198-{number:04}.flac"
                put(path, speech[number], 16000)
        (tmp_path / "LibriSpeech" / subset / speakers[0] / "198" / f"{speakers[0]}-198.trans.txt").write_text("TEXT")
    with pytest.raises(CorpusError, match=r"4 files in train-clean-100, published are 28539"):
        prepare(LIBRISPEECH, tmp_path, tmp_path.with_name("out-libri"))
    out = tmp_path.with_name("out-libri")
    result = prepare(LIBRISPEECH, tmp_path, out, PARTIAL)  # the folder above is found too
    told = " ".join(result.differences)
    assert "0.00 hours in train-clean-100, published are 100.6" in told
    rows = rows_of(out / "speech.csv")
    assert {(row["split"], row["speaker"]) for row in rows} == {
        ("train", "19"), ("train", "26"), ("valid", "84"), ("test", "367"),
    }  # fmt: skip
    assert len(rows) == 8
    heard, _ = soundfile.read(out / "speech/librispeech/train-clean-100/19/198/19-198-0001.flac", dtype="int16")
    source, _ = soundfile.read(tmp_path / "LibriSpeech/train-clean-100/19/198/19-198-0001.flac", dtype="int16")
    assert (heard == source).all()


def test_vctk_holds_out_named_speakers_and_leaves_some_out(tmp_path, put, wide):
    for speaker in ("p225", "p226", "p228", "p232", "p280", "p360", "s5"):
        for mic in (1, 2):
            folder = tmp_path / "VCTK" / "wav48_silence_trimmed" / speaker
            put(folder / f"{speaker}_001_mic{mic}.flac", wide[mic], 48000)
    result = prepare(VCTK, tmp_path / "VCTK", tmp_path / "out", PARTIAL)
    assert {(row["split"], row["speaker"]) for row in rows_of(tmp_path / "out" / "speech.csv")} == {
        ("train", "p225"), ("valid", "p226"), ("valid", "p228"), ("test", "p360"), ("test", "s5"),
    }  # fmt: skip
    assert result.dropped.keys() == {"p232", "p280"}
    assert "7 speakers, published are 110" in result.differences
    assert any("held-out speakers p361, p362" in words for words in result.differences)
    assert result.converted == 5  # one microphone


def test_dns_is_split_by_reader_and_noise_by_file(tmp_path, put, speech):
    root = tmp_path / "DNS-Challenge" / "datasets"
    for reader in range(20):
        for number in range(2):
            name = f"book_00000_chp_0009_reader_{reader:05}_{number}.wav"
            put(root / "clean" / name, speech[number], 16000)
    for number in range(30):
        put(root / "noise" / f"clip{number}.wav", speech[0] * 0.1, 16000)
    for reverb in ("no_reverb", "with_reverb"):
        put(root / "test_set" / "synthetic" / reverb / "clean" / "clean_fileid_7.wav", speech[0], 16000)
        put(root / "test_set" / "synthetic" / reverb / "noisy" / "clnsp1_snr15_tl-21_fileid_7.wav", speech[0], 16000)
    out = tmp_path / "out"
    result = prepare(DNS, tmp_path / "DNS-Challenge", out, replace(PARTIAL, valid_share=0.2))
    rows = rows_of(out / "speech.csv")
    by_split = {
        split: {row["speaker"] for row in rows if row["split"] == split} for split in ("train", "valid", "test")
    }
    assert len(by_split["train"]) + len(by_split["valid"]) == 20
    assert by_split["test"] == {""}
    assert 1 <= len(by_split["valid"]) <= 9
    noise = rows_of(out / "noise.csv")
    assert {row["split"] for row in noise} == {"train", "valid"}
    assert {row["speaker"] for row in noise} == {""}
    assert [row["id"] for row in rows_of(out / "pairs.csv")] == ["no_reverb/fileid_7", "with_reverb/fileid_7"]
    assert "1 files in datasets/test_set/synthetic/no_reverb/clean, published are 150" in result.differences


def test_folders_of_ones_own_join_other_corpora(tmp_path, put, speech, voicebank):
    out = tmp_path / "out"
    prepare(VOICEBANK_DEMAND, voicebank, out, PARTIAL)
    for speaker in ("anna", "ben", "cleo"):
        put(tmp_path / "talks" / speaker / "monday" / "1.wav", np.stack([speech[0], speech[1]], axis=1), 16000)
    (tmp_path / "talks" / "notes.txt").write_text("not a recording")
    prepare(folder_recipe("talks", "speech"), tmp_path / "talks", out)
    rows = rows_of(out / "speech.csv")
    assert {row["source"] for row in rows} == {"talks", "voicebank-demand"}
    mine = [row for row in rows if row["source"] == "talks"]
    assert {row["speaker"] for row in mine} == {"anna", "ben", "cleo"}
    assert sorted(row["split"] for row in mine) == ["train", "train", "valid"]
    put(tmp_path / "noises" / "rain.ogg", speech[2], 16000)
    put(tmp_path / "noises" / "sea.mp3", speech[3], 16000)
    prepare(folder_recipe("noises", "noise"), tmp_path / "noises", out)
    assert [row["source"] for row in rows_of(out / "noise.csv")] == ["noises", "noises"]
    assert len(rows_of(out / "speech.csv")) == len(rows)
    again = prepare(folder_recipe("talks", "speech"), tmp_path / "talks", out, Choices(test_share=0.3, seed=4))
    assert (again.converted, again.skipped) == (0, 3)  # another split converts nothing
    heard, _ = soundfile.read(out / "speech/talks/anna/monday/1.flac")
    np.testing.assert_allclose(heard, (speech[0] + speech[1]) / 2, atol=2**-15)


def test_two_recordings_never_become_one(tmp_path, put, speech):
    put(tmp_path / "in" / "a.wav", speech[0], 16000)
    put(tmp_path / "in" / "a.flac", speech[1], 16000)
    with pytest.raises(CorpusError, match=r"a\.flac and a\.wav would become one file"):
        prepare(folder_recipe("in", "speech"), tmp_path / "in", tmp_path / "out")


def test_what_can_not_be_asked_for(tmp_path, put, speech):
    put(tmp_path / "in" / "a.wav", speech[0], 16000)
    for name in ("../up", "", ".hidden", "a/b"):
        with pytest.raises(ValueError, match="name must be letters"):
            folder_recipe(name, "speech")
    with pytest.raises(ValueError, match="sample_rate must be"):
        prepare(folder_recipe("in", "speech"), tmp_path / "in", tmp_path / "out", Choices(sample_rate=100))
    with pytest.raises(ValueError, match="shares must be"):
        prepare(folder_recipe("in", "speech"), tmp_path / "in", tmp_path / "out", Choices(valid_share=1.0))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no recording"):
        prepare(folder_recipe("empty", "speech"), tmp_path / "empty", tmp_path / "out")


# ---------------------------------------------------------------- splits and recipes
def test_splits_are_by_share_and_stay_as_a_corpus_grows():
    few, many = [f"speaker {n}" for n in range(300)], [f"speaker {n}" for n in range(3000)]
    small = seeded_splits(few, valid=0.1, test=0.2, seed=1)
    large = seeded_splits(many, valid=0.1, test=0.2, seed=1)
    assert all(large[name] == split for name, split in small.items())
    for split, share in (("valid", 0.1), ("test", 0.2)):
        assert sum(value == split for value in large.values()) / 3000 == pytest.approx(share, abs=0.02)
    assert seeded_splits(few, valid=0.1, test=0.2, seed=2) != small
    assert sorted(seeded_splits(["a", "b", "c"], valid=0.001, test=0.001, seed=0).values()) == [
        "test",
        "train",
        "valid",
    ]
    assert seeded_splits(["a"], valid=0.001, test=0.0, seed=0) == {"a": "train"}


def test_recipes_agree_with_each_other():
    assert {part.kind for part in VOICEBANK_DEMAND.parts} == {"speech", "degraded"}
    assert not set(VCTK.valid) & set(VCTK.test)
    assert {"p232", "p257"} <= VCTK.dropped.keys()  # whoever trains on VCTK may report VoiceBank+DEMAND
    assert VCTK.valid == VOICEBANK_DEMAND.valid
    for recipe in RECIPES.values():
        assert recipe.url.startswith("https://")
        assert all(len(part.md5) in (0, 32) for part in recipe.parts)
