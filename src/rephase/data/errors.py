"""What goes wrong with corpora, and how many bad recordings one may hold."""

import logging
from collections.abc import Sequence
from pathlib import Path

from rephase.errors import RephaseError

logger = logging.getLogger(__name__)
SHARE, AT_LEAST = 0.01, 20  # of the recordings of a corpus may be bad, whichever is more
NAMED = 3


class CorpusError(RephaseError):
    """A corpus, a manifest, shards or recordings that nothing can be trained on."""


class BadFiles:
    """Recordings that are left out, each told by its path as it is found; too many of them end the work.

    A corpus of thousands of files has a damaged one now and then, and a night's work should not end at it; but where
    many are bad the corpus itself is wrong, and nobody should train on what is left of it.

    Args:
        files: how many recordings there are.
        where: the corpus, for messages.
        most: how many of them may be bad; 1 % or 20 by default, whichever is more.

    Attributes:
        found: path and reason of each.
    """

    def __init__(self, files: int, where: Path | str, most: int | None = None) -> None:
        if most is not None and most < 0:
            raise ValueError(f"most must be 0 or more; got {most}. It says how many recordings may be bad")
        self._files, self._where = files, where
        self.most = max(AT_LEAST, int(SHARE * files)) if most is None else most
        self.found: list[tuple[Path, str]] = []

    def add(self, path: Path, error: Exception) -> None:
        """Leaves a recording out.

        Args:
            path: of the recording.
            error: why.

        Raises:
            CorpusError: If there are more now than there may be, naming the first few.
        """
        reason = str(error).partition("; ")[0]
        self.found.append((path, reason))
        logger.warning("left out: %s; %s", reason, path)
        if len(self.found) > self.most:
            raise CorpusError(
                f"more than {self.most} of {self._files} recordings are bad: {summary(self.found)}; {self._where}; "
                "mend or remove them, or allow for more (--max-bad, most_bad=)"
            )

    def check_rest(self) -> None:
        """Checks that there is a good recording.

        Raises:
            CorpusError: If there is none.
        """
        if len(self.found) >= self._files:
            raise CorpusError(f"no recording is usable: {summary(self.found)}; {self._where}; mend or replace them")


def summary(found: Sequence[tuple[Path, str]]) -> str:
    """Names the first few bad recordings.

    Args:
        found: path and reason of each.

    Returns:
        A part of one line.
    """
    names = ", ".join(f"{path} ({reason})" for path, reason in found[:NAMED])
    return names + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")
