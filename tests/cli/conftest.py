"""Running the command line inside the test process."""

import sys
from typing import NamedTuple

import pytest

from rephase.cli import main


class Outcome(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on stderr that tells of a failure."""
        assert "Traceback" not in self.err
        assert self.err.startswith("rephase: ")
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        return self.err.strip()


@pytest.fixture
def rephase(capsys, monkeypatch):
    """Runs `rephase ARGUMENTS...`."""

    def run(*arguments) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["rephase", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return Outcome(stop.value.code or 0, captured.out, captured.err)

    return run
