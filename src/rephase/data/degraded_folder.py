"""A folder of clean recordings made into pairs: `degraded/` and `clean/` with the same tree, and the list `pairs.csv`.

Each recording has a seed of its own, made of the seed of all and its name: a pair is the same to the byte for any
order, number of processes, and whatever else is in the folder.
"""

import csv
import io
import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from rephase.data.degraded_item import Setting, make_pair
from rephase.data.materials import Folder, open_folder
from rephase.errors import OutputError, RephaseError
from rephase.processes import one_thread_each, prepare_worker
from rephase.reporting.tables import write_whole

LIST, SETTINGS = "pairs.csv", "degrade.json"
COLUMNS = (
    "name", "degraded", "clean", "seconds", "noise", "snr_db", "room", "t60_s", "band_hz", "resampler", "clip_db",
    "codec", "kbps", "phase", "speed", "gain_db",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """What became of a folder.

    Attributes:
        pairs: rows of the list, sorted by name.
        failures: of recordings that were left out, in the order of their names.
    """

    pairs: list[dict[str, str]]
    failures: list[Exception]


def degrade_folder(
    setting: Setting, *, jobs: int = 1, overwrite: bool = False, progress: Callable[[float, float], None] | None = None
) -> Made:
    """Makes a pair of each recording in `setting.source` and the folders below it.

    Args:
        setting: what with, and where to.
        jobs: recordings at a time, in processes of their own; 1: in this one.
        overwrite: whether the output may hold files already.
        progress: called with how many recordings are done, and how many there are.

    Returns:
        The pairs, which `pairs.csv` lists too, and why others were left out.

    Raises:
        RephaseError: If there is nothing to degrade, or something to degrade it with is missing.
        OutputError: If the output can't be written, or holds files.
    """
    source = open_folder(setting.source)
    _check(setting)
    _check_output(setting, overwrite)
    names, clashes = _named(source, setting.file_format)
    outcomes: dict[str, dict[str, str] | Exception] = dict(clashes)
    with _single_thread():
        for name, outcome in _outcomes(setting, names, jobs):
            outcomes[name] = outcome
            if progress is not None:
                progress(float(len(outcomes)), float(len(source.files)))
    failures = [outcome for _, outcome in sorted(outcomes.items()) if isinstance(outcome, Exception)]
    pairs = [outcome for outcome in outcomes.values() if not isinstance(outcome, Exception)]
    pairs.sort(key=lambda row: row["name"])
    if pairs:
        _write_list(setting, pairs)
    return Made(pairs, failures)


def _outcomes(setting: Setting, names: list[str], jobs: int) -> Iterator[tuple[str, dict[str, str] | Exception]]:
    """Each recording's row, or why it has none, as they come."""
    if jobs == 1 or len(names) < 2:
        yield from ((name, _tried(setting, name)) for name in names)
        return
    context = multiprocessing.get_context("spawn")
    with one_thread_each():
        pool = ProcessPoolExecutor(min(jobs, len(names)), context, initializer=_prepare)
        try:
            futures: dict[Future[dict[str, str] | Exception], str] = {
                pool.submit(_tried, setting, name): name for name in names
            }
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise RephaseError(
                f"a process died, perhaps of too little memory; {setting.source}; take fewer at a time: --jobs 1"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare() -> None:
    prepare_worker()
    torch.set_num_threads(1)


@contextmanager
def _single_thread() -> Iterator[None]:
    """Sums in one order, so that the result doesn't depend on the number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tried(setting: Setting, name: str) -> dict[str, str] | Exception:
    try:
        return make_pair(setting, name)
    except OutputError:
        raise  # the disk is full or the like: the next one would fail as well
    except RephaseError as error:
        return error
    except MemoryError:
        return RephaseError(f"too little memory to degrade it whole; {setting.source / name}; cut it into pieces")


def _named(source: Folder, file_format: str) -> tuple[list[str], dict[str, Exception]]:
    """The recordings, without those that can't have a name of their own."""
    taken: dict[str, str] = {}
    clashes: dict[str, Exception] = {}
    for name in source.files:
        path, target = source.path / name, Path(name).with_suffix(f".{file_format}").as_posix()
        if target in taken:
            clashes[name] = RephaseError(
                f"{taken[target]} and {name} would get one name, {target}; {source.path}; rename one of them"
            )
        elif not name.isprintable() or name.startswith("/"):
            clashes[name] = RephaseError(f"a list can't hold this name; {path}; rename it")
        else:
            taken[target] = name
    return list(taken.values()), clashes


def _check(setting: Setting) -> None:
    """Whether there is all that the chain asks for."""
    chain = setting.chain
    recorded = chain.p_noise > 0 and (chain.p_coloured + chain.p_babble < 1 or chain.p_second_noise > 0)
    if setting.noise is None and recorded:
        raise RephaseError(
            "noise must be a folder where recorded noise is mixed in; got none. Name one, or p_coloured=1."
        )
    if setting.talkers is None and chain.p_noise > 0 and chain.p_babble > 0:
        raise RephaseError("talkers must be a folder where p_babble is above 0; got none. Name one, or p_babble=0.")


def _check_output(setting: Setting, overwrite: bool) -> None:
    source, output = setting.source.resolve(), setting.output.resolve()
    if source == output or source in output.parents or output in source.parents:
        raise OutputError(
            f"the output must lie beside the clean recordings, not among them; {setting.output}; name another folder"
        )
    if output.exists() and not output.is_dir():
        raise OutputError(f"the output is a file; {setting.output}; name a folder")
    if not overwrite and output.is_dir() and any(output.iterdir()):
        raise OutputError(
            f"the output folder is not empty; {setting.output}; name another one, or allow it: --overwrite "
            "(in Python overwrite=True)"
        )


def _write_list(setting: Setting, pairs: list[dict[str, str]]) -> None:
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(pairs)
    write_whole(setting.output / LIST, text.getvalue())
    facts = {
        "seed": setting.seed,
        "chain": asdict(setting.chain),
        **{
            name: str(folder.path) if folder else None
            for name, folder in (("noise", setting.noise), ("talkers", setting.talkers), ("rooms", setting.rooms))
        },
    }
    write_whole(setting.output / SETTINGS, json.dumps(facts, indent=2) + "\n")


def folder_or_none(path: Path | None) -> Folder | None:
    """Opens a folder that may not be named."""
    return open_folder(path) if path is not None else None
