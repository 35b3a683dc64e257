"""The bar appears for long work on a terminal, and nowhere else."""

import os
import sys
import unicodedata

import pytest

from rephase.cli import progress


def test_long_work_draws_a_bar_and_wipes_it(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    with progress.ProgressBar("talk.wav") as bar:
        bar(1.0, 4.0)
    drawn = capsys.readouterr().err
    assert drawn.startswith("\rtalk.wav  ████████░░░░")
    assert " 25%" in drawn
    assert drawn.endswith("\r\x1b[K")


@pytest.mark.skipif(os.name != "posix", reason="pseudo terminals are POSIX")
@pytest.mark.parametrize("columns", [12, 40, 60, 80])
@pytest.mark.parametrize("label", ["talk" * 50 + ".wav", "録音" * 50 + ".wav", "a\nb\udce9.wav"])
def test_a_narrow_terminal_gets_one_line(monkeypatch, columns, label):
    import fcntl
    import struct
    import termios

    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    with os.fdopen(writer, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        progress.ProgressBar(label)(1.0, 4.0)
        drawn = os.read(reader, 10_000).decode()
    os.close(reader)
    line = drawn.removeprefix("\r").removesuffix("\x1b[K")
    assert line.isprintable()
    assert sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line) < columns
    assert columns < 60 or " 25%" in line
    assert columns < 80 or line.startswith(label[:3].partition("\n")[0])


def test_short_work_draws_nothing(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress.ProgressBar("talk.wav") as bar:
        for done in (0.0, 2.0, 4.0):
            bar(done, 4.0)
    assert capsys.readouterr().err == ""


def test_no_terminal_no_bar(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    with progress.ProgressBar("talk.wav") as bar:
        bar(1.0, 4.0)
    assert capsys.readouterr().err == ""
