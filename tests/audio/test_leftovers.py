"""What a killed run has left is removed; what somebody writes, and what is none of ours, stays."""

import os
import subprocess
import sys

import numpy as np
import pytest

from rephase.audio.formats import AudioFormat
from rephase.audio.leftovers import make_unfinished, remove_leftovers
from rephase.audio.writer import AudioWriter

fcntl = pytest.importorskip("fcntl", reason="no locks on this system, nothing is removed")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_somebody_writes_stays(tmp_path):
    with AudioWriter(tmp_path / "a.wav", 16000, 1, AudioFormat("WAV", "PCM_16")) as writer:
        writer.write(np.zeros((1, 1000), np.float32))
        assert remove_leftovers(tmp_path) == []
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == ["a.wav"]


def test_what_a_killed_process_left_goes(tmp_path):
    code = f"""
import os, signal
from pathlib import Path
from rephase.audio.leftovers import make_unfinished
make_unfinished(Path({str(tmp_path)!r}) / "a.flac")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode < 0
    (left,) = names(tmp_path)
    assert remove_leftovers(tmp_path) == [tmp_path / left]
    assert names(tmp_path) == []


def test_what_is_none_of_ours_stays(tmp_path):
    others = [".rephase.jsonl", ".rephase-1234.wav", ".rephase-0123456789abcdefg.wav", "rephase-0123456789abcdef.wav"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / ".rephase-0123456789abcdef").mkdir()
    os.mkfifo(tmp_path / ".rephase-0123456789abcde0.wav")
    (tmp_path / ".rephase-0123456789abcde1.wav").symlink_to(tmp_path / others[0])
    before = names(tmp_path)
    assert remove_leftovers(tmp_path) == []
    assert names(tmp_path) == before


def test_no_folder_no_leftovers(tmp_path):
    assert remove_leftovers(tmp_path / "no") == []


def test_a_file_that_was_taken_away_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock = fcntl.flock
    taken = []

    def late(descriptor, how):
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    path, descriptor = make_unfinished(tmp_path / "a.wav")
    os.close(descriptor)
    assert path != taken[0]
    assert names(tmp_path) == [path.name]
