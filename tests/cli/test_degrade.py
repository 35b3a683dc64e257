"""The command says what it takes where nothing is named, lists what it left out, and refuses what makes no sense."""

import csv

import numpy as np
import pytest
import soundfile


@pytest.fixture
def clean(tmp_path, example_audio):
    folder = tmp_path / "clean"
    folder.mkdir()
    for index, name in enumerate(("dishes-0db.clean.flac", "hallway.clean.flac")):
        samples, rate = soundfile.read(example_audio / name, frames=16000, start=8000)
        soundfile.write(folder / f"{index}.flac", samples, rate)
    return folder


@pytest.mark.parametrize("task", ["denoise", "dereverb", "bandwidth", "universal", "phase-retrieval"])
def test_each_task_makes_pairs(rephase, clean, tmp_path, task):
    outcome = rephase("degrade", clean, tmp_path / "out", "--task", task, "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"2 pairs: {tmp_path / 'out' / 'pairs.csv'}\n"
    assert ("coloured noise is made" in outcome.err) == (task in ("denoise", "universal"))
    assert ("a simulated room of its own" in outcome.err) == (task in ("dereverb", "universal"))
    with (tmp_path / "out" / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(bool(row["snr_db"]) == (task in ("denoise", "universal")) for row in rows)
    assert all(bool(row["t60_s"]) == (task in ("dereverb", "universal")) for row in rows)
    assert all(bool(row["band_hz"]) == (task in ("bandwidth", "universal")) for row in rows)
    assert all(bool(row["phase"]) == (task == "phase-retrieval") for row in rows)


def test_options_reach_the_list(rephase, clean, tmp_path):
    soundfile.write(tmp_path / "hum.wav", np.sin(np.arange(16000) / 20), 16000)
    (tmp_path / "noise").mkdir()
    (tmp_path / "hum.wav").rename(tmp_path / "noise" / "hum.wav")
    outcome = rephase(
        "degrade", clean, tmp_path / "out", "--task", "universal", "--noise", tmp_path / "noise", "--snr", "3",
        "--rates", "8000", "--clip", "2,2", "--codec", "mp3", "--kbps", "24,24", "--speed", "0.9,0.9", "--jobs", 1,
        "--seed", 5, "--format", "wav",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "coloured" not in outcome.err
    with (tmp_path / "out" / "pairs.csv").open(newline="") as file:
        (first, *_) = rows = list(csv.DictReader(file))
    assert first == first | {
        "noise": "hum.wav", "snr_db": "3.00", "band_hz": "4000", "clip_db": "2.00", "codec": "mp3", "kbps": "24",
        "speed": "0.9", "degraded": "degraded/0.wav",
    }  # fmt: skip
    assert len(rows) == 2


def test_what_is_left_out_is_listed_and_the_exit_code_is_1(rephase, clean, tmp_path):
    (clean / "broken.wav").write_bytes(b"RIFF")
    outcome = rephase("degrade", clean, tmp_path / "out", "--task", "bandwidth", "--jobs", 1)
    assert outcome.code == 1
    assert "1 of 3 inputs failed" in outcome.err
    assert "broken.wav" in outcome.err
    assert "2 pairs" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--task", "clean"], "--task: must be one of denoise, dereverb, bandwidth, universal, phase-retrieval"),
        (["--task", "denoise", "--snr", "loud"], "--snr: must be numbers with commas between, got 'loud'"),
        (["--task", "denoise", "--snr", "1,2,3"], "--snr: must be LOW,HIGH or one number, got '1,2,3'"),
        (["--task", "denoise", "--snr", "15,0"], "snr_db must be (lowest, highest); got (15.0, 0.0)"),
        (["--task", "denoise", "--format", "mp3"], "--format: must be one of flac, wav, got 'mp3'"),
        (["--task", "denoise", "--codec", "aac"], "--codec: must be opus, mp3 or opus,mp3, got 'aac'"),
        (["--task", "bandwidth", "--band", "2000", "--rates", "8000"], "--band: can't go with --rates"),
        (["--task", "denoise", "--noise", "nowhere"], "there is no such folder; nowhere"),
        (["--task", "denoise", "--noise", "noise.wav"], "this is a file, not a folder; noise.wav; name the folder"),
        ([], "missing option '--task'"),
    ],
)
def test_wrong_usage_is_one_line_and_2(rephase, clean, tmp_path, monkeypatch, arguments, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "noise.wav").touch()
    outcome = rephase("degrade", clean, tmp_path / "out", *arguments)
    assert outcome.code == 2
    assert expected in outcome.error
    assert not (tmp_path / "out").exists()
