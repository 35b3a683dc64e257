"""Blocks that a thread fetches ahead: the same ones, no more than agreed, and no thread is left behind."""

import threading

import numpy as np
import pytest

from rephase.audio.ahead import read_ahead


class Recording:
    """Blocks 0, 1, 2 ...; `fetched` is set after each, and `thread` says who fetches."""

    def __init__(self, blocks, fails_at=None):
        self.blocks, self.fails_at = blocks, fails_at
        self.given = 0
        self.closed = False
        self.enough = threading.Semaphore(0)
        self.thread = None

    def __iter__(self):
        self.thread = threading.current_thread()
        for index in range(self.blocks):
            if index == self.fails_at:
                raise ValueError(f"block {index} is damaged")
            self.given += 1
            self.enough.release()
            yield np.full((1, 4), index, np.float32)

    def close(self):
        self.closed = True


def test_the_same_blocks_come_in_order_from_another_thread():
    recording = Recording(50)
    with read_ahead(recording) as blocks:
        assert [int(block[0, 0]) for block in blocks] == list(range(50))
    assert recording.thread is not threading.current_thread()
    assert not recording.thread.is_alive()
    assert recording.closed


def test_blocks_are_fetched_before_they_are_asked_for_but_not_too_many():
    recording = Recording(50)
    with read_ahead(recording, count=3) as blocks:
        for _ in range(4):  # three wait, and the fourth is in the thread's hands
            assert recording.enough.acquire(timeout=30)
        assert recording.given == 4
        assert not recording.enough.acquire(timeout=0.3)
        next(blocks)
        assert recording.enough.acquire(timeout=30)


def test_an_error_is_raised_where_the_block_is_asked_for():
    recording = Recording(5, fails_at=2)
    with read_ahead(recording) as blocks:
        assert [int(next(blocks)[0, 0]) for _ in range(2)] == [0, 1]
        with pytest.raises(ValueError, match="block 2 is damaged"):
            next(blocks)
    assert not recording.thread.is_alive()


@pytest.mark.parametrize("taken", [0, 1, 7])
def test_who_leaves_early_leaves_no_thread(taken):
    recording = Recording(10**9)
    with pytest.raises(KeyboardInterrupt):
        leave_after(recording, taken)
    assert not recording.thread.is_alive()
    assert recording.closed


def leave_after(recording, taken):
    with read_ahead(recording) as blocks:
        for _ in range(taken):
            next(blocks)
        raise KeyboardInterrupt
