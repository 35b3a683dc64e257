"""What `--dry-run` tells, and the tidying before a run."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rephase.cli.failures import report_failures, shown
from rephase.cli.times import spoken

if TYPE_CHECKING:
    from rephase.dry_run import Plan
    from rephase.ledger import Job


def tell_plans(plans: "Iterable[Plan]", *, of: int, workers: int) -> None:
    """Says what would be done, one line a recording and one for all.

    Args:
        plans: for each job.
        of: how many jobs there are.
        workers: how many at a time.

    Raises:
        typer.Exit: if something would fail, as a run would.
    """
    failures, size, seconds, audio, done, targets = [], 0, 0.0, 0.0, 0, []
    for plan in plans:
        if plan.error is not None:
            failures.append(plan.error)
        elif plan.info is None or plan.format is None:
            typer.echo(f"{shown(plan.job.source)}: done before")
            done += 1
        else:
            info = plan.info
            typer.echo(
                f"{shown(plan.job.source)} -> {shown(plan.job.target)}  ({plan.format.words}, "
                f"{plan.sample_rate} Hz, {info.channels} channel{'s' if info.channels > 1 else ''}, "
                f"{info.seconds:.1f} s of audio; {spoken(plan.seconds)}, {megabytes(plan.bytes)})"
            )
            if plan.format.notice:
                typer.echo(f"{shown(plan.job.source.name)}: {plan.format.notice}", err=True)
            size, seconds, audio = size + plan.bytes, seconds + plan.seconds, audio + info.seconds
            targets.append(plan.job.target)
    if targets:
        typer.echo(
            f"dry run, nothing was written: {len(targets)} to enhance ({audio:.1f} s of audio), "
            f"{spoken(seconds)} on this machine{f' with {workers} at a time' if workers > 1 else ''}, "
            f"{megabytes(size)}{f'; {done} done before' if done else ''}"
        )
        _tell_space(targets[0], size)
    if failures and of == 1:
        raise failures[0]
    report_failures(failures, of=of)


def _tell_space(target: Path, size: int) -> None:
    folder = next(folder for folder in target.absolute().parents if folder.is_dir())
    free = shutil.disk_usage(folder).free
    if free < size:
        typer.echo(f"the results need {megabytes(size)}, but {megabytes(free)} are free in {shown(folder)}", err=True)


def megabytes(size: int | float) -> str:
    """A size as people say it.

    Args:
        size: bytes.

    Returns:
        Such as `0.4 MB`.

    Example:
        >>> megabytes(384_044), megabytes(2.5e9), megabytes(900)
        ('0.4 MB', '2500 MB', '0.0 MB')
    """
    return f"{size / 1e6:.{0 if size > 10e6 else 1}f} MB"


def tidy_up(work: "Sequence[Job]") -> None:
    """Removes what runs that were killed have left where results go, and says so.

    Args:
        work: what is to be done.
    """
    from rephase.audio.leftovers import remove_leftovers

    for folder in dict.fromkeys(job.target.parent for job in work):
        removed = remove_leftovers(folder)
        if removed:
            files = "an unfinished result" if len(removed) == 1 else f"{len(removed)} unfinished results"
            typer.echo(f"removed {files} that a killed run had left in {shown(folder)}", err=True)
