"""Phase removal: what a phase-retrieval network starts from.

    S ↦ |S| + 0j

A magnitude whose phase is 0 everywhere is the spectrum of no waveform: the waveform made of it (the least-squares one)
has another magnitude again. A network is therefore given the spectrum; the waveform is for listening, and the baseline.
"""

import torch
from jaxtyping import Complex64, Float
from torch import Tensor

from rephase.signal.stft import istft, stft


def zero_phase(spectrum: Complex64[Tensor, "batch freqs frames"]) -> Complex64[Tensor, "batch freqs frames"]:
    """The spectrum of the same magnitude and zero phase.

    >>> zero_phase(torch.tensor([[[3 - 4j]]]))
    tensor([[[5.+0.j]]])
    """
    return torch.complex(spectrum.abs(), torch.zeros_like(spectrum.real))


def without_phase(
    waveform: Float[Tensor, "batch time"], *, n_fft: int = 400, hop_length: int = 100, win_length: int = 400
) -> Float[Tensor, "batch time"]:
    """The waveform that comes nearest to the magnitude of another with zero phase.

    Args:
        waveform: full scale ±1.
        n_fft: of the published networks, samples.
        hop_length: samples.
        win_length: samples.

    Returns:
        As many samples.
    """
    spectrum = stft(waveform, n_fft=n_fft, hop_length=hop_length, win_length=win_length)
    length = waveform.shape[-1]
    return istft(zero_phase(spectrum), length=length, n_fft=n_fft, hop_length=hop_length, win_length=win_length)
