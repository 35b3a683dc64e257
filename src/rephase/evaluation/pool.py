"""Items scored side by side, in processes of their own: the metrics are C and numpy code on one thread each.

At most two items a process wait at a time, so memory doesn't grow with their number. A process that dies (a crash
within a metric's C code) takes no other item with it: those that were under way are scored again, one by one, and the
one at fault is told.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from rephase.evaluation.scoring import DEGRADED, Job, Scored, score
from rephase.processes import one_thread_each, prepare_worker

WAITING_PER_WORKER = 2
DIED = "the process that scored it died: a fault in a metric's own code, or too little memory"


def scored_jobs(
    jobs: Iterable[Job], workers: int, function: Callable[[Job], Scored] = score
) -> Generator[Scored, None, None]:
    """Scores jobs side by side.

    Args:
        jobs: taken one after the other, when there is room.
        workers: how many at a time; 1 scores in this process.
        function: what scores a job.

    Yields:
        What came out, as it comes; one for each job.
    """
    if workers == 1:
        yield from map(function, jobs)
        return
    source = iter(jobs)
    again: deque[Job] = deque()
    with one_thread_each():
        while True:
            crashed = yield from _until_broken(source, workers, function)
            if crashed is None:
                break
            again.extend(crashed)
            # Each alone, so that the one that crashes is known.
            while again:
                job = again.popleft()
                if (yield from _until_broken(iter([job]), 1, function)) is not None:
                    yield _died(job)


def _until_broken(
    source: Iterable[Job], workers: int, function: Callable[[Job], Scored]
) -> Generator[Scored, None, list[Job] | None]:
    """Scores until there is nothing left (None), or a process dies (what was under way)."""
    source = iter(source)
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=prepare_worker)
    pending: dict[Future[Scored], Job] = {}
    broken: list[Job] = []
    try:
        while True:
            while (
                not broken and len(pending) < WAITING_PER_WORKER * workers and (job := next(source, None)) is not None
            ):
                try:
                    pending[pool.submit(function, job)] = job
                except BrokenProcessPool:
                    broken.append(job)
            if not pending:
                return broken or None
            # Not forever: on some systems a signal is only seen between two waits.
            for future in wait(pending, timeout=0.5, return_when=FIRST_COMPLETED).done:
                job = pending.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    broken.append(job)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _died(job: Job) -> Scored:
    columns = [*job.estimate_metrics, *(DEGRADED + name for name in job.degraded_metrics)]
    return Scored(job.item.name, missing=dict.fromkeys(columns, DIED))
