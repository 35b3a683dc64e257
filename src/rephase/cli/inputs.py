"""Inputs that are results: `rephase enhance *.wav` given a second time finds `talk.enhanced.wav` among them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rephase.cli.failures import shown
from rephase.cli.same_file import identity

if TYPE_CHECKING:
    from rephase.ledger import Job, Ledger, LedgerBeside


def without_results(inputs: Sequence[Path], result_of: Callable[[Path], Path]) -> tuple[list[Path], list[Path]]:
    """Tells recordings and their results apart.

    Args:
        inputs: as the user named them.
        result_of: where the result of a recording goes.

    Returns:
        The recordings, and those inputs that are the results of others.
    """
    targets = {identity(result_of(path)) for path in inputs}
    results = [path for path in inputs if identity(path) in targets and path.exists()]
    return [path for path in inputs if path not in results], results


def keep_unknown(
    work: "Sequence[Job]", results: Sequence[Path], ledger: "Ledger | LedgerBeside | None", *, overwrite: bool
) -> "tuple[list[Job], list[Job]]":
    """Sets aside the jobs whose result is there and was named as an input, though no ledger knows it.

    It may be a recording that has such a name by chance, so it is never replaced.

    Args:
        work: what is to be done.
        results: inputs that are the results of others.
        ledger: of what was done before.
        overwrite: whether results may be replaced.

    Returns:
        What is left to do, and what was set aside.

    Raises:
        OutputError: if one would have to be replaced.
    """
    from rephase.errors import OutputError

    named = {identity(path) for path in results}
    unknown = [
        job for job in work if identity(job.target) in named and (ledger is None or ledger.state(job) == "not ours")
    ]
    if unknown and overwrite:
        raise OutputError(
            f"the result of {unknown[0].source} would replace an input; {unknown[0].target}; "
            f"choose another output, or name the recordings alone"
        )
    return [job for job in work if job not in unknown], unknown


def tell_left_out(results: Sequence[Path], unknown: "Sequence[Job]", *, tree: Path | None = None) -> None:
    """Says which inputs are left out, and why.

    Args:
        results: inputs that are the results of others, or of an earlier run.
        unknown: jobs whose result is there, though no ledger knows it.
        tree: the folder whose recordings are enhanced, below which they are named; None where inputs were named.
    """
    if results:
        first = shown(results[0].name if tree is None else results[0].relative_to(tree))
        line = f"{first}: left out, it is a result"
        if len(results) > 1:
            line = f"{len(results)} inputs are left out, they are results: {first} ..."
        typer.echo(line, err=True)
    for job in unknown:
        typer.echo(
            f"{shown(job.source.name)}: left out, {shown(job.target.name)} is there and no ledger says how it was "
            f"made; remove it to have it made anew",
            err=True,
        )
