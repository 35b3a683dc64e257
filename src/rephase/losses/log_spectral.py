"""Log-spectral distance as a loss: how far the spectra lie apart, in decades of power.

    LSD = mean over frames of √( mean over bins of (log₁₀(|S|² + 1e-8) − log₁₀(|Ŝ|² + 1e-8))² )

(Gray and Markel, 1976), with full scale ±1: the metric `rephase.metrics.lsd`. The floor 1e-8 bounds the gradient in
silence; a frame without any difference has the gradient 0.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.losses.phase_errors import mirrored_stft

FLOOR = 1e-8
ROOT_EPS = 1e-12  # inside the root, else its gradient at 0 is NaN; taken off again outside


def log_spectral_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int = 400,
    hop_length: int = 100,
    floor: float = FLOOR,
) -> Float[Tensor, ""]:
    """The mean log-spectral distance of a batch; it depends on the level of both waveforms.

    Args:
        estimate: enhanced waveform, full scale ±1, longer than half a window.
        reference: clean waveform.
        n_fft: length of the DFT and of its Hann window, samples; the default is the metric's at 16 kHz.
        hop_length: samples.
        floor: power below which differences count little; the default is the metric's.
    """
    ours, theirs = (
        torch.log10(spectrum.real.square() + spectrum.imag.square() + floor)
        for spectrum in (mirrored_stft(w, n_fft=n_fft, hop_length=hop_length) for w in (estimate, reference))
    )
    squares = (ours - theirs).square().mean(1)
    return ((squares + ROOT_EPS).sqrt() - ROOT_EPS**0.5).mean()
