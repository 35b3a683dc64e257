"""Every error becomes one line that a user can act on."""

import errno
import os

import pytest
import typer

from rephase.cli.failures import one_line, report_failures
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
