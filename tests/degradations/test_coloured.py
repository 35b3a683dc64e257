"""The power spectrum has the slope that was asked for."""

import pytest
import torch

from rephase.degradations.coloured import coloured_noise

RATE = 16000


@pytest.mark.parametrize("slope", [-2.0, -1.0, 0.0, 0.7, 2.0])
def test_power_goes_with_the_asked_power_of_the_frequency(slope):
    white = torch.randn(8, 8 * RATE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    noise = coloured_noise(white, torch.full((8,), slope, dtype=torch.float64), sample_rate=RATE)
    power = torch.fft.rfft(noise).abs().square().mean(0)
    # Octaves: the mean power of 100–200 Hz, 200–400 Hz, ...
    edges = [800 * 2**octave for octave in range(6)]
    octaves = torch.stack([power[low : 2 * low].mean() for low in edges])
    rise = octaves.log2().diff()
    torch.testing.assert_close(rise, torch.full((5,), slope, dtype=torch.float64), atol=0.1, rtol=0)
    torch.testing.assert_close(noise.square().mean(-1), torch.ones(8, dtype=torch.float64))


def test_each_filter_is_exact_and_there_is_no_direct_current():
    white = torch.randn(2, 4000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    noise = coloured_noise(white, torch.tensor([-2.0, 1.0], dtype=torch.float64), sample_rate=RATE)
    ratio = torch.fft.rfft(noise).abs() / torch.fft.rfft(white).abs()
    # Bins are 4 Hz apart: −2 halves the amplitude from 1 to 2 kHz, 1 raises the power by two.
    assert ratio[0, 500] / ratio[0, 250] == pytest.approx(0.5)
    assert ratio[1, 500] / ratio[1, 250] == pytest.approx(2**0.5)
    assert ratio[0, 1] / ratio[0, 5] == pytest.approx(1.0), "below 20 Hz it rises no further"
    assert ratio[:, 0].abs().max() < 1e-9
