import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rephase.audio.silence import SilenceKeeper

RATE = 16000


def muted(dry, wet, sizes=(10**9,)):
    keeper = SilenceKeeper(RATE, len(dry))
    out, start, index = [], 0, 0
    while start < dry.shape[1]:
        block = slice(start, start + sizes[index % len(sizes)])
        out.append(keeper.push(dry[:, block], wet[:, block]))
        start, index = block.stop, index + 1
    return np.concatenate(out, axis=1)


def recording_with_a_gap():
    dry = np.random.default_rng(0).uniform(0.1, 1, (2, 4000)).astype(np.float32)
    dry[0, 1000:3000] = 0
    dry[1, :700] = 0
    return dry, np.ones_like(dry)


def test_a_muted_passage_is_mute_and_fades_into_it():
    out = muted(*recording_with_a_gap())
    np.testing.assert_array_equal(out[0, :1256], 1)
    np.testing.assert_array_equal(out[0, 1512:3000], 0)
    np.testing.assert_array_equal(out[0, 3000:], 1)
    assert np.abs(np.diff(out[0, 1200:1600])).max() < 0.005
    np.testing.assert_array_equal(out[1], np.arange(4000) >= 700)


def test_zeros_among_samples_are_no_silence():
    dry = np.random.default_rng(0).integers(0, 2, (1, 4000)).astype(np.float32)
    np.testing.assert_array_equal(muted(dry, np.ones_like(dry)), 1)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_blocks_of_any_size_give_the_same_samples(sizes):
    dry, wet = recording_with_a_gap()
    np.testing.assert_array_equal(muted(dry, wet, sizes), muted(dry, wet))
