"""The frames that segmental SNR, LLR and WSS share: those of Hu and Loizou's `composite.m`.

30 ms under a Hann window without its zeros, w[n] = (1 − cos(2π(n + 1) / (N + 1))) / 2, every 7.5 ms; a last frame that
would fit to the sample is left out, as there. LLR and WSS are means over the 95 % of frames with the least distance.

Source: Loizou, "Speech Enhancement: Theory and Practice", CRC Press 2007 and 2013, whose disc holds `composite.m`.
"""

import numpy as np
from jaxtyping import Float64

from rephase.metrics.inputs import MetricError

SHARE_KEPT = 0.95


def loizou_frames(
    waveform: Float64[np.ndarray, " time"], sample_rate: int, *, metric: str
) -> Float64[np.ndarray, "frames window"]:
    """Windowed frames.

    Args:
        waveform: full scale ±1.
        sample_rate: Hz.
        metric: name of the metric, for the message.

    Returns:
        One row a frame.

    Raises:
        MetricError: if there is no whole frame.
    """
    length = round(0.03 * sample_rate)
    step = length // 4
    count = (waveform.size - length) // step
    if count < 1:
        raise MetricError(f"{metric} needs at least {length + step} samples (37.5 ms); got {waveform.size}")
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, length + 1) / (length + 1)))
    return np.lib.stride_tricks.sliding_window_view(waveform, length)[::step][:count] * window


def mean_of_least(distances: Float64[np.ndarray, " frames"]) -> float:
    """The mean of the 95 % least distances, of one at least."""
    return float(np.mean(np.sort(distances)[: max(1, round(SHARE_KEPT * distances.size))]))
