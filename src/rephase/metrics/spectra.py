"""The spectra that spectral metrics compare: Hann windows of 25 ms every 6.25 ms (400 and 100 samples at 16 kHz).

Frame t is centred on sample 100 t; at both ends the waveform is mirrored (its first and last sample once).
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Complex128, Float

from rephase.metrics.inputs import MetricError

FRAMES_PER_BLOCK = 1024  # keeps memory flat for long recordings


def frame_sizes(sample_rate: int) -> tuple[int, int]:
    """Window and step at a rate.

    Args:
        sample_rate: Hz.

    Returns:
        `win_length` (even) and `hop_length`, samples.
    """
    return 2 * round(0.0125 * sample_rate), round(0.00625 * sample_rate)


def spectrum_blocks(
    waveform: Float[np.ndarray, " time"], sample_rate: int, *, metric: str
) -> Iterator[Complex128[np.ndarray, "frames freqs"]]:
    """Yields the STFT, a block of frames at a time.

    Args:
        waveform: full scale ±1, at least a window long.
        sample_rate: Hz.
        metric: name of the metric, for the message.

    Yields:
        Spectra, freqs = win_length // 2 + 1; all blocks together hold 1 + time // hop_length frames.

    Raises:
        MetricError: if the waveform is shorter than a window.
    """
    win_length, hop_length = frame_sizes(sample_rate)
    if waveform.size < win_length:
        raise MetricError(f"{metric} needs at least {win_length} samples (25 ms); got {waveform.size}")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win_length) / win_length)
    padded = np.pad(waveform, win_length // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, win_length)[::hop_length]
    for start in range(0, len(frames), FRAMES_PER_BLOCK):
        yield np.fft.rfft(frames[start : start + FRAMES_PER_BLOCK] * window)


def power_blocks(
    waveform: Float[np.ndarray, " time"], sample_rate: int, *, metric: str
) -> Iterator[Float[np.ndarray, "frames freqs"]]:
    """Yields |STFT|², a block of frames at a time; arguments and errors are those of `spectrum_blocks`."""
    for spectrum in spectrum_blocks(waveform, sample_rate, metric=metric):
        yield np.abs(spectrum) ** 2


def bin_frequencies(sample_rate: int) -> Float[np.ndarray, " freqs"]:
    """Centre of each bin.

    Args:
        sample_rate: Hz.

    Returns:
        Hz, from 0 to half the rate.
    """
    return np.fft.rfftfreq(frame_sizes(sample_rate)[0], 1 / sample_rate)


def bins_within(
    band_hz: tuple[int | float, int | float], sample_rate: int, *, metric: str
) -> Bool[np.ndarray, " freqs"]:
    """Which bins lie in a band.

    Args:
        band_hz: lower and upper edge, Hz; the upper one is outside, unless it is half the rate.
        sample_rate: Hz.
        metric: name of the metric, for the message.

    Returns:
        A mask of the bins.

    Raises:
        MetricError: if the band is empty or beyond half the rate.
    """
    low, high = band_hz
    frequencies = bin_frequencies(sample_rate)
    inside = (frequencies >= low) & (frequencies < high)
    if high == sample_rate / 2:
        inside[-1] = True
    if not 0 <= low < high <= sample_rate / 2 or not inside.any():
        raise MetricError(
            f"{metric}: band_hz must be two rising edges from 0 to {sample_rate / 2:g} Hz, at least 40 Hz apart; "
            f"got {low:g} and {high:g}"
        )
    return inside
