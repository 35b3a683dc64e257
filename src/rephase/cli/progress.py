"""A progress bar on stderr that stays away from short work and from logs."""

import os
import sys
import time
import unicodedata
from types import TracebackType

PATIENCE_S = 2.0  # work that is over sooner shows no bar
REDRAW_S = 0.1
WIDTH = 32


class ProgressBar:
    """Call it with what is done and what there is; it draws after two seconds, and only on a terminal.

    Leaving it as a context manager, for whatever reason, wipes the line.
    """

    def __init__(self, label: str) -> None:
        self._label = "".join(character if character.isprintable() else "?" for character in label)
        self._shows = sys.stderr.isatty()
        self._start = time.monotonic()
        self._next_draw = self._start + PATIENCE_S

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def wipe(self) -> None:
        """Takes the bar off its line, for text to be written there; it is drawn again when there is more to tell."""
        if self._shows and self._next_draw > self._start + PATIENCE_S:
            self._write("\r\x1b[K")

    def __call__(self, done: float, total: float) -> None:
        """Draws the bar if it is time to.

        Args:
            done: how much of the work is done, in any unit, such as seconds of audio.
            total: how much there is; 0 if nobody knows.
        """
        now = time.monotonic()
        if not self._shows or now < self._next_draw:
            return
        self._next_draw = now + REDRAW_S
        share = min(done / total, 1.0) if total else 0.0
        left = f"{(now - self._start) * (1 / share - 1):3.0f} s left" if share else ""
        bar = f"  {'█' * int(WIDTH * share):░<{WIDTH}} {share:4.0%}  {left}"
        columns = _columns() - 1  # a full line would wrap on some terminals
        self._write(f"\r{_cut(self._label, columns - len(bar))}{bar[: max(columns, 0)]}\x1b[K")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80


def _cut(text: str, cells: int) -> str:
    """As much of a text as fits into that many cells of a terminal."""
    for index, character in enumerate(text):
        cells -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if cells < 0:
            return text[:index]
    return text
