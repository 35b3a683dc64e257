import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rephase.audio.limiter import Limiter

RATE, TOP = 16000, 1 - 2.0**-15


@settings(max_examples=40)
@given(
    peaks=st.lists(st.tuples(st.integers(0, 3999), st.floats(-8, 8, width=32)), max_size=5),
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=4),
)
def test_everything_fits_and_the_rest_is_untouched(run, peaks, sizes):
    samples = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 4000)).astype(np.float32)
    for position, value in peaks:
        samples[position % 2, position] = value
    limiter = Limiter(RATE, 2, TOP)
    out = run(limiter, samples, sizes)
    assert out.shape == samples.shape
    assert out.max() <= TOP
    assert out.min() >= -1
    too_large = ((samples > TOP) | (samples < -1)).any(axis=0)
    assert limiter.limited == too_large.sum()
    reach = int(0.005 * RATE)
    near = np.convolve(too_large, np.ones(2 * reach + 1), mode="same") > 0
    np.testing.assert_array_equal(out[:, ~near], samples[:, ~near])
    np.testing.assert_array_equal(out, run(Limiter(RATE, 2, TOP), samples))


def test_full_scale_is_not_too_large(run):
    square = np.tile(np.repeat([TOP, -1.0], 50), 100).astype(np.float32)[None]
    limiter = Limiter(RATE, 1, TOP)
    np.testing.assert_array_equal(run(limiter, square), square)
    assert limiter.limited == 0


def test_channels_keep_their_balance_and_the_gain_is_smooth(run):
    time = np.arange(RATE) / RATE
    loud = (1 + 0.5 * (time > 0.5)) * np.sin(2 * np.pi * 440 * time)
    out = run(Limiter(RATE, 2), np.stack([loud, 0.25 * loud]).astype(np.float32))
    np.testing.assert_allclose(out[1], 0.25 * out[0], rtol=1e-5, atol=1e-7)
    audible = np.abs(loud) > 0.3
    gain = out[0][audible] / loud[audible]
    assert np.abs(np.diff(gain)).max() < 0.1
    assert gain.min() == pytest.approx(1 / 1.5, abs=0.02)


def test_double_precision_stays(run):
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, (1, 1000))
    assert run(Limiter(RATE, 1, 1.0, np.float64), samples).dtype == np.float64
