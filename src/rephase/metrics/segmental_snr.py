"""Segmental SNR: the signal-to-noise ratio frame by frame, which hears what happens in quiet parts.

    segSNR = mean over frames of  10 log₁₀(‖s_t‖² / ‖s_t − ŝ_t‖²),      each within −10 … 35 dB

over the frames of `rephase.metrics.loizou_frames`, pauses included: a pause in which anything is left counts −10 dB.

Sources: Hansen and Pellom, "An Effective Quality Evaluation Protocol for Speech Enhancement Algorithms", ICSLP 1998;
the form is that of Hu and Loizou's `composite.m`, with its ε = 2.2e-16.
"""

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import checked_pair, refuse_silence
from rephase.metrics.loizou_frames import loizou_frames

LOWEST_DB, HIGHEST_DB = -10.0, 35.0
EPS = float(np.finfo(np.float64).eps)


def segmental_snr_db(
    *, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int
) -> float:
    """Mean signal-to-noise ratio of frames of 30 ms.

    Args:
        reference: clean waveform `[time]`, at least 37.5 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        dB, −10 … 35.

    Raises:
        MetricError: if the pair can't be scored: the reference is silent, too short, or the lengths differ.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="segmental_snr_db")
    refuse_silence(reference=reference, metric="segmental_snr_db")
    clean = loizou_frames(reference, sample_rate, metric="segmental_snr_db")
    noise = clean - loizou_frames(estimate, sample_rate, metric="segmental_snr_db")
    ratio = np.sum(clean**2, axis=1) / (np.sum(noise**2, axis=1) + EPS)
    return float(np.mean(np.clip(10 * np.log10(ratio + EPS), LOWEST_DB, HIGHEST_DB)))
