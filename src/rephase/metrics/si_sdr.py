"""SI-SDR, scale-invariant signal-to-distortion ratio: how much of the estimate is the reference, at any gain.

The estimate ŝ is split into its projection on the reference s and the rest:

    SI-SDR = 10 log₁₀(‖αs‖² / ‖ŝ − αs‖²),      α = ⟨ŝ, s⟩ / ‖s‖²

With ρ the cosine of the angle between both this is 10 log₁₀(ρ² / (1 − ρ²)), so a rest that is orthogonal to s and r
times its norm gives −20 log₁₀ r. The mean is not removed.

Source: Le Roux, Wisdom, Erdogan, Hershey, "SDR – half-baked or well done?", ICASSP 2019.
"""

import math

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import checked_pair, refuse_silence


def si_sdr_db(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Scale-invariant signal-to-distortion ratio; a gain on either waveform, or its polarity, doesn't change it.

    Args:
        reference: clean waveform `[time]`.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz; the value doesn't depend on it.

    Returns:
        dB; inf if the estimate is a multiple of the reference (about 150 where float32 rounds it), −inf if it is
        orthogonal to it.

    Raises:
        MetricError: if the pair can't be scored: one is silent, or the lengths differ.

    Example:
        >>> clean, noise = np.array([3.0, 3.0, 3.0, 3.0]), np.array([1.0, -1.0, 1.0, -1.0])
        >>> si_sdr_db(reference=clean, estimate=-2 * (clean + noise), sample_rate=16000)
        9.54
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="si_sdr_db")
    refuse_silence(reference=reference, estimate=estimate, metric="si_sdr_db")
    # Peak 1 first, so that the power of very quiet waveforms doesn't underflow.
    reference, estimate = reference / np.abs(reference).max(), estimate / np.abs(estimate).max()
    target = (estimate @ reference) / (reference @ reference) * reference
    rest = estimate - target
    signal_power, rest_power = float(target @ target), float(rest @ rest)
    if rest_power == 0:
        return math.inf
    return 10 * math.log10(signal_power / rest_power) if signal_power > 0 else -math.inf
