"""Processes that work beside this one: each on one thread, and none outlives it."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def prepare_worker() -> None:
    """To be called first in a new process: an interrupt is the parent's to handle, and nobody goes on without it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def leave() -> None:
            multiprocessing.connection.wait([sentinel])
            os._exit(1)

        threading.Thread(target=leave, daemon=True).start()


@contextmanager
def one_thread_each() -> Generator[None, None, None]:
    """Processes that start within use one thread each, unless the user said otherwise."""
    added = [name for name in ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
