"""Every error becomes one line that a user can act on."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from rephase.cli.failures import one_line, report_failures, shown
from rephase.errors import AudioFileError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (AudioFileError("the file is empty; a.wav; record it again"), "the file is empty; a.wav; record it again"),
        (ValueError("two\nlines"), "two lines"),
        (
            ImportError("torch is missing; pip install 'rephase[torch]'"),
            "torch is missing; pip install 'rephase[torch]'",
        ),
        (MemoryError(), "MemoryError"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/media/a.wav"),
            "no space left on device; /media/a.wav; check the path, its permissions and the space on the disk",
        ),
        (KeyError("x"), "unexpected KeyError: 'x'; this is a fault of rephase: --verbose shows where"),
    ],
)
def test_one_line(error, line):
    assert one_line(error) == line


@pytest.mark.parametrize(("of", "code"), [(3, 1), (2, 2)])
def test_failures_are_listed_and_end_with_1_or_2_if_nothing_succeeded(capsys, of, code):
    with pytest.raises(typer.Exit) as stop:
        report_failures([ValueError("first"), ValueError("second")], of=of)
    assert stop.value.exit_code == code
    assert capsys.readouterr().err == f"rephase: 2 of {of} inputs failed:\n  first\n  second\n"


def test_no_failures_no_words(capsys):
    report_failures([], of=3)
    assert capsys.readouterr().err == ""


def test_libraries_do_not_speak_on_their_own(tmp_path, identity_model):
    """libsndfile's MP3 decoder tells stderr of everything that it stumbles over."""
    (tmp_path / "diary.mp3").write_text("dear diary, today I recorded nothing\n" * 20)
    command = [sys.executable, "-m", "rephase", "enhance", tmp_path / "diary.mp3", "--model", identity_model]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("rephase: this is no audio file that can be read (its content is no audio)")
    assert done.stderr.count("\n") == 1
    loud = subprocess.run([*command, "--verbose"], capture_output=True, text=True, check=False)
    assert "Illegal Audio-MPEG-Header" in loud.stderr, "with --verbose they may"
    assert loud.stderr.splitlines()[-1] + "\n" == done.stderr


def test_no_stderr_is_no_fault(tmp_path):
    command = f"{sys.executable} -m rephase info {tmp_path / 'missing.wav'} 2>&-"
    assert subprocess.run(command, shell=True, check=False).returncode == 2


@pytest.mark.parametrize("text", ["two\nlines", "\x1b[2J", "\udce9", "tab\there"])
def test_what_steers_a_terminal_is_not_printed(text):
    assert shown(text).isprintable()
    assert shown(Path(text)) == shown(text)
    assert shown("🎙 é 会議 a b.wav") == "🎙 é 会議 a b.wav"
