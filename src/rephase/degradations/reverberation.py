"""Reverberant speech, and the direct sound that is its target."""

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.degradations.shoebox import LEAD

DIRECT_SECONDS = 0.0025


def convolve(
    waveform: Float[Tensor, "batch time"], response: Float[Tensor, "batch taps"], *, lead: int = LEAD
) -> Float[Tensor, "batch time"]:
    """Linear convolution, aligned to the responses' direct sound and cut to the length of the waveform.

    Args:
        waveform: dry.
        response: one for each item.
        lead: samples before the direct sound.

    >>> import torch
    >>> late = torch.tensor([[0.0, 1.0, 0.5]])
    >>> convolve(torch.tensor([[1.0, 0.0, 0.0]]), late, lead=1).round(decimals=4).abs()
    tensor([[1.0000, 0.5000, 0.0000]])
    """
    length, size = waveform.shape[-1], waveform.shape[-1] + response.shape[-1]
    product = torch.fft.rfft(waveform, n=size) * torch.fft.rfft(response, n=size)
    return torch.fft.irfft(product, n=size)[..., lead : lead + length]


def direct_path(
    response: Float[Tensor, "batch taps"],
    sample_rate: int = 16000,
    *,
    early_seconds: float = DIRECT_SECONDS,
    lead: int = LEAD,
) -> Float[Tensor, "batch taps"]:
    """The direct sound of a response, with its early reflections if asked for; all else is set to 0.

    Args:
        response: one for each item.
        sample_rate: Hz.
        early_seconds: how long after the direct sound the kept part ends; it starts 2.5 ms before it.
        lead: samples before the direct sound.
    """
    first, last = lead - int(DIRECT_SECONDS * sample_rate), lead + int(early_seconds * sample_rate)
    position = torch.arange(response.shape[-1], device=response.device)
    return response * ((position >= first) & (position <= last))
