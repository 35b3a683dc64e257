"""LLR, log-likelihood ratio: how badly the estimate's spectral envelope predicts the reference.

    LLR = log( âᵀ R â / aᵀ R a )      over frames, the mean of the 95 % least

with R the reference's autocorrelation matrix and a, â the linear predictors (order 16; 10 below 10 kHz) of reference
and estimate. a minimises aᵀ R a, so no frame is below 0. A frame in which one of both is silent to the bit, or that is
predicted to the last digit, has no ratio and is left out; everything else is as in Hu and Loizou's `composite.m`, where
a frame's distance is not limited.

Sources: Quackenbush, Barnwell, Clements, "Objective Measures of Speech Quality", 1988; Hu and Loizou, "Evaluation of
Objective Quality Measures for Speech Enhancement", IEEE TASLP 16(1), 2008.
"""

import numpy as np
from jaxtyping import Float64, Shaped

from rephase.metrics.inputs import MetricError, checked_pair, refuse_silence
from rephase.metrics.loizou_frames import loizou_frames, mean_of_least


def llr(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Log-likelihood ratio of linear predictors; a gain on either waveform doesn't change it.

    Args:
        reference: clean waveform `[time]`, at least 37.5 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        0 (equal envelopes) or more; about 2 is bad.

    Raises:
        MetricError: if the pair can't be scored: one is silent, too short, or the lengths differ.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="llr")
    refuse_silence(reference=reference, estimate=estimate, metric="llr")
    clean, other = (loizou_frames(waveform, sample_rate, metric="llr") for waveform in (reference, estimate))
    audible = clean.any(axis=1) & other.any(axis=1)
    order = 16 if sample_rate >= 10_000 else 10
    clean_lags = _autocorrelation(clean[audible], order)
    predictor = _predictor(clean_lags)
    other_predictor = _predictor(_autocorrelation(other[audible], order))
    with np.errstate(all="ignore"):
        ratios = np.log(_residual(other_predictor, clean_lags) / _residual(predictor, clean_lags))
    ratios = ratios[np.isfinite(ratios)]
    if not ratios.size:
        raise MetricError("llr is not defined: no frame in which both sound has a ratio")
    return mean_of_least(ratios)


def _autocorrelation(frames: Float64[np.ndarray, "frames window"], order: int) -> Float64[np.ndarray, "frames lags"]:
    length = frames.shape[1]
    lags = [np.einsum("fn,fn->f", frames[:, : length - lag], frames[:, lag:]) for lag in range(order + 1)]
    return np.stack(lags, axis=1)


def _predictor(lags: Float64[np.ndarray, "frames lags"]) -> Float64[np.ndarray, "frames lags"]:
    """(1, −a₁, −a₂ ...) of each frame, by the recursion of Levinson and Durbin."""
    filters = np.zeros_like(lags)
    filters[:, 0] = 1
    error = lags[:, 0].copy()
    with np.errstate(all="ignore"):
        for order in range(1, lags.shape[1]):
            reflection = -np.einsum("fn,fn->f", filters[:, :order], lags[:, order:0:-1]) / error
            filters[:, : order + 1] += reflection[:, None] * filters[:, order::-1]
            error *= 1 - reflection**2
    return filters


def _residual(
    filters: Float64[np.ndarray, "frames lags"], lags: Float64[np.ndarray, "frames lags"]
) -> Float64[np.ndarray, " frames"]:
    """aᵀ R a, with the Toeplitz matrix R of the lags: Σ_k R_k times the autocorrelation of a at lag ±k."""
    own = _autocorrelation(filters, filters.shape[1] - 1)
    own[:, 1:] *= 2
    return np.einsum("fn,fn->f", own, lags)
