"""What every metric takes: two recordings of equal length that can be compared, or a reason why they can't.

A metric that has no value for a pair raises `MetricError` with the reason. It never gives 0, which would be a score.
"""

import numpy as np

from rephase.errors import RephaseError


class MetricError(RephaseError):
    """A metric has no value for this pair; the message says why."""


def checked_pair(
    reference: np.ndarray, estimate: np.ndarray, sample_rate: int, *, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Checks what a metric was given.

    Args:
        reference: clean waveform `[time]`.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.
        metric: name of the metric, for the message.

    Returns:
        Both as float64.

    Raises:
        MetricError: if one is not `[time]`, is no float, is empty or holds NaN or Inf, the lengths differ, or the rate
            is not positive.
    """
    if sample_rate <= 0:
        raise MetricError(f"{metric}: sample_rate must be positive, in Hz; got {sample_rate}")
    for name, waveform in (("reference", reference), ("estimate", estimate)):
        if waveform.ndim != 1:
            raise MetricError(
                f"{metric}: {name} must have the shape [time]; got {list(waveform.shape)}; score each channel by itself"
            )
        if not np.issubdtype(waveform.dtype, np.floating):
            raise MetricError(
                f"{metric}: {name} must hold floats with full scale ±1; got {waveform.dtype}; "
                f"divide integers by their full scale, such as 32768"
            )
        if waveform.size == 0:
            raise MetricError(f"{metric}: {name} is empty")
        if not np.isfinite(waveform).all():
            raise MetricError(f"{metric}: {name} holds NaN or Inf")
    if reference.size != estimate.size:
        raise MetricError(
            f"{metric}: reference and estimate must have the same length; got {reference.size} and {estimate.size} "
            f"samples; align and cut them first"
        )
    return reference.astype(np.float64), estimate.astype(np.float64)


def refuse_silence(reference: np.ndarray, estimate: np.ndarray, *, metric: str) -> None:
    """Raises `MetricError` if one of the two is silent, for a metric that compares shapes and not levels.

    Args:
        reference: clean waveform `[time]`.
        estimate: waveform `[time]` to be scored.
        metric: name of the metric, for the message.

    Raises:
        MetricError: if all samples of one are 0.
    """
    for name, waveform in (("reference", reference), ("estimate", estimate)):
        if not waveform.any():
            raise MetricError(f"{metric} is not defined: {name} is silent")
