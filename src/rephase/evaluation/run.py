"""A whole evaluation: items, what is known of them already, what has to be computed, and all of it in order."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rephase.errors import OutputError
from rephase.evaluation.cache import FACTS, FILENAME, NOTHING, Cache, content_key, sha256_of
from rephase.evaluation.catalogue import Metric, check_packages
from rephase.evaluation.items import Item
from rephase.evaluation.pool import DIED, scored_jobs
from rephase.evaluation.scoring import DEGRADED, Job, ModelChoice, Scored
from rephase.weights.registry import find_model

ENHANCED = "enhanced"  # folder in the report, with one for each model's estimates

Progress = Callable[[float, float], None]  # items done, items in all


@dataclass(frozen=True)
class Setting:
    """What decides about an evaluation beside its items.

    Attributes:
        metrics: to be computed.
        align: whether estimates are moved to where their references lie.
        model: makes the estimates; None where the items have them.
        with_degraded: whether the degraded recordings are scored too.
    """

    metrics: tuple[Metric, ...]
    align: bool = False
    model: ModelChoice | None = None
    with_degraded: bool = False


def choose_model(name_or_folder: str) -> ModelChoice:
    """The model that makes the estimates.

    Args:
        name_or_folder: a bundled model's name, or a model's folder.

    Returns:
        What tells it from others: name, version, weights.

    Raises:
        ModelError: if there is no such model.
    """
    folder = find_model(name_or_folder)
    hashes = " ".join(sorted(file.sha256 for file in folder.files.values()))
    return ModelChoice(name_or_folder, f"{folder.name} {folder.version} {hashes}")


def evaluate(
    items: Sequence[Item], setting: Setting, folder: Path, *, workers: int, progress: Progress | None = None
) -> tuple[list[Scored], int]:
    """Scores items; values that an earlier run in this folder has computed of the same files are taken from it.

    Args:
        items: what to score.
        setting: how.
        folder: of the report; it keeps the values, and the estimates of a model.
        workers: how many at a time.
        progress: called with the items done and the items in all.

    Returns:
        One for each item, in their order, and how many of them were known before.

    Raises:
        EvaluationError: if a package is missing.
        OutputError: if the folder can't be used.
    """
    check_packages(setting.metrics)
    make_folder(folder)
    cache = Cache(folder)
    done: dict[str, Scored] = {}
    keys: dict[str, str] = {}
    finished = known_before = 0

    def tell() -> None:
        if progress is not None:
            progress(float(finished + known_before), float(len(items)))

    def jobs() -> Iterator[Job]:
        nonlocal known_before
        for item in items:
            job, known = _job(item, setting, folder, cache, keys)
            done[item.name] = known
            if job is not None:
                yield job
            else:
                known_before += 1
                tell()

    with closing(scored_jobs(jobs(), workers)) as results:
        for scored in results:
            known = done[scored.name]
            if scored.name in keys and DIED not in scored.missing.values():  # next time there may be memory enough
                cache.add(keys[scored.name], scored)
            scored.values = known.values | scored.values
            scored.missing = known.missing | scored.missing
            scored.hashes = known.hashes
            for fact in FACTS:
                if getattr(scored, fact) in NOTHING:
                    setattr(scored, fact, getattr(known, fact))
            done[scored.name] = scored
            finished += 1
            tell()
    return [_in_order(done[item.name], item, setting) for item in items], known_before


def with_estimates(items: Sequence[Item], setting: Setting, folder: Path) -> list[Item]:
    """The items with the estimates that a model has made of them.

    Args:
        items: that were scored.
        setting: how.
        folder: of the report.

    Returns:
        The items; as they were where no model makes the estimates.
    """
    model = setting.model
    if model is None:
        return list(items)
    return [replace(item, estimate=_estimate_path(item, model, folder)) for item in items]


def _estimate_path(item: Item, model: ModelChoice, folder: Path) -> Path:
    return folder / ENHANCED / model.digest / f"{item.name}.wav"


def make_folder(folder: Path) -> None:
    """Makes the folder of a report, or takes up one of an earlier run.

    Args:
        folder: of the report.

    Raises:
        OutputError: if it can't be made, or holds what is no report.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = not (folder / FILENAME).exists() and any(folder.iterdir())
        if not foreign:
            (folder / FILENAME).touch()
    except OSError as error:
        raise OutputError(
            f"can't make the folder of the report ({error.strerror}); {folder}; choose another one: -o FOLDER"
        ) from error
    if foreign:
        raise OutputError(
            f"this folder holds other files and no report; {folder}; choose an empty or a new one: -o FOLDER"
        )


def _job(item: Item, setting: Setting, folder: Path, cache: Cache, keys: dict[str, str]) -> tuple[Job | None, Scored]:
    """What is left to do for an item, if anything, and what is known of it."""
    wanted = tuple(metric.name for metric in setting.metrics if metric.applies(cut_off_hz=item.cut_off_hz))
    target = _estimate_path(item, setting.model, folder) if setting.model else None
    files = {"reference": item.reference, "degraded": item.degraded, "estimate": item.estimate}
    hashes = {}
    for kind, path in files.items():
        try:
            if path is not None and not (kind == "estimate" and setting.model):
                hashes[kind] = sha256_of(path)
        except OSError:  # scoring says what is wrong with it
            continue
    if setting.model:
        hashes["model"] = setting.model.identity
    settings = {"align": setting.align, "cut_off_hz": item.cut_off_hz, "problem": item.problem}
    if not item.problem:
        keys[item.name] = content_key(hashes, settings)
    known = cache.known(keys[item.name], item.name) if item.name in keys else Scored(item.name)
    known.hashes = hashes
    has = known.values.keys() | known.missing.keys()
    of_degraded = wanted if setting.with_degraded else ()
    left = tuple(name for name in wanted if name not in has)
    left_of_degraded = tuple(name for name in of_degraded if DEGRADED + name not in has)
    lost = target is not None and not target.is_file()
    if not left and not left_of_degraded and not lost:
        return None, known
    return Job(item, wanted if lost else left, left_of_degraded, setting.align, setting.model, target), known


def _in_order(scored: Scored, item: Item, setting: Setting) -> Scored:
    """With the columns that were asked for, in the order of the metrics; a folder may know more."""
    names = [metric.name for metric in setting.metrics if metric.applies(cut_off_hz=item.cut_off_hz)]
    columns = names + [DEGRADED + name for name in names if setting.with_degraded]
    scored.values = {column: scored.values[column] for column in columns if column in scored.values}
    scored.missing = {column: scored.missing[column] for column in columns if column in scored.missing}
    return scored
