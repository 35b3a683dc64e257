"""PD, phase distance: how far the estimate's phase lies from the reference's, weighted by the clean magnitude.

    PD = Σ |S| f(φ̂ − φ) / Σ |S|      in degrees, 0 … 180; 90 for a phase drawn at random

(Choi et al., "Phase-aware Speech Enhancement with Deep Complex U-Net", ICLR 2019.) A magnitude alone fixes a signal
only up to its sign, and a rotation of the whole spectrum is inaudible, so two more metrics stand beside it:

    PD up to polarity = min over θ ∈ {0, π} of Σ |S| f(φ̂ − φ − θ) / Σ |S|
    PD up to a rotation = min over all θ of the same, with errors and θ in steps of 0.1°
"""

import numpy as np
from jaxtyping import Float64, Shaped

from rephase.metrics.phase_errors import distance, error_blocks

STEPS = 3600  # of the circle


def pd_deg(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Phase distance; the level of neither waveform matters.

    Args:
        reference: clean waveform `[time]`, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        Degrees, 0 … 180.

    Raises:
        MetricError: if the pair can't be scored: too short, of two lengths, or one is silent.
    """
    total = weight = 0.0
    for error, magnitude in error_blocks(reference, estimate, sample_rate, metric="pd_deg"):
        total += float(np.sum(magnitude * distance(error)))
        weight += float(np.sum(magnitude))
    return float(np.degrees(total / weight))


def pd_up_to_polarity_deg(
    *, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int
) -> float:
    """Phase distance of the estimate or of its negative, whichever is nearer.

    Args:
        reference: clean waveform `[time]`, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        Degrees, 0 … 90: f(x) + f(x − π) = π.

    Raises:
        MetricError: as for `pd_deg`.
    """
    plain = pd_deg(reference=reference, estimate=estimate, sample_rate=sample_rate)
    return min(plain, 180.0 - plain)


def pd_up_to_rotation_deg(
    *, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int
) -> float:
    """Phase distance after the best rotation of the whole spectrum.

    Args:
        reference: clean waveform `[time]`, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        Degrees, 0 … 90, to 0.1.

    Raises:
        MetricError: as for `pd_deg`.
    """
    weights = np.zeros(STEPS)
    for error, magnitude in error_blocks(reference, estimate, sample_rate, metric="pd_up_to_rotation_deg"):
        step = np.round(error * (STEPS / (2 * np.pi))).astype(np.int64) % STEPS
        weights += np.bincount(step.ravel(), magnitude.ravel(), STEPS)
    return float(np.degrees(_rotated(weights).min() / weights.sum()))


def _rotated(weights: Float64[np.ndarray, " steps"]) -> Float64[np.ndarray, " steps"]:
    """Σ over errors of weight · f(error − θ) for every θ: a circular convolution with f."""
    angles = 2 * np.pi * np.arange(STEPS) / STEPS
    return np.fft.irfft(np.fft.rfft(weights) * np.fft.rfft(distance(angles)), STEPS)
