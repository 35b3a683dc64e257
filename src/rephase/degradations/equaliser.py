"""A random equaliser: two shelves and a peak, as microphones, rooms and studios have them.

Gains are smooth curves in decibels over log-frequency (a logistic step for a shelf, a Gaussian for a peak), applied
without phase shift in the frequency domain of the whole crop: what rings beyond an end comes in at the other. Read
speech of one corpus is duller or brighter than the world's; a network that has only heard that corpus takes the
difference for noise.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def draw_curves(batch: int, generator: torch.Generator) -> Float[Tensor, "7 batch 1"]:
    """What the curves of `gains_db` are made of: seven numbers in 0 … 1 each.

    Args:
        batch: how many curves.
        generator: source of randomness, on the CPU.
    """
    return torch.stack([torch.rand(batch, 1, generator=generator) for _ in range(7)])


def gains_db(
    drawn: Float[Tensor, "7 batch 1"], freqs: Float[Tensor, " freqs"], range_db: float
) -> Float[Tensor, "batch freqs"]:
    """Curves of a low shelf (100–500 Hz), a high shelf (1.5–5 kHz) and a peak (0.3–6 kHz), each within ±`range_db`.

    Args:
        drawn: by `draw_curves`: corners of the shelves, centre and width of the peak, then the gains of the three.
        freqs: where to evaluate the curves, Hz.
        range_db: largest gain of each of the three, dB.

    Returns:
        dB; shelves and peak add where they overlap.
    """

    def uniform(index: int, low: float, high: float) -> Tensor:
        return low + (high - low) * drawn[index]

    octave = torch.log2(freqs.clamp_min(20.0)).unsqueeze(0)
    low_corner = torch.log2(100 * 5 ** uniform(0, 0.0, 1.0))
    high_corner = torch.log2(1500 * (10 / 3) ** uniform(1, 0.0, 1.0))
    centre, width = torch.log2(300 * 20 ** uniform(2, 0.0, 1.0)), uniform(3, 0.3, 1.5)
    low = uniform(4, -range_db, range_db) * torch.sigmoid(3 * (low_corner - octave))
    high = uniform(5, -range_db, range_db) * torch.sigmoid(3 * (octave - high_corner))
    peak = uniform(6, -range_db, range_db) * torch.exp(-0.5 * ((octave - centre) / width) ** 2)
    return low + high + peak


def equalise(
    waveform: Float[Tensor, "batch time"], gains_db: Float[Tensor, "batch freqs"]
) -> Float[Tensor, "batch time"]:
    """Multiplies the spectrum of the whole waveform, as if it were periodic.

    Args:
        waveform: what to filter.
        gains_db: at the frequencies of an rfft of the same length (time // 2 + 1 of them), dB.
    """
    return torch.fft.irfft(torch.fft.rfft(waveform) * 10 ** (gains_db / 20), n=waveform.shape[-1])
