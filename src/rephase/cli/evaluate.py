"""`rephase evaluate`: folders in, scores and a report out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rephase.cli.failures import Verbose
from rephase.cli.progress import ProgressBar

if TYPE_CHECKING:
    from rephase.evaluation.items import Item
    from rephase.evaluation.run import Setting

EPILOG = """\b
Examples:
  rephase evaluate --reference clean/ --estimate enhanced/ -o report/
  rephase evaluate --reference clean/ --estimate enhanced/ --degraded noisy/ --metrics all -o report/
  rephase evaluate --model renet-lite --pairs eval.csv -o report/    enhances, then scores
  rephase evaluate --estimate enhanced/ -o report/                   without clean recordings: DNSMOS alone
  rephase evaluate --reference clean/ --estimate out/ --metrics pesq_wb,estoi --align -o report/

\b
Files belong together by their names; see docs/evaluation.md for lists, for what is done with files that don't fit each
other, and for what each metric says. A value that can't be computed is `missing` with its reason, and never 0.

\b
Exit codes: 0 done (missing values are told), 2 nothing was scored, 130 interrupted, 143 terminated.
"""


def evaluate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report goes.")],
    estimate: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="What is scored: the results of a system.")
    ] = None,
    reference: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The clean recordings.")] = None,
    degraded: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="What the estimates were made of: scored too, to compare.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="A list of items and their conditions, instead of folders.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|FOLDER", help="Enhance the degraded recordings with this model and score that."),
    ] = None,
    metrics: Annotated[
        str, typer.Option(metavar="quick|all|NAMES", help="What to compute; names with commas between.")
    ] = "quick",
    align: Annotated[
        bool, typer.Option("--align", help="Move estimates to where their references lie, before they are scored.")
    ] = False,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="What the report calls the system.")] = None,
    examples: Annotated[
        int, typer.Option(metavar="N", min=0, help="How many best and worst items the page plays.")
    ] = 3,
    jobs: Annotated[int, typer.Option(metavar="N", min=0, help="Items at a time; 0: one a core.")] = 0,
    verbose: Verbose = False,
) -> None:
    """Score enhanced speech and write a report.

    Writes scores.csv (a row an item), summary.json, summary.md and index.html (plots, players, spectrograms; one file,
    no network). Started again after a stop, or with more metrics, it goes on and computes only what it lacks.
    """
    try:
        from rephase.evaluation.report import PAGE, overall_table, verdict, write_report
        from rephase.evaluation.results import Results
        from rephase.evaluation.run import evaluate as run
        from rephase.evaluation.run import with_estimates
        from rephase.runtimes.cores import available_cores
    except ModuleNotFoundError as error:
        raise _lacks(error) from error
    items, setting, about = _plan(estimate, reference, degraded, pairs, model, metrics, align)
    workers = min(jobs or available_cores(), len(items))
    with ProgressBar(f"{len(items)} items") as progress:
        scores, known = run(items, setting, output, workers=workers, progress=progress)
    system = name or (
        setting.model.identity.split()[0] if setting.model else (estimate.name if estimate else "estimate")
    )
    names = [metric.name for metric in setting.metrics]
    results = Results(system, with_estimates(items, setting, output), scores, names, setting.with_degraded, about)
    try:
        write_report(results, output, examples=examples)
    except ModuleNotFoundError as error:
        raise _lacks(error) from error
    typer.echo(overall_table(results))
    typer.echo(verdict(results))
    if known:
        typer.echo(f"{known} of {len(items)} items were scored before.")
    if results.missing:
        typer.echo(f"{len(results.missing)} values are missing; the report says which and why.", err=True)
    if alignment := results.alignment():
        typer.echo(alignment)
    typer.echo(f"report: {output / PAGE}")


def _lacks(error: ModuleNotFoundError) -> Exception:
    from rephase.errors import RephaseError

    return RephaseError(
        f"a report needs the package {error.name}, not installed here; install: pip install 'rephase[eval]'"
    )


def _plan(
    estimate: Path | None, reference: Path | None, degraded: Path | None, pairs: Path | None,
    model: str | None, wanted: str, align: bool,
) -> "tuple[list[Item], Setting, dict[str, str]]":  # fmt: skip
    """What is scored and how."""
    from rephase.errors import RephaseError
    from rephase.evaluation.catalogue import chosen_metrics
    from rephase.evaluation.items import items_of_folders, items_of_list
    from rephase.evaluation.run import Setting, choose_model

    if pairs is not None and (reference or degraded):
        raise RephaseError(f"a list names its files itself; --pairs {pairs}; leave out --reference and --degraded")
    if model is not None and estimate is not None:
        raise RephaseError("a model makes the estimates itself; --model and --estimate; leave out one of them")
    if pairs is not None:
        items = items_of_list(pairs, estimate)
    elif model is not None:
        if degraded is None:
            raise RephaseError(f"a model needs recordings to enhance; --model {model}; name them: --degraded noisy/")
        items = items_of_folders(degraded, reference)
        items = [_turned(item) for item in items]
    elif estimate is not None:
        items = items_of_folders(estimate, reference, degraded)
    else:
        raise RephaseError("nothing to score is named; name --estimate FOLDER, or --model NAME and --pairs FILE.csv")
    chosen_model = choose_model(model) if model is not None else None
    if chosen_model is None and all(item.estimate is None for item in items):
        raise RephaseError(
            f"the list names no estimates; {pairs}; add a column estimate, or name --estimate or --model"
        )
    with_degraded = any(item.degraded is not None for item in items)
    metrics = chosen_metrics(
        wanted,
        has_reference=any(item.reference is not None for item in items),
        has_cut_off=any(item.cut_off_hz is not None for item in items),
    )
    about = {
        "estimates": chosen_model.label if chosen_model else str(estimate or pairs),
        "references": str(reference or pairs or "none"),
        "degraded": str(degraded or pairs) if with_degraded else "none",
        "aligned": "yes" if align else "no",
    }
    setting = Setting(tuple(metrics), align=align, model=chosen_model, with_degraded=with_degraded)
    return items, setting, about


def _turned(item: "Item") -> "Item":
    """An item whose estimate is what a model shall enhance."""
    from dataclasses import replace

    return replace(
        item, degraded=item.estimate, estimate=None, problem=item.problem.replace("estimate", "degraded recording")
    )
