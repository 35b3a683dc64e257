"""Squared error of spectra compressed by |S|^c, of the magnitude alone and of the complex number.

    L = w_m mean (|Ŝ|^c − |S|^c)² + w_c mean | |Ŝ|^c e^{jφ̂} − |S|^c e^{jφ} |²,      c = 0.3

(Ephrat et al., 2018; Braun & Tashev, 2021). `compressed_spectrum_loss` takes the spectra of the waveforms, so that an
estimate is judged by what can be heard of it: its inconsistent part is gone. `magnitude_loss` and `complex_loss` are
the two errors of spectra that are there already, such as a network's output. The square is summed over real and
imaginary part: twice the mean over both.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.signal.compression import EPS, compress
from rephase.signal.stft import stft


def compressed_spectrum_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    magnitude_weight: float = 7.0,
    complex_weight: float = 3.0,
    exponent: float = 0.3,
    n_fft: int = 512,
    hop_length: int = 128,
) -> Float[Tensor, ""]:
    """The weighted sum of both errors, 0 for equal waveforms.

    Args:
        estimate: enhanced waveform.
        reference: clean waveform.
        magnitude_weight: w_m.
        complex_weight: w_c.
        exponent: c.
        n_fft: of a Hann window of that length, samples.
        hop_length: samples.
    """
    spectra = stft(torch.cat([estimate, reference]), n_fft=n_fft, hop_length=hop_length, win_length=n_fft)
    real, imaginary = spectra.real, spectra.imag
    power = real.square() + imaginary.square()
    magnitude = compress(power, exponent)
    scale = magnitude * torch.rsqrt(power + EPS)
    compressed = torch.stack([real * scale, imaginary * scale], dim=1)
    ours, theirs = magnitude.chunk(2)
    our_pair, their_pair = compressed.chunk(2)
    magnitude_error = magnitude_loss(estimate=ours, reference=theirs)
    complex_error = complex_loss(estimate=our_pair, reference=their_pair)
    return magnitude_weight * magnitude_error + complex_weight * complex_error


def magnitude_loss(
    *, estimate: Float[Tensor, "batch *bins"], reference: Float[Tensor, "batch *bins"]
) -> Float[Tensor, ""]:
    """Mean squared error of compressed magnitudes.

    Args:
        estimate: |Ŝ|^c.
        reference: |S|^c.
    """
    return (estimate - reference).square().mean()


def complex_loss(
    *, estimate: Float[Tensor, "batch 2 *bins"], reference: Float[Tensor, "batch 2 *bins"]
) -> Float[Tensor, ""]:
    """Mean over the bins of the squared modulus of the error of compressed spectra, given as real pairs.

    Args:
        estimate: |Ŝ|^c e^{jφ̂}.
        reference: |S|^c e^{jφ}.
    """
    return (estimate - reference).square().sum(1).mean()
