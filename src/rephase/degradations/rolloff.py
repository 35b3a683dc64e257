"""The roll-off of a resampler: what lies above the end of a recording's band is missing.

A resampler's filter passes everything up to a frequency that its maker chose, then falls to its stop-band; here

    g(f) = −80 dB · (3u² − 2u³),      u = (f − f_pass) / width, kept within 0 … 1

Speech that was stored at 48 kHz, or through a codec, ends anywhere between 6.5 kHz and the Nyquist frequency. A network
that has only heard recordings of one pipeline takes the missing edge for something it should act on.
"""

import torch
from jaxtyping import Float
from torch import Tensor

STOP_DB = -80.0
WIDTH_HZ = (100.0, 800.0)


def draw_rolloffs(batch: int, generator: torch.Generator) -> Float[Tensor, "2 batch 1"]:
    """What the curves of `rolloff_db` are made of: two numbers in 0 … 1 each, for the frequency and for the width.

    Args:
        batch: how many curves.
        generator: source of randomness, on the CPU.
    """
    return torch.stack([torch.rand(batch, 1, generator=generator) for _ in range(2)])


def rolloff_db(
    drawn: Float[Tensor, "2 batch 1"], freqs: Float[Tensor, " freqs"], *, pass_hz: tuple[float, float]
) -> Float[Tensor, "batch freqs"]:
    """Curves that are 0 dB up to a frequency and −80 dB from 0.1–0.8 kHz above it on.

    Args:
        drawn: by `draw_rolloffs`.
        freqs: where to evaluate the curves, Hz.
        pass_hz: range of that frequency.

    Returns:
        dB, for `rephase.degradations.equaliser.equalise`.
    """
    start = start_hz(drawn, pass_hz=pass_hz)
    width = WIDTH_HZ[0] + (WIDTH_HZ[1] - WIDTH_HZ[0]) * drawn[1]
    way = ((freqs.unsqueeze(0) - start) / width).clamp(0.0, 1.0)
    return STOP_DB * (3 * way.square() - 2 * way**3)


def start_hz(drawn: Float[Tensor, "2 batch 1"], *, pass_hz: tuple[float, float]) -> Float[Tensor, "batch 1"]:
    """Where the curves begin to fall, Hz.

    Args:
        drawn: by `draw_rolloffs`.
        pass_hz: range of that frequency.
    """
    return pass_hz[0] + (pass_hz[1] - pass_hz[0]) * drawn[0]
