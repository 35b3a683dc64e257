"""One item in, its values out; what has no value is missing with a reason, and never 0.

A recording of several channels is scored channel by channel, and the mean stands for it; if one channel has no value,
the item has none. Values of the degraded recording carry the prefix `degraded.`.
"""

import contextlib
import hashlib
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile

from rephase.enhancer import Enhancer
from rephase.errors import RephaseError
from rephase.evaluation.catalogue import METRICS, EvaluationError, Metric, Signals, with_parts
from rephase.evaluation.items import Item
from rephase.evaluation.signals import at_scoring_rate, placed_beside, read_waveform

log = logging.getLogger(__name__)

DEGRADED = "degraded."


@dataclass(frozen=True)
class ModelChoice:
    """A model that makes the estimates.

    Attributes:
        name_or_folder: what `Enhancer.from_pretrained` takes.
        identity: its name, version and the SHA-256 of its weights.
    """

    name_or_folder: str
    identity: str

    @property
    def digest(self) -> str:
        """How a hash over all of it begins: a name for a folder."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """Name, version, and how the hashes begin."""
        name, version, *hashes = self.identity.split()
        return f"{name} {version} (SHA-256 {', '.join(digest[:12] for digest in hashes)})"


@dataclass(frozen=True)
class Job:
    """What is to be done for one item.

    Attributes:
        item: its files.
        estimate_metrics: names of what is computed of the estimate.
        degraded_metrics: names of what is computed of the degraded recording.
        align: whether recordings are moved to where the reference lies.
        model: makes the estimate of the degraded recording; None where the item has one.
        target: where the estimate of a model is kept.
    """

    item: Item
    estimate_metrics: tuple[str, ...]
    degraded_metrics: tuple[str, ...] = ()
    align: bool = False
    model: ModelChoice | None = None
    target: Path | None = None


@dataclass
class Scored:
    """What came out for one item.

    Attributes:
        name: of the item.
        values: by column.
        missing: why a column has no value, by column.
        seconds: duration of the estimate; None if it could not be read.
        channels: of the estimate.
        delay_ms, level_db: how the estimate lies beside its reference, see `Placed`.
        degraded_delay_ms: how the degraded recording does.
        notes: what was done to compare the files, one line each.
        hashes: SHA-256 of the files, by kind.
    """

    name: str
    values: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    channels: int | None = None
    delay_ms: float | None = None
    level_db: float | None = None
    degraded_delay_ms: float | None = None
    notes: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)


def score(job: Job) -> Scored:
    """Scores an item; whatever is wrong with it becomes the reason of missing values.

    Args:
        job: what is to be done.

    Returns:
        A value or a reason for each column that was asked for.
    """
    scored = Scored(job.item.name)
    try:
        reference = _reference(job.item, scored)
        problem = job.item.problem
    except RephaseError as error:
        reference, problem = None, f"reference: {error}"
    chosen, of_degraded = ([METRICS[name] for name in names] for names in (job.estimate_metrics, job.degraded_metrics))
    _score_one("", lambda: _estimate(job, scored), reference, chosen, job, scored, problem)
    _score_one(DEGRADED, lambda: _degraded(job, scored), reference, of_degraded, job, scored, problem)
    return scored


def _score_one(
    prefix: str,
    read: Callable[[], np.ndarray],
    reference: np.ndarray | None,
    chosen: Sequence[Metric],
    job: Job,
    scored: Scored,
    problem: str,
) -> None:
    """Scores the estimate or the degraded recording."""
    if not chosen:
        return
    reason_for_all = reason_for_pairs = ""
    try:
        waveform = read()
    except RephaseError as error:
        waveform, reason_for_all = None, problem or str(error)
    pair: tuple[np.ndarray, np.ndarray] | None = None
    if waveform is not None and reference is not None and not problem:
        try:
            kind = "degraded" if prefix else "estimate"
            *pair_of_two, placed = placed_beside(reference, waveform, kind=kind, align=job.align)
            pair = (pair_of_two[0], pair_of_two[1])
            scored.notes += placed.notes
            if prefix:
                scored.degraded_delay_ms = placed.delay_ms
            else:
                scored.delay_ms, scored.level_db = placed.delay_ms, placed.level_db
        except EvaluationError as error:
            reason_for_pairs = str(error)
    elif waveform is not None:
        reason_for_pairs = problem or "there is no reference"
    for intrusive in (True, False):
        group = [metric for metric in chosen if metric.intrusive == intrusive]
        reason = reason_for_all or (reason_for_pairs if intrusive else "")
        if reason or waveform is None:
            scored.missing |= {prefix + metric.name: reason for metric in group}
            continue
        values, missing = compute(group, waveform, pair if intrusive else None, job.item.cut_off_hz)
        scored.values |= {prefix + name: value for name, value in values.items()}
        scored.missing |= {prefix + name: text for name, text in missing.items()}


def compute(
    chosen: Sequence[Metric],
    waveform: np.ndarray,
    pair: tuple[np.ndarray, np.ndarray] | None = None,
    cut_off_hz: float | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """Values of metrics, as the mean over channels, and the reasons of those that have none.

    Args:
        chosen: the metrics.
        waveform: to be scored, `[channels, time]` at `SAMPLE_RATE`.
        pair: reference and estimate of one length, for metrics that compare.
        cut_off_hz: where the band of the degraded recording ends.

    Returns:
        Both by the metrics' names.
    """
    per_channel = []
    for channel in range(len(waveform)):
        signals = Signals(waveform[channel], None, cut_off_hz)
        if pair is not None:
            signals = Signals(pair[1][channel], pair[0][channel], cut_off_hz)
        per_channel.append(_of_channel(chosen, signals))
    values, missing = {}, {}
    for metric in chosen:
        reasons = {
            number: texts[metric.name] for number, (_, texts) in enumerate(per_channel, 1) if metric.name in texts
        }
        if reasons:
            number, text = next(iter(reasons.items()))
            missing[metric.name] = text if len(per_channel) == 1 else f"channel {number}: {text}"
        else:
            values[metric.name] = math.fsum(found[metric.name] for found, _ in per_channel) / len(per_channel)
    return values, missing


def _of_channel(chosen: Sequence[Metric], signals: Signals) -> tuple[dict[str, float], dict[str, str]]:
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    groups: dict[str, dict[str, float] | str] = {}
    for metric in with_parts(chosen):
        if absent := next((part for part in metric.parts if part in missing), ""):
            missing[metric.name] = f"{absent}, a part of it, is missing: {missing[absent]}"
            continue
        group = metric.group or metric.name
        if group not in groups:
            groups[group] = _computed(metric, signals, values)
        found = groups[group]
        value = found[metric.name] if isinstance(found, dict) else math.nan
        if isinstance(found, str):
            missing[metric.name] = found
        elif not math.isfinite(value):
            missing[metric.name] = f"the value is {value}"
        else:
            values[metric.name] = value
    return values, missing


def _computed(metric: Metric, signals: Signals, parts: dict[str, float]) -> dict[str, float] | str:
    """Values by name, or why there are none."""
    try:
        value = metric.compute(signals, parts)
    except (RephaseError, ImportError) as error:
        return str(error)
    except Exception as error:  # a fault in a package costs one value, counted and told, not the run
        log.debug("a metric failed", exc_info=error)
        return f"{metric.name} failed: {type(error).__name__}: {error}"
    return value if isinstance(value, dict) else {metric.name: float(value)}


# ---------------------------------------------------------------- the files
def _reference(item: Item, scored: Scored) -> np.ndarray | None:
    if item.reference is None or not item.reference.is_file():
        return None
    return at_scoring_rate(*read_waveform(item.reference), kind="reference", notes=scored.notes)


def _degraded(job: Job, scored: Scored) -> np.ndarray:
    if job.item.degraded is None:
        raise EvaluationError("there is no degraded recording")
    return at_scoring_rate(*read_waveform(job.item.degraded), kind="degraded", notes=scored.notes)


def _estimate(job: Job, scored: Scored) -> np.ndarray:
    if job.model is not None:
        waveform, sample_rate = _enhanced(job)
    elif job.item.estimate is None:
        raise EvaluationError(job.item.problem or "there is no estimate")
    else:
        waveform, sample_rate = read_waveform(job.item.estimate)
    scored.seconds, scored.channels = waveform.shape[1] / sample_rate, len(waveform)
    return at_scoring_rate(waveform, sample_rate, kind="estimate", notes=scored.notes)


def _enhanced(job: Job) -> tuple[np.ndarray, int]:
    if job.model is None or job.item.degraded is None:
        raise EvaluationError("there is no degraded recording to enhance")
    degraded, sample_rate = read_waveform(job.item.degraded)
    enhanced = _enhancer(job.model.name_or_folder).enhance(degraded, sample_rate)
    if job.target is not None:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        draft = job.target.with_name(f".{job.target.name}.part")
        with contextlib.ExitStack() as undo:
            undo.callback(draft.unlink, missing_ok=True)
            soundfile.write(draft, enhanced.T, sample_rate, subtype="FLOAT", format="WAV")
            draft.replace(job.target)
    return enhanced, sample_rate


@lru_cache(maxsize=1)
def _enhancer(name_or_folder: str) -> Enhancer:
    return Enhancer.from_pretrained(name_or_folder, runtime="auto", device="cpu", threads=1)
