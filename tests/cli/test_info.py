"""`rephase info` says what a recording is."""

import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile


def facts(out):
    return dict(line.strip().split("  ", 1) for line in out.splitlines() if line)


def test_a_known_recording(rephase, tmp_path):
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(96000) / 48000)
    soundfile.write(tmp_path / "sine.wav", np.stack([sine, sine], axis=1), 48000, subtype="PCM_24")
    outcome = rephase("info", tmp_path / "sine.wav")
    assert (outcome.code, outcome.err) == (0, "")
    assert facts(outcome.out) == {
        "file": str(tmp_path / "sine.wav"),
        "format": "WAV, PCM_24",
        "sample rate": "48000 Hz",
        "channels": "2",
        "duration": "0:02.000 (96000 samples)",
        "peak": "-6.0 dBFS",
        "RMS": "-9.0 dBFS",
        "bandwidth": "about 1.1 kHz",
    }


def test_silence(rephase, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    described = facts(rephase("info", tmp_path / "silence.wav").out)
    assert described["peak"] == "-inf dBFS"
    assert described["bandwidth"] == "silence"


@pytest.mark.parametrize("content", [None, b"", b"dear diary"])
def test_no_recording_is_one_line_and_2(rephase, tmp_path, content):
    if content is not None:
        (tmp_path / "talk.wav").write_bytes(content)
    outcome = rephase("info", tmp_path / "talk.wav")
    assert outcome.code == 2
    assert "talk.wav" in outcome.error
    assert outcome.out == ""


def test_nothing_read_is_2(rephase, tmp_path):
    outcome = rephase("info", tmp_path / "missing.wav", tmp_path / "gone.wav")
    assert outcome.code == 2
    assert "rephase: 2 of 2 inputs failed:" in outcome.err


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are Unicode")
def test_a_name_that_is_not_utf_8(tmp_path, example_audio):
    path = tmp_path / os.fsdecode(b"caf\xe9.flac")
    path.write_bytes((example_audio / "hallway.clean.flac").read_bytes())
    command = [sys.executable, "-m", "rephase", "info", path]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"caf\\udce9.flac" in done.stdout


def test_a_broken_file_does_not_stop_the_others(rephase, example_audio, tmp_path):
    outcome = rephase("info", tmp_path / "missing.wav", example_audio / "hallway.clean.flac")
    assert outcome.code == 1
    assert "hallway.clean.flac" in outcome.out
    assert "rephase: 1 of 2 inputs failed:" in outcome.err
    assert "missing.wav" in outcome.err
