"""Losses of the phase itself, of its group delay and of its instantaneous angular frequency, every bin alike.

    IP = mean f(φ̂ − φ),   GD = mean f(∂_k φ̂ − ∂_k φ),   IAF = mean f(∂_t φ̂ − ∂_t φ)      in radians, 0 … π

with ∂_k and ∂_t the differences to the next frequency and frame (Ai & Ling, arXiv:2211.15974). They are the metrics
`ip_rad`, `gd_rad` and `iaf_rad` of `rephase.metrics`. A rotation of the whole spectrum changes IP alone.
"""

from jaxtyping import Float
from torch import Tensor

from rephase.losses.phase_errors import phase_errors_of
from rephase.signal.phase import frequency_difference, time_difference, wrapped_distance


def ip_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int = 400,
    hop_length: int = 100,
) -> Float[Tensor, ""]:
    """The error of the instantaneous phase; arguments are those of `gd_loss`."""
    error, _ = phase_errors_of(estimate=estimate, reference=reference, n_fft=n_fft, hop_length=hop_length)
    return wrapped_distance(error).mean()


def gd_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int = 400,
    hop_length: int = 100,
) -> Float[Tensor, ""]:
    """The error of the group delay, in radians from one frequency to the next.

    Args:
        estimate: enhanced waveform, longer than half a window.
        reference: clean waveform.
        n_fft: length of the DFT and of its Hann window, samples; the default is the metric's at 16 kHz.
        hop_length: samples.
    """
    error, _ = phase_errors_of(estimate=estimate, reference=reference, n_fft=n_fft, hop_length=hop_length)
    return wrapped_distance(frequency_difference(error)).mean()


def iaf_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int = 400,
    hop_length: int = 100,
) -> Float[Tensor, ""]:
    """The error of the instantaneous angular frequency, in radians a frame; arguments are those of `gd_loss`."""
    error, _ = phase_errors_of(estimate=estimate, reference=reference, n_fft=n_fft, hop_length=hop_length)
    return wrapped_distance(time_difference(error)).mean()
