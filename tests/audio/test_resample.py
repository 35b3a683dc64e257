import numpy as np
import pytest

from rephase.audio.resample import Resampler, resampled_length

RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000, 96000)


@pytest.mark.parametrize("rate", [*RATES, 44101])
@pytest.mark.parametrize("length", [1, 2, 3, 100, 1001, 40961])
def test_there_and_back_keeps_the_length(run, rate, length):
    samples = np.random.default_rng(length).standard_normal((2, length), dtype=np.float32)
    low = run(Resampler(rate, 16000, 2), samples)
    assert low.shape == (2, resampled_length(length, rate, 16000))
    back = Resampler(16000, rate, 2)
    out = np.concatenate([back.push(low), back.flush(length=length)], axis=1)
    assert out.shape == samples.shape
    assert np.isfinite(out).all()


@pytest.mark.parametrize("rate_in", RATES)
@pytest.mark.parametrize("rate_out", [8000, 16000, 44100])
def test_samples_stay_where_they_are_in_time(run, rate_in, rate_out):
    """A sine that both rates hold comes out as the same sine, with neither delay nor change of level."""
    frequency, length = 1000.0, rate_in // 2
    time_in = np.arange(length) / rate_in
    fade = np.minimum(1, 40 * np.minimum(time_in, time_in[::-1]))
    sine = (fade * np.sin(2 * np.pi * frequency * time_in)).astype(np.float64)[None]
    out = run(Resampler(rate_in, rate_out, 1, np.float64), sine)
    time_out = np.arange(out.shape[1]) / rate_out
    fade = np.clip(40 * np.minimum(time_out, time_in[-1] - time_out), 0, 1)
    expected = fade * np.sin(2 * np.pi * frequency * time_out)
    np.testing.assert_allclose(out[0], expected, atol=2e-3)  # the fade's corners are what little differs
    middle = slice(out.shape[1] // 4, -out.shape[1] // 4)
    np.testing.assert_allclose(out[0, middle], expected[middle], atol=1e-6)


@pytest.mark.parametrize("rates", [(48000, 16000), (44100, 16000), (16000, 44100), (16000, 16000)])
@pytest.mark.parametrize("sizes", [(1, 37, 4096), (1000,), (7,)])
def test_blocks_of_any_size_give_the_same_samples(run, rates, sizes):
    samples = np.random.default_rng(0).standard_normal((2, 20000), dtype=np.float32)
    np.testing.assert_array_equal(run(Resampler(*rates, 2), samples, sizes), run(Resampler(*rates, 2), samples))


def test_equal_rates_change_nothing(run):
    samples = np.random.default_rng(0).standard_normal((3, 1000), dtype=np.float32)
    np.testing.assert_array_equal(run(Resampler(16000, 16000, 3), samples), samples)
