"""Curves stay in their range, and a sine gets the gain that the curve says."""

import math

import pytest
import torch

from rephase.degradations.equaliser import draw_curves, equalise, gains_db


def curves(batch: int, range_db: float, seed: int = 0, freqs: torch.Tensor | None = None) -> torch.Tensor:
    freqs = torch.fft.rfftfreq(16000, 1 / 16000) if freqs is None else freqs
    return gains_db(draw_curves(batch, torch.Generator().manual_seed(seed)), freqs, range_db)


def test_gains_stay_within_the_range():
    # At 20 Hz the low shelf is alone, up to a rest of the other two; elsewhere a shelf and the peak may add.
    lowest = curves(2000, 9.0, freqs=torch.tensor([20.0]))
    assert lowest.abs().max() < 9 * 1.05
    assert lowest.max() > 8.5
    assert lowest.min() < -8.5
    everywhere = curves(500, 9.0).abs().amax(0)
    assert everywhere.max() < 2 * 9 * 1.1
    assert everywhere.min() > 6  # no frequency is left as it is


def test_no_range_means_no_change():
    assert not curves(3, 0.0).any()


def test_curves_differ_between_items_and_seeds_and_repeat_for_a_seed():
    first = curves(2, 9.0, seed=1)
    assert (first[0] - first[1]).abs().max() > 0.1
    assert torch.equal(first, curves(2, 9.0, seed=1))
    assert not torch.equal(first, curves(2, 9.0, seed=2))


@pytest.mark.parametrize("frequency", [100, 1000, 4321, 7000])
def test_a_sine_gets_the_gain_of_the_curve_and_keeps_its_phase(frequency):
    gains = curves(1, 9.0, seed=frequency)
    sine = torch.sin(2 * math.pi * frequency * torch.arange(16000, dtype=torch.float64) / 16000)[None]
    expected = sine * 10 ** (gains[0, frequency].double() / 20)
    torch.testing.assert_close(equalise(sine, gains.double()), expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("length", [400, 401])
def test_no_gain_gives_back_the_waveform(length):
    waveform = torch.randn(2, length, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(equalise(waveform, torch.zeros(2, length // 2 + 1)), waveform, atol=1e-5, rtol=0)
