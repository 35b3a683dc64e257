"""STOI and ESTOI, short-time objective intelligibility: how much of the speech can be understood.

At 10 kHz, frames of 25.6 ms without the silent ones, in 15 third-octave bands; segments of 30 frames (384 ms) are
matrices X (clean) and Y. STOI scales each row of Y to the energy of X's, clips it at −15 dB of distortion, and takes
the mean of the rows' correlations:

    STOI = mean over segments and bands of  ⟨x_b − mean, y'_b − mean⟩ / (‖x_b − mean‖ ‖y'_b − mean‖)

ESTOI brings rows, then columns, to mean 0 and norm 1 (x̄ₙ, ȳₙ), and so hears how bands move together:

    ESTOI = mean over segments of  1/30 Σₙ ⟨x̄ₙ, ȳₙ⟩

Sources: Taal, Hendriks, Heusdens, Jensen, "An Algorithm for Intelligibility Prediction of Time–Frequency Weighted Noisy
Speech", IEEE TASLP 19(7), 2011; Jensen and Taal, "An Algorithm for Predicting the Intelligibility of Speech Masked by
Modulated Noise Maskers", IEEE/ACM TASLP 24(11), 2016. Computed by the package `pystoi`.
"""

import warnings

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import MetricError, checked_pair, refuse_silence

SHORTEST_SECONDS = (256 + 29 * 128) / 10_000  # 30 frames
TOO_SHORT = "has no value: fewer than 30 frames (0.4 s) are not silent"


def stoi(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Short-time objective intelligibility, the first form; arguments, result and errors are those of `estoi`."""
    return _stoi(reference, estimate, sample_rate, metric="stoi")


def estoi(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Extended short-time objective intelligibility; a gain on either waveform doesn't change it.

    Args:
        reference: clean waveform `[time]`, at least 30 frames (0.4 s) of it not silent.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        −1 to 1; 1 means no difference, about 0 nothing can be understood.

    Raises:
        MetricError: if the pair can't be scored: too short or silent.
        ImportError: if the package `pystoi` is missing.
    """
    return _stoi(reference, estimate, sample_rate, metric="estoi")


def _stoi(reference: np.ndarray, estimate: np.ndarray, sample_rate: int, *, metric: str) -> float:
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric=metric)
    if reference.size < SHORTEST_SECONDS * sample_rate:
        raise MetricError(f"{metric} {TOO_SHORT}")
    # In silence pystoi would correlate its own dither; peak 1 keeps quiet waveforms clear of it.
    refuse_silence(reference=reference, estimate=estimate, metric=metric)
    reference, estimate = reference / np.abs(reference).max(), estimate / np.abs(estimate).max()
    try:
        import pystoi
    except ImportError as error:
        raise ImportError(f"{metric} needs the package pystoi: pip install 'rephase[eval]'") from error
    with warnings.catch_warnings():
        # pystoi warns and gives 1e-5 where it has nothing to measure.
        warnings.filterwarnings("error", message="Not enough STFT frames", category=RuntimeWarning)
        try:
            value = float(pystoi.stoi(reference, estimate, sample_rate, extended=metric == "estoi"))
        except RuntimeWarning as warning:
            raise MetricError(f"{metric} {TOO_SHORT}") from warning
    if not np.isfinite(value):
        raise MetricError(f"{metric} has no value: pystoi gave {value}")
    return value
