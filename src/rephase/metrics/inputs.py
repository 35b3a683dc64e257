"""What every metric takes: two recordings of equal length that can be compared, or a reason why they can't.

A metric that has no value for a pair raises `MetricError` with the reason. It never gives 0, which would be a score.
"""

import numpy as np

from rephase.errors import RephaseError


class MetricError(RephaseError):
    """A metric has no value for this pair; the message says why."""


def checked_waveform(waveform: np.ndarray, sample_rate: int, *, name: str, metric: str) -> np.ndarray:
    """Checks one waveform that a metric was given.

    Args:
        waveform: `[time]`.
        sample_rate: of it, Hz.
        name: of the argument, for the message.
        metric: name of the metric, for the message.

    Returns:
        The waveform as float64.

    Raises:
        MetricError: if it is not `[time]`, is no float, is empty or holds NaN or Inf, or the rate is not positive.
    """
    if sample_rate <= 0:
        raise MetricError(f"{metric}: sample_rate must be positive, in Hz; got {sample_rate}")
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
    return waveform.astype(np.float64)


def checked_pair(
    reference: np.ndarray, estimate: np.ndarray, sample_rate: int, *, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Checks what a metric of two waveforms was given.

    Args:
        reference: clean waveform `[time]`.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.
        metric: name of the metric, for the message.

    Returns:
        Both as float64.

    Raises:
        MetricError: as `checked_waveform`, or if the lengths differ.
    """
    reference = checked_waveform(reference, sample_rate, name="reference", metric=metric)
    estimate = checked_waveform(estimate, sample_rate, name="estimate", metric=metric)
    if reference.size != estimate.size:
        raise MetricError(
            f"{metric}: reference and estimate must have the same length; got {reference.size} and {estimate.size} "
            f"samples; align and cut them first"
        )
    return reference, estimate


def refuse_silence(*, metric: str, **waveforms: np.ndarray) -> None:
    """Raises `MetricError` if a waveform is silent, for a metric that compares shapes and not levels.

    Args:
        metric: name of the metric, for the message.
        waveforms: `[time]`, by their names for the message.

    Raises:
        MetricError: if all samples of one are 0.
    """
    for name, waveform in waveforms.items():
        if not waveform.any():
            raise MetricError(f"{metric} is not defined: {name} is silent")
