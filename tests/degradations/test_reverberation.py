"""Convolution is aligned, and the direct path is cut where it should be."""

import numpy as np
import pytest
import torch

from rephase.degradations.reverberation import convolve, direct_path
from rephase.degradations.shoebox import LEAD


def impulse(taps: int, *places: int) -> torch.Tensor:
    """One response for each place: 1 there, 0 elsewhere."""
    response = torch.zeros(len(places), taps)
    response[torch.arange(len(places)), torch.tensor(places)] = 1
    return response


@pytest.mark.parametrize("place", [0, 40, 199])
def test_the_direct_sound_alone_changes_nothing(place):
    waveform = torch.randn(3, 500, generator=torch.Generator().manual_seed(0))
    result = convolve(waveform, impulse(200, *[place] * 3), lead=place)
    torch.testing.assert_close(result, waveform, atol=1e-5, rtol=0)


def test_a_reflection_moves_nothing_even_if_it_is_stronger():
    click = torch.zeros(2, 100)
    click[:, 20] = 1.0
    response = impulse(80, LEAD, LEAD)
    response[0, LEAD + 5], response[1, LEAD + 30], response[1, LEAD - 10] = 0.5, 2.0, -0.25
    result = convolve(click, response)
    expected = torch.zeros(2, 100)
    expected[:, 20], expected[0, 25], expected[1, 50], expected[1, 10] = 1.0, 0.5, 2.0, -0.25
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


def test_convolution_does_not_wrap_round():
    late = torch.zeros(1, 100)
    late[:, 99] = 1.0
    response = impulse(80, 0)
    response[0, 1:] = 0.5
    torch.testing.assert_close(convolve(late, response, lead=0), late, atol=1e-6, rtol=0)


def test_convolution_is_that_of_numpy():
    random = np.random.default_rng(0)
    waveform, response = random.standard_normal(300), random.standard_normal(64) * 0.1
    response[17] = 2.0
    expected = np.convolve(waveform, response)[17 : 17 + 300]
    result = convolve(torch.from_numpy(waveform)[None], torch.from_numpy(response)[None], lead=17)
    np.testing.assert_allclose(result[0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_the_direct_path_is_what_lies_within_2_5_ms_of_the_direct_sound(rate):
    reach = rate * 25 // 10000
    response = torch.full((2, 4 * reach), 0.1)
    response[:, reach + 3], response[1, 3 * reach] = -1.0, 2.0  # a stronger reflection
    direct = direct_path(response, rate, lead=reach + 3)
    for row in (0, 1):
        assert direct[row].nonzero().flatten().tolist() == list(range(3, 2 * reach + 4))
    assert torch.equal(direct[direct != 0], response[direct != 0])


def test_early_reflections_are_kept_as_long_as_asked():
    response = torch.ones(1, 4000)
    kept = direct_path(response, 16000, early_seconds=0.05)[0].nonzero().flatten()
    assert (kept.min().item(), kept.max().item()) == (0, LEAD + 800)
