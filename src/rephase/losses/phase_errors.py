"""What the phase losses share: the spectra of `rephase.metrics`, in torch, and the wrapped difference of two phases.

    Δ = arg(Ŝ S*),      ∂Δ/∂Ŝ = (−Im Ŝ, Re Ŝ) / (|Ŝ|² + ε)      as the gradient that goes back

The value of Δ is exact. Its true gradient grows without end where |Ŝ| shrinks, and is NaN at 0; ε bounds it, and at 0
it is 0. A spectrum of exactly 0 has the phase 0. Frame t is centred on sample `hop_length` · t, and both ends are
mirrored, as in `rephase.metrics.spectra`; the sums of the losses then are those of the metrics of the same names.
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from rephase.signal.phase import wrapped_distance
from rephase.signal.stft import analysis_window

EPS = 1e-8  # power; |S|² of noise at −80 dBFS in a window of 400 samples is about 1e-6


def mirrored_stft(
    waveform: Float[Tensor, "batch time"], *, n_fft: int, hop_length: int
) -> Complex[Tensor, "batch freqs frames"]:
    """The spectrum under a Hann window with mirrored ends, in float64 for float64, else in float32.

    Args:
        waveform: full scale ±1, longer than half a window.
        n_fft: length of the DFT and of the window, samples, even.
        hop_length: step between frames, samples.

    Returns:
        1 + time // hop_length frames of n_fft // 2 + 1 frequencies.

    Raises:
        ValueError: if the waveform is too short to be mirrored.
    """
    if waveform.shape[-1] <= n_fft // 2:
        raise ValueError(
            f"waveform must be longer than half a window, {n_fft // 2} samples; got {waveform.shape[-1]}. "
            "Try longer items, or a smaller n_fft."
        )
    if waveform.dtype != torch.float64:
        waveform = waveform.float()
    window = analysis_window("hann", n_fft, waveform.device).to(waveform.dtype)
    return torch.stft(waveform, n_fft, hop_length, n_fft, window, pad_mode="reflect", return_complex=True)


def phase_error(
    *, estimate: Complex[Tensor, "batch freqs frames"], reference: Complex[Tensor, "batch freqs frames"]
) -> Float[Tensor, "batch freqs frames"]:
    """Δ, the phase of the estimate less that of the reference; the gradient goes to the estimate alone.

    Args:
        estimate: spectrum.
        reference: spectrum.

    Returns:
        Radians, −π … π.
    """
    return _angle_between(estimate.real, estimate.imag, reference.real, reference.imag)


def phase_error_of_pairs(
    *, estimate: Float[Tensor, "batch 2 frames freqs"], reference: Float[Tensor, "batch 2 frames freqs"]
) -> Float[Tensor, "batch freqs frames"]:
    """The same Δ of real pairs, such as a network's phasor and a clean spectrum.

    Args:
        estimate: spectrum or phasor; its length doesn't matter to the value.
        reference: spectrum or phasor.

    Returns:
        Radians, −π … π, with the frequencies before the frames.
    """
    return _angle_between(estimate[:, 0], estimate[:, 1], reference[:, 0], reference[:, 1]).transpose(1, 2)


def _angle_between(real: Tensor, imaginary: Tensor, reference_real: Tensor, reference_imaginary: Tensor) -> Tensor:
    reference_real, reference_imaginary = reference_real.detach(), reference_imaginary.detach()
    size = torch.hypot(reference_real, reference_imaginary)
    silent = size == 0
    size = torch.where(silent, 1, size)
    cosine, sine = torch.where(silent, 1, reference_real / size), reference_imaginary / size
    along, across = real * cosine + imaginary * sine, imaginary * cosine - real * sine
    nothing = (along == 0) & (across == 0)
    angle = torch.where(nothing, torch.atan2(-sine, cosine), torch.atan2(across, along)).detach()
    # Worth exactly 0, with the gradient of the angle.
    steer = (along.detach() * across - across.detach() * along) / (along.square() + across.square() + EPS).detach()
    return angle + steer


def phase_errors_of(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int,
    hop_length: int,
) -> tuple[Float[Tensor, "batch freqs frames"], Float[Tensor, "batch freqs frames"]]:
    """Phase errors Δ of waveforms in radians, and the reference's magnitudes |S|.

    Args:
        estimate: enhanced waveform.
        reference: clean waveform.
        n_fft: length of the DFT and of the window, samples.
        hop_length: samples.

    Returns:
        Both for every frequency and frame.
    """
    target = mirrored_stft(reference, n_fft=n_fft, hop_length=hop_length).detach()
    error = phase_error(estimate=mirrored_stft(estimate, n_fft=n_fft, hop_length=hop_length), reference=target)
    return error, target.abs()


def weighted_mean(
    angle: Float[Tensor, "batch freqs frames"], weight: Float[Tensor, "batch freqs frames"]
) -> Float[Tensor, " batch"]:
    """Σ weight · f(angle) / Σ weight for each item, in radians; 0 where there is no weight at all."""
    # Shares first: the gradient of a quotient by a small sum would leave the numbers once it is scaled.
    share = weight / weight.sum((1, 2), keepdim=True).clamp_min(torch.finfo(weight.dtype).tiny)
    return (share * wrapped_distance(angle)).sum((1, 2))
