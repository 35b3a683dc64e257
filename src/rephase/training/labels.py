"""PESQ of what a network makes while it is trained, computed beside the training, at hand a fixed time later.

PESQ is C code that no GPU runs, 25 ms for an item of two seconds (`python benchmarks/discriminators.py`); a metric
discriminator needs it at every step. The pairs of step n are scored in processes of their own while the training goes
on, and come back, with their labels, at step n + k. k is fixed: late workers are waited for and early ones kept
waiting, so that a run can be repeated whatever the speed of the machine. What is under way is part of a run's state.
"""

import logging
import math
import multiprocessing
import time
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.errors import RephaseError
from rephase.metrics.inputs import MetricError
from rephase.metrics.pesq import pesq_wb
from rephase.processes import one_thread_each, prepare_worker

logger = logging.getLogger(__name__)
SUSPICIOUS = 20  # batches in a row without any label, after which a user is told


class WorkerError(RephaseError):
    """A process that scores pairs is gone."""


@dataclass(frozen=True)
class LabelledPairs:
    """The pairs of an earlier step with their scores, where the pairs of the present step are.

    Attributes:
        reference: clean waveforms.
        estimate: what the network made of them at that step.
        label: (PESQ − 1) / 3.5 of each, about 0 … 1.04; NaN where PESQ has no value.
    """

    reference: Float[Tensor, "batch time"]
    estimate: Float[Tensor, "batch time"]
    label: Float[Tensor, " batch"]


@dataclass(frozen=True)
class _Pending:
    reference: Tensor
    estimate: Tensor
    scores: list[Future[float]]


class PesqLabels:
    """Scores pairs in other processes; `exchange` takes those of this step and gives those of `delay` steps ago.

    Args:
        delay: k, steps between a pair and its label, at least 0; with 0 every step waits for its own.
        workers: processes, each on one thread.
        sample_rate: of the waveforms, Hz; PESQ is defined at 16,000.

    Attributes:
        waited: seconds that `exchange` has waited for late labels: if they matter, take more workers or a longer delay.

        with PesqLabels(delay=4, workers=2) as labels:
            for degraded, clean in batches:
                ...
                if (known := labels.exchange(reference=clean, estimate=enhanced)) is not None:
                    ...  # a step of the discriminator with known.label
    """

    def __init__(self, delay: int, workers: int, sample_rate: int = 16000) -> None:
        for name, value, least in (("delay", delay, 0), ("workers", workers, 1)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}; got {value}. Try {name}={max(least, 2)}.")
        self.delay, self.sample_rate, self.waited = delay, sample_rate, 0.0
        self._pending: deque[_Pending] = deque()
        self._without_label = 0
        # No process starts before there is work.
        self._pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=prepare_worker)

    def exchange(
        self, *, reference: Float[Tensor, "batch time"], estimate: Float[Tensor, "batch time"]
    ) -> LabelledPairs | None:
        """Takes the pairs of this step and gives those of `delay` steps ago, with labels.

        On a GPU call it at the end of a step: copying the waveforms waits for whatever makes them.

        Args:
            reference: clean waveforms.
            estimate: enhanced waveforms; no gradient is kept. On their device is the result.

        Returns:
            The labelled pairs; None within the first `delay` steps.

        Raises:
            WorkerError: If a process died.
            ImportError: If the package `pesq` is missing.
        """
        self._pending.append(self._submit(*(w.detach().float().cpu().clone() for w in (reference, estimate))))
        if len(self._pending) <= self.delay:
            return None
        oldest = self._pending.popleft()
        start = time.monotonic()
        values = [self._label(score) for score in oldest.scores]
        self.waited += time.monotonic() - start
        self._notice(all(math.isnan(value) for value in values))
        device = estimate.device
        return LabelledPairs(
            oldest.reference.to(device), oldest.estimate.to(device), torch.tensor(values, device=device)
        )

    def state_dict(self) -> dict[str, Any]:
        """The pairs under way, oldest first: tensors and numbers alone."""
        pairs = [{"reference": pairs.reference, "estimate": pairs.estimate} for pairs in self._pending]
        return {"delay": self.delay, "pending": pairs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up the pairs that were under way, and scores them again; what was under way here is dropped.

        Args:
            state: from `state_dict`.

        Raises:
            ValueError: If the state is of another delay.
        """
        if state["delay"] != self.delay:
            raise ValueError(
                f"delay must be {state['delay']}, as it was when the run was interrupted; got {self.delay}. "
                "Try that one, or begin a new run."
            )
        for pairs in self._pending:
            for score in pairs.scores:
                score.cancel()
        self._pending = deque(self._submit(pairs["reference"], pairs["estimate"]) for pairs in state["pending"])

    def close(self) -> None:
        """Ends the processes; what is under way is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> "PesqLabels":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _submit(self, reference: Tensor, estimate: Tensor) -> _Pending:
        pairs = zip(reference.numpy(), estimate.numpy())
        try:
            with one_thread_each():
                scores = [
                    self._pool.submit(pesq_wb, reference=clean, estimate=ours, sample_rate=self.sample_rate)
                    for clean, ours in pairs
                ]
        except BrokenProcessPool as error:
            raise _worker_died() from error
        return _Pending(reference, estimate, scores)

    def _label(self, score: Future[float]) -> float:
        try:
            return (score.result() - 1) / 3.5
        except MetricError as error:
            logger.debug("an item has no label: %s", error)
            return math.nan
        except BrokenProcessPool as error:
            raise _worker_died() from error

    def _notice(self, none: bool) -> None:
        """Says it once if nothing is labelled any more: the discriminator would learn nothing, in silence."""
        self._without_label = self._without_label + 1 if none else 0
        if self._without_label == SUSPICIOUS:
            logger.warning(
                "no item of the last %d batches has a PESQ, so the metric discriminator learns nothing; are they "
                "speech of a quarter of a second to 19 seconds at 16,000 Hz? Reasons are logged at the level debug",
                SUSPICIOUS,
            )


def _worker_died() -> WorkerError:
    return WorkerError(
        "a process that computes PESQ died; on this machine, perhaps of too little memory; go on from the last "
        "checkpoint, with fewer workers if memory is short"
    )
