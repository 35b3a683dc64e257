"""Consistency: how far a spectrum is from the spectrum of any waveform.

    L = mean | Ŝ^c − STFT(iSTFT(Ŝ))^c |²,      S^c = |S|^c e^{jφ}

(Cao et al., 2022, after the inconsistency of Le Roux et al., 2010.) Frames overlap, so not every array of numbers is an
STFT; what the inverse can't render is lost, and frames that contradict each other are heard as roughness. The error is
0 for the spectrum of a waveform. The square is summed over real and imaginary part.
"""

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from rephase.losses.compressed_spectrum import complex_loss
from rephase.signal.compression import magnitude_and_phasor


@runtime_checkable
class Analysis(Protocol):
    """What these losses need of a network's transforms."""

    def stft(self, waveform: Tensor) -> Tensor:
        """[batch, time] → [batch, 2, frames, freqs]."""
        ...


def consistency_loss(
    *,
    estimate: Float[Tensor, "batch 2 frames freqs"],
    waveform: Float[Tensor, "batch time"],
    transforms: Analysis,
    exponent: float = 0.3,
) -> Float[Tensor, ""]:
    """The mean inconsistency of a batch; the gradient goes through the spectrum and through the waveform.

    Args:
        estimate: compressed spectrum Ŝ^c, as a real pair.
        waveform: iSTFT(Ŝ), the inverse of that spectrum once decompressed.
        transforms: that the waveform was made with.
        exponent: c.
    """
    magnitude, phasor = magnitude_and_phasor(transforms.stft(waveform), exponent)
    return complex_loss(estimate=estimate, reference=magnitude.unsqueeze(1) * phasor)
