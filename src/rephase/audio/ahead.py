"""Decoding runs ahead: a thread of its own fetches the next blocks of a recording while the model computes."""

import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue

import numpy as np
from jaxtyping import Float

BLOCKS_AHEAD = 2
POLL_SECONDS = 0.1  # how soon the thread sees that nobody wants more


@contextmanager
def read_ahead(
    blocks: Iterable[Float[np.ndarray, "channels _"]], count: int = BLOCKS_AHEAD
) -> Generator[Iterator[Float[np.ndarray, "channels _"]], None, None]:
    """Fetches blocks in a thread of its own, at most `count` before they are asked for.

    Args:
        blocks: a recording, block by block; the thread alone touches it, and closes it at the end.
        count: how many blocks may wait, at least 1.

    Yields:
        The same blocks in the same order. What goes wrong while one is fetched is raised where it is asked for. When
        the context ends, the thread has ended too, whether all blocks were asked for or not.
    """
    waiting: Queue[np.ndarray | _End] = Queue(count)
    unwanted = threading.Event()
    thread = threading.Thread(target=_fetch, args=(blocks, waiting, unwanted), name="rephase-ahead", daemon=True)
    thread.start()
    try:
        yield _fetched(waiting)
    finally:
        unwanted.set()
        _emptied(waiting)
        thread.join()


class _End:
    """Stands behind the last block."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _fetch(blocks: Iterable[np.ndarray], waiting: "Queue[np.ndarray | _End]", unwanted: threading.Event) -> None:
    end = _End()
    try:
        for block in blocks:
            if not _put(waiting, block, unwanted):
                break
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the block is asked for
        end = _End(error)
    finally:
        close = getattr(blocks, "close", None)
        if close is not None:
            close()
    _put(waiting, end, unwanted)


def _put(waiting: "Queue[np.ndarray | _End]", block: "np.ndarray | _End", unwanted: threading.Event) -> bool:
    while not unwanted.is_set():
        try:
            waiting.put(block, timeout=POLL_SECONDS)
        except Full:
            continue
        return True
    return False


def _fetched(waiting: "Queue[np.ndarray | _End]") -> Iterator[np.ndarray]:
    while True:
        block = waiting.get()
        if isinstance(block, _End):
            if block.error is not None:
                raise block.error
            return
        yield block


def _emptied(waiting: "Queue[np.ndarray | _End]") -> None:
    """Makes room, so that a thread that waits for it goes on at once and sees that nobody wants more."""
    while True:
        try:
            waiting.get_nowait()
        except Empty:
            return
