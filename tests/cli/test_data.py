"""`rephase data`: what a user sees of preparing corpora and writing shards."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

CLIPS = Path(__file__).parent.parent / "clips"


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """Real clips, a folder a speaker."""
    for clip in sorted(CLIPS.glob("speech/*.flac")):
        path = tmp_path / "talks" / clip.stem.partition("-")[0] / f"{clip.stem}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, *soundfile.read(clip, dtype="int16"))
    return tmp_path / "talks"


def test_a_folder_becomes_manifest_and_shards(rephase, tmp_path, talks):
    outcome = rephase("data", "prepare", "folder", talks, tmp_path / "data", "--jobs", 2)
    assert outcome.code == 0
    assert "speech.csv: train 9 files of 3 speakers" in outcome.out
    assert "; valid 3 files of 1 speakers" in outcome.out
    assert "12 files converted; licence: not stated" in outcome.out
    assert outcome.err == ""
    again = rephase("data", "prepare", "folder", talks, tmp_path / "data")
    assert "0 files converted, 12 were there" in again.out
    outcome = rephase("data", "shard", tmp_path / "data" / "speech.csv", tmp_path / "shards", "--shard-mb", 0.1)
    assert outcome.code == 0
    assert "train.json: 9 recordings, 0.01 h, in " in outcome.out
    assert (tmp_path / "shards" / "train-000001.tar").exists()


def test_the_default_trains_on_no_test_speaker(rephase, tmp_path, talks):
    rephase("data", "prepare", "folder", talks, tmp_path / "data", "--test-share", 0.2)
    with (tmp_path / "data" / "speech.csv").open(newline="") as file:
        held_out = {row["path"] for row in csv.DictReader(file) if row["split"] == "test"}
    assert held_out
    rephase("data", "shard", tmp_path / "data" / "speech.csv", tmp_path / "shards")
    from rephase.data.shards import ShardRecordings

    heard = {recording.path for recording in ShardRecordings(tmp_path / "shards" / "train.json")}
    assert heard
    assert not heard & held_out


def test_a_corpus_that_is_not_there_says_where_to_get_it(rephase, tmp_path):
    outcome = rephase("data", "prepare", "voicebank-demand", tmp_path / "nowhere", tmp_path / "out")
    assert outcome.code == 2
    assert "https://doi.org/10.7488/ds/2117 (CC BY 4.0)" in outcome.error
    (tmp_path / "empty").mkdir()
    outcome = rephase("data", "prepare", "vctk", tmp_path / "empty", tmp_path / "out")
    assert outcome.code == 2
    assert "lacks wav48_silence_trimmed" in outcome.error
    (tmp_path / "vctk.zip").touch()
    outcome = rephase("data", "prepare", "vctk", tmp_path / "vctk.zip", tmp_path / "out")
    assert f"this is a file, not a folder; {tmp_path}/vctk.zip; unpack it" in outcome.error
    for folder, reason in (("nowhere", "there is no such folder"), ("empty", "there is no recording of")):
        outcome = rephase("data", "prepare", "folder", tmp_path / folder, tmp_path / "out")
        assert outcome.code == 2
        assert reason in outcome.error
        assert outcome.error.endswith(f"{tmp_path}/{folder}; name the folder of your recordings")


def test_a_part_of_a_corpus_needs_partial_and_differences_are_told(rephase, tmp_path):
    for speaker, subset in (("19", "train-clean-100"), ("84", "dev-clean")):
        folder = tmp_path / "LibriSpeech" / subset / speaker / "1"
        folder.mkdir(parents=True)
        soundfile.write(folder / f"{speaker}-1-0000.flac", np.ones(16000, np.int16), 16000)
    outcome = rephase("data", "prepare", "librispeech", tmp_path / "LibriSpeech", tmp_path / "out")
    assert outcome.code == 2
    assert "1 files in train-clean-100, published are 28539" in outcome.error
    assert "--partial" in outcome.error
    outcome = rephase("data", "prepare", "librispeech", tmp_path / "LibriSpeech", tmp_path / "out", "--partial")
    assert outcome.code == 0
    assert "differs from what was published: 1 files in train-clean-100, published are 28539" in outcome.err
    assert "train 1 files of 1 speakers, 0.00 h; valid 1 files" in outcome.out


def test_bad_recordings_are_told_and_limited(rephase, tmp_path, talks):
    (talks / "367" / "367-130732-0000.wav").write_text("no audio")
    outcome = rephase("data", "prepare", "folder", talks, tmp_path / "data")
    assert outcome.code == 0
    assert "1 recordings are left out" in outcome.err
    assert "367-130732-0000.wav" in (tmp_path / "data" / "talks.json").read_text()
    outcome = rephase("data", "prepare", "folder", talks, tmp_path / "new", "--max-bad", 0)
    assert outcome.code == 2
    assert "more than 0 of 12 recordings are bad" in outcome.err
    assert not (tmp_path / "new" / "speech.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["prepare", "timit", "in", "out"], "'timit' is not one of 'voicebank-demand', 'librispeech'"),
        (["prepare", "vctk", "in", "out", "--kind", "noise"], "--name and --kind belong to the corpus `folder`"),
        (["prepare", "folder", "in"], "missing argument 'OUT'"),
        (["shard"], "missing argument 'MANIFEST'"),
        (["shard", "nowhere.csv", "out"], "can't read the manifest"),
        (["prepare", "folder", ".", "data"], "the result can't go into the corpus"),
    ],
)
def test_wrong_usage_is_one_line_and_2(rephase, arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = rephase("data", *arguments)
    assert outcome.code == 2
    assert expected in outcome.error
    assert not list(tmp_path.iterdir())


def test_preparing_needs_no_torch_and_shards_name_what_they_lack(tmp_path, talks):
    blocked = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "webdataset", "fsspec", "scipy", "lightning"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from rephase.cli import main
sys.argv = ["rephase", "data", *sys.argv[1:]]
main()
"""
    program = [sys.executable, "-c", blocked]
    done = subprocess.run([*program, "prepare", "folder", talks, tmp_path / "data"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    shard = [*program, "shard", tmp_path / "data" / "speech.csv", tmp_path / "shards"]
    done = subprocess.run(shard, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'rephase[train]'" in done.stderr
    assert done.stderr.count("\n") == 1
