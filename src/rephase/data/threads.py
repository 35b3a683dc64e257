"""Work on many files by threads, with results in order and few of them waiting."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[float, float], None]  # called with what is done and what there is
WAITING = 4  # results a thread that may wait for the one before them


def usable_cpus() -> int:
    """How many processors this process may use.

    Returns:
        At least 1.
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int = 0
) -> Generator[tuple[Item, Result | Exception], None, None]:
    """Calls a function for each item, several at a time: decoders and encoders let go of Python's lock.

    However long the list is, only a few results are held in memory. Leaving the loop early starts nothing more.

    Args:
        function: called in another thread.
        items: taken as there is room.
        jobs: how many at a time; 0: one a processor.

    Yields:
        Each item with its result, or with the `ValueError` or `OSError` that the function raised for it; in the order
        of the items.
    """
    with ThreadPoolExecutor(jobs or usable_cpus()) as pool:
        waiting: deque[tuple[Item, Future[Result]]] = deque()
        source = iter(items)
        try:
            while True:
                while len(waiting) < WAITING * pool._max_workers and (item := next(source, source)) is not source:
                    waiting.append((item, pool.submit(function, item)))  # type: ignore[arg-type]
                if not waiting:
                    return
                done, future = waiting.popleft()
                try:
                    yield done, future.result()
                except (ValueError, OSError) as error:
                    yield done, error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
