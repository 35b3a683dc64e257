"""What a user should know about a recording, said once: a thousand telephone calls need no thousand equal lines."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rephase.cli.failures import shown

if TYPE_CHECKING:
    from rephase.enhancer import Report


class Notices:
    """Notices of a run, on stderr.

    Args:
        tree: the folder whose recordings are enhanced, below which they are named and notices are counted; None where
            recordings were named one by one.
    """

    def __init__(self, tree: Path | None) -> None:
        self._tree = tree
        self._told: Counter[str] = Counter()

    def tell(self, report: "Report") -> None:
        """Says what is to be said of a recording; in a folder, what was said of another is only counted.

        Args:
            report: of the recording.
        """
        name = report.source.name if self._tree is None else report.source.relative_to(self._tree)
        for notice in report.notices:
            self._told[notice] += 1
            if self._tree is None or self._told[notice] == 1:
                typer.echo(f"{shown(name)}: {notice}", err=True)

    def tell_repeated(self) -> None:
        """Says of how many more recordings of a folder each notice is true."""
        for notice, count in self._told.items():
            if self._tree is not None and count > 1:
                typer.echo(f"{count - 1} more: {notice}", err=True)
