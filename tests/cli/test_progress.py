"""The bar appears for long work on a terminal, and nowhere else."""

import sys

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
