import numpy as np
import pytest

from rephase.audio.frames import BandPower, frame_hop


def powers(samples, low=90.0, high=8000.0, sizes=(10**9,), in_blocks=None):
    stage = BandPower(16000, len(samples), low, high)
    blocks = [samples] if in_blocks is None else in_blocks(samples, sizes)
    return np.concatenate([*[stage.push(block) for block in blocks], stage.flush()], axis=1)


def test_a_sine_has_half_its_squared_amplitude():
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)[None]
    np.testing.assert_allclose(powers(sine)[0, 2:-2], 0.125, rtol=1e-6)
    assert powers(sine, low=6000.0)[0, 2:-2].max() < 1e-9, "it lies outside of the band"


def test_white_noise_fills_a_band_in_proportion():
    noise = np.random.default_rng(0).standard_normal((1, 160000))
    assert powers(noise, 6000.0, 8000.0).mean() == pytest.approx(0.25, rel=0.03)


@pytest.mark.parametrize("sizes", [(1,), (255, 256, 257), (5000, 1)])
def test_blocks_of_any_size_give_the_same_powers(in_blocks, sizes):
    noise = np.random.default_rng(0).standard_normal((2, 9001))
    np.testing.assert_array_equal(powers(noise, sizes=sizes, in_blocks=in_blocks), powers(noise))


@pytest.mark.parametrize("length", [1, 255, 256, 257, 1000])
def test_frames_reach_the_end(length):
    hop = frame_hop(16000)
    frames = powers(np.ones((1, length)), low=0.0).shape[1]
    assert (frames - 1) * hop >= length > (frames - 2) * hop
