"""Streams in blocks of any size, the question put to every stage."""

import numpy as np
import pytest


def _in_blocks(samples, sizes):
    """Cuts `[channels, time]` into blocks of these sizes, over and over, until nothing is left."""
    start = index = 0
    while start < samples.shape[1]:
        size = sizes[index % len(sizes)]
        yield samples[:, start : start + size]
        start, index = start + size, index + 1


@pytest.fixture(scope="session")
def in_blocks():
    return _in_blocks


@pytest.fixture(scope="session")
def run():
    """Sends samples through a stage in blocks of these sizes; all samples in one block by default."""

    def through(stage, samples, sizes=(10**9,)):
        out = [stage.push(block) for block in _in_blocks(samples, sizes)]
        return np.concatenate([*out, stage.flush()], axis=1)

    return through
