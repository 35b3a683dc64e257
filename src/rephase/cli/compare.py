"""`rephase compare`: reports side by side."""

from pathlib import Path
from typing import Annotated

import typer

from rephase.cli.failures import Verbose

EPILOG = """\b
Example:
  rephase compare report-a/ report-b/ -o comparison/     is B better than A?
  rephase compare report-a/ report-b/ --where task=denoise     on noise?

\b
Items are matched by name and by the content of their references. Exit codes: 0 done, 2 nothing was compared.
"""


def compare(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORTS", help="Folders that `rephase evaluate` wrote.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where tables and the page go.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION=VALUE",
            help="Only items recorded under it (columns of scores.csv); several values of one condition: any of them.",
        ),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Say whether systems differ: each one beside the first, item by item.

    Gives mean differences with 95 % bootstrap intervals, Wilcoxon's signed-rank test corrected for the number of
    metrics, and on how many items each is better. With -o it writes comparison.csv, .json, .md and a page with a plot.
    """
    from rephase.errors import RephaseError

    try:
        from rephase.evaluation.comparison import compare_reports, comparison_rows, read_report, write_comparison
        from rephase.reporting.tables import markdown_table
    except ModuleNotFoundError as error:
        raise RephaseError(
            f"comparing needs the package {error.name}, not installed here; install: pip install 'rephase[eval]'"
        ) from error
    wanted: dict[str, set[str]] = {}
    for text in where or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise RephaseError(f"--where must be CONDITION=VALUE; got {text}; try --where task=denoise")
        wanted.setdefault(name, set()).add(value)
    if output is not None:
        _check_output(output, reports)
    comparisons, notes = compare_reports([read_report(folder).where(wanted) for folder in reports])
    notes = [f"only items with {' and '.join(where)}", *notes] if where else notes
    typer.echo(markdown_table(*comparison_rows(comparisons)))
    for note in notes:
        typer.echo(note, err=True)
    if output is not None:
        write_comparison(comparisons, notes, output)
        typer.echo(f"comparison: {output / 'index.html'}")


def _check_output(output: Path, reports: list[Path]) -> None:
    """Refuses a file or a report as the output, before anything is compared."""
    from rephase.errors import OutputError

    if output.exists() and not output.is_dir():
        raise OutputError(f"the output is a file; {output}; name a folder")
    if output.resolve() in {folder.resolve() for folder in reports}:
        raise OutputError(f"the output is one of the reports; {output}; name another folder, reports are kept")
