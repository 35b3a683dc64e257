"""SNR, signal-to-noise ratio: everything by which the estimate differs from the reference is noise.

    SNR = 10 log₁₀(‖s‖² / ‖s − ŝ‖²)

Unlike SI-SDR it punishes a wrong gain: twice the reference has 0 dB, as silence has.
"""

import math

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import checked_pair, refuse_silence


def snr_db(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Signal-to-noise ratio; a gain on both waveforms doesn't change it.

    Args:
        reference: clean waveform `[time]`.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz; the value doesn't depend on it.

    Returns:
        dB; inf for equal waveforms.

    Raises:
        MetricError: if the pair can't be scored: the reference is silent, or the lengths differ.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="snr_db")
    refuse_silence(reference=reference, metric="snr_db")
    # Peak 1 first, so that the power of very quiet waveforms doesn't underflow.
    peak = np.abs(reference).max()
    reference, noise = reference / peak, (reference - estimate) / peak
    noise_power = float(noise @ noise)
    return 10 * math.log10(float(reference @ reference) / noise_power) if noise_power > 0 else math.inf
