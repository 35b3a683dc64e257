"""Reverberant speech, and the direct sound that is its target."""

import torch
from jaxtyping import Float
from torch import Tensor

DIRECT_SECONDS = 0.0025


def convolve(
    waveform: Float[Tensor, "batch time"], response: Float[Tensor, "batch taps"]
) -> Float[Tensor, "batch time"]:
    """Linear convolution, aligned to each response's strongest sample and cut to the length of the waveform.

    >>> import torch
    >>> late = torch.tensor([[0.0, 1.0, 0.5]])
    >>> convolve(torch.tensor([[1.0, 0.0, 0.0]]), late).round(decimals=4).abs()
    tensor([[1.0000, 0.5000, 0.0000]])
    """
    length, size = waveform.shape[-1], waveform.shape[-1] + response.shape[-1]
    product = torch.fft.rfft(waveform, n=size) * torch.fft.rfft(response, n=size)
    peak = response.abs().argmax(-1, keepdim=True)
    return torch.fft.irfft(product, n=size).gather(-1, peak + torch.arange(length, device=waveform.device))


def direct_path(
    response: Float[Tensor, "batch taps"], sample_rate: int = 16000, *, early_seconds: float = DIRECT_SECONDS
) -> Float[Tensor, "batch taps"]:
    """The direct sound of a response, with its early reflections if asked for; all else is set to 0.

    Args:
        response: one for each item.
        sample_rate: Hz.
        early_seconds: how long after the strongest sample the kept part ends; it starts 2.5 ms before it.
    """
    peak, before = response.abs().argmax(-1, keepdim=True), int(DIRECT_SECONDS * sample_rate)
    position = torch.arange(response.shape[-1], device=response.device)
    return response * ((position >= peak - before) & (position <= peak + int(early_seconds * sample_rate)))
