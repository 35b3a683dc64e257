"""Losses of the phase itself, of its group delay and of its instantaneous angular frequency, every bin alike.

    IP = mean f(φ̂ − φ),   GD = mean f(∂_k φ̂ − ∂_k φ),   IAF = mean f(∂_t φ̂ − ∂_t φ)      in radians, 0 … π

with ∂_k and ∂_t the differences to the next frequency and frame (Ai & Ling, arXiv:2211.15974). They are the metrics
`ip_rad`, `gd_rad` and `iaf_rad` of `rephase.metrics`. A rotation of the whole spectrum changes IP alone.
"""

from jaxtyping import Float
from torch import Tensor

from rephase.losses.phase_errors import phase_error_of_pairs, phase_errors_of
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
    return ip_of_errors(error).mean()


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
    return gd_of_errors(error).mean()


def iaf_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int = 400,
    hop_length: int = 100,
) -> Float[Tensor, ""]:
    """The error of the instantaneous angular frequency, in radians a frame; arguments are those of `gd_loss`."""
    error, _ = phase_errors_of(estimate=estimate, reference=reference, n_fft=n_fft, hop_length=hop_length)
    return iaf_of_errors(error).mean()


def derivative_losses_of_pairs(
    *, estimate: Float[Tensor, "batch 2 frames freqs"], reference: Float[Tensor, "batch 2 frames freqs"]
) -> dict[str, Float[Tensor, ""]]:
    """All three of a network's own phasor, before it becomes a waveform; they share the error of the phase.

    Args:
        estimate: phasor or spectrum as a real pair.
        reference: clean phasor or spectrum.

    Returns:
        The means over the batch as `ip`, `gd` and `iaf`, radians.
    """
    error = phase_error_of_pairs(estimate=estimate, reference=reference)
    sums = {"ip": ip_of_errors, "gd": gd_of_errors, "iaf": iaf_of_errors}
    return {name: of_errors(error).mean() for name, of_errors in sums.items()}


def ip_of_errors(error: Float[Tensor, "batch freqs frames"]) -> Float[Tensor, " batch"]:
    """Mean f(Δ) of each item for phase errors Δ, radians."""
    return wrapped_distance(error).mean((1, 2))


def gd_of_errors(error: Float[Tensor, "batch freqs frames"]) -> Float[Tensor, " batch"]:
    """Mean f(∂_k Δ) of each item for phase errors Δ, radians; f(∂φ̂ − ∂φ) = f(∂Δ)."""
    return wrapped_distance(frequency_difference(error)).mean((1, 2))


def iaf_of_errors(error: Float[Tensor, "batch freqs frames"]) -> Float[Tensor, " batch"]:
    """Mean f(∂_t Δ) of each item for phase errors Δ, radians."""
    return wrapped_distance(time_difference(error)).mean((1, 2))
