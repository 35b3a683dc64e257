"""What a process does to itself: workers that stay on one thread and outlive nobody, and memory that is used again."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

KEPT_BYTES = 16 << 20
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def leave_signals_to_parent(*_: object) -> None:
    """To be called in a worker: terminals and job schedulers signal a whole group, and what to save is the parent's.

    The parent's own SIGTERM ends the worker, as whoever made it expects. Where the system doesn't tell who sends a
    signal, the worker leaves the group instead.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not hasattr(signal, "sigwaitinfo"):
        if hasattr(os, "setpgrp"):
            os.setpgrp()
        return
    parent = os.getppid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def obey() -> None:
        while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
            pass
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=obey, daemon=True).start()


def prepare_worker() -> None:
    """To be called first in a new process: signals are the parent's to handle, and nobody goes on without it."""
    leave_signals_to_parent()
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


def keep_freed_memory() -> None:
    """Lets the process use freed memory again instead of giving it back to the system; to be called once, at the start.

    A stream of blocks asks for the same few arrays every second of audio. The C library of Linux gives each of them
    back when it is freed, and the system then has to clear its pages anew: two thirds of what a short file costs beside
    the model. It learns from one large block that such sizes are usual here. Elsewhere this does nothing.
    """
    import numpy as np

    np.empty(KEPT_BYTES, np.uint8)  # freed at once, and never touched: it takes no memory itself
