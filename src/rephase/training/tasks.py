"""The tasks: what the network is given, what its weights are judged by, and on which degradations.

Denoising, dereverberation, bandwidth extension and all of them at once take the degraded waveform and give the clean
one. Phase retrieval takes the clean magnitude with its phase set to zero; its waveform has the clean magnitude and the
phase that the network gives.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from rephase.metrics import estoi, lsd, pd_deg, pesq_wb, si_sdr_db, wopd_rad
from rephase.training.experiment import Experiment, ExperimentError

logger = logging.getLogger(__name__)
OWN = "own"  # a kind of validation pairs: degraded as the experiment's training pairs are


@dataclass(frozen=True)
class Task:
    """One thing to learn.

    Attributes:
        kinds: of validation pairs, names of `rephase.training.pairs.KINDS` or `own`.
        metrics: of validation.
        choose_by: metric whose mean over all kinds chooses the weights.
        phase_only: whether the network gets a clean magnitude without its phase.
    """

    kinds: tuple[str, ...]
    metrics: tuple[Callable[..., Any], ...]
    choose_by: Callable[..., Any]
    phase_only: bool = False


LESS_IS_BETTER = (lsd, pd_deg, wopd_rad)
PACKAGES = {pesq_wb: "pesq", estoi: "pystoi"}  # that a metric needs beside scipy
WIDE = (pesq_wb, estoi, si_sdr_db, lsd)
TASKS = {
    "denoise": Task(("denoise",), (pesq_wb, estoi, si_sdr_db), pesq_wb),
    "dereverb": Task(("dereverb",), (pesq_wb, estoi, si_sdr_db, pd_deg), pesq_wb),
    "bandwidth": Task(("bandwidth",), (pesq_wb, estoi, lsd), lsd),
    "universal": Task(("denoise", "dereverb", "bandwidth", "universal"), WIDE, estoi),
    "phase-retrieval": Task((OWN,), (wopd_rad, pd_deg, si_sdr_db, pesq_wb), wopd_rad, phase_only=True),
}


def task_of(experiment: Experiment) -> Task:
    """The task of an experiment, with the choices that it makes itself.

    Raises:
        ExperimentError: If the task, or the metric that shall choose its weights, is unknown.
    """
    if experiment.task not in TASKS:
        raise ExperimentError(f"task must be one of {', '.join(TASKS)}; got {experiment.task!r}. Try task=universal.")
    task, asked = TASKS[experiment.task], experiment.validation
    by_name = {metric.__name__: metric for metric in task.metrics}
    if asked.choose_by is not None and asked.choose_by not in by_name:
        raise ExperimentError(
            f"validation.choose_by must be one of {', '.join(by_name)} for the task {experiment.task}; got "
            f"{asked.choose_by!r}. Try validation.choose_by={task.choose_by.__name__}."
        )
    chosen = by_name[asked.choose_by] if asked.choose_by is not None else task.choose_by
    return replace(task, kinds=asked.kinds or task.kinds, choose_by=chosen)


def measurable(task: Task) -> Task:
    """The task without the metrics whose packages are missing here, each of which is told.

    Raises:
        ExperimentError: If the metric that chooses the weights is one of them.
    """
    needs = {metric: PACKAGES[metric] for metric in task.metrics if metric in PACKAGES}
    missing = {metric: package for metric, package in needs.items() if find_spec(package) is None}
    left = tuple(metric for metric in task.metrics if metric not in missing)
    if task.choose_by in missing:
        package, others = missing[task.choose_by], [metric.__name__ for metric in left]
        raise ExperimentError(
            f"{task.choose_by.__name__} can't choose the weights: the package {package} is missing here. "
            f"Try validation.choose_by={others[0]}."
        )
    for metric, package in missing.items():
        logger.warning("%s is not measured: the package %s is missing here", metric.__name__, package)
    return replace(task, metrics=left)
