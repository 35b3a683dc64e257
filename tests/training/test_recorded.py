"""Recorded pairs: both sides of a crop at the same instant, at one level."""

import numpy as np
import pytest
import torch

from rephase.data.corpus import PackedCorpus
from rephase.degradations.noise import active_power
from rephase.training.recorded import RecordedPairs


@pytest.fixture
def pairs() -> RecordedPairs:
    random = np.random.default_rng(0)
    clean = random.integers(-3000, 3000, 40000).astype(np.int16)
    offsets, sources = np.array([0, 6000, 40000]), ("a", "b")
    noisy = PackedCorpus((2 * clean).astype(np.int16), offsets, sources, 16000)
    return RecordedPairs(noisy, PackedCorpus(clean, offsets, sources, 16000), level_db=6.0)


def test_both_sides_are_cut_at_the_same_place(pairs):
    noisy, clean = pairs.batch((1, 2), 6, 0.25)
    assert noisy.shape == clean.shape == (6, 4000)
    assert torch.allclose(noisy, 2 * clean, atol=1e-6)


def test_the_noisy_side_has_the_level_of_the_chain(pairs):
    noisy, _ = pairs.batch((3,), 16, 0.25)
    level_db = 10 * active_power(noisy).log10()
    assert float(level_db.min()) >= -32.01
    assert float(level_db.max()) <= -19.99
    assert float(level_db.max() - level_db.min()) > 3


def test_the_same_seed_gives_the_same_pairs(pairs):
    first, again, other = (pairs.batch(seed, 4, 0.5) for seed in ((1, 7), (1, 7), (1, 8)))
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])
