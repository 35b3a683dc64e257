"""Waveforms that users hand in: checked once, with an error that says the fix."""

import numpy as np
from jaxtyping import Float, Float64

from rephase.audio.checks import HIGHEST_RATE, LARGEST_SAMPLE, LOWEST_RATE, MOST_CHANNELS


def checked_rate(
    sample_rate: object,
    name: str = "sample_rate",
    fix: str = "Give the rate at which the samples were recorded, such as 16000",
) -> int:
    """Checks a sample rate.

    Args:
        sample_rate: Hz.
        name: of the argument, for the message.
        fix: what to do, for the message.

    Returns:
        The rate as int.

    Raises:
        ValueError: if it is no whole number of Hz from 4,000 to 768,000.
    """
    if isinstance(sample_rate, int | float | np.integer | np.floating):
        rate = float(sample_rate)
        if LOWEST_RATE <= rate <= HIGHEST_RATE and rate.is_integer():
            return int(rate)
    raise ValueError(
        f"{name} must be a whole number of Hz from {LOWEST_RATE} to {HIGHEST_RATE}; got {sample_rate!r}. {fix}"
    )


def checked_waveform(waveform: object) -> Float[np.ndarray, "channels time"]:
    """Checks a waveform.

    Args:
        waveform: `[time]` or `[channels, time]`, floats, full scale ±1.

    Returns:
        The same samples as `[channels, time]`, float64 if they were, else float32.

    Raises:
        ValueError: if it is no array, or its shape, its type or a sample is not what it must be.
    """
    if not isinstance(waveform, np.ndarray):
        kind = f"{type(waveform).__module__}.{type(waveform).__qualname__}".removeprefix("builtins.")
        fix = "tensor.numpy()" if hasattr(waveform, "numpy") else "numpy.asarray(...)"
        raise ValueError(f"waveform must be a numpy array; got {kind}. Pass {fix}")
    shape = waveform.shape
    if waveform.ndim not in (1, 2):
        raise ValueError(f"waveform must have the shape [time] or [channels, time]; got {list(shape)}")
    if waveform.size == 0:
        raise ValueError(f"waveform must hold at least one sample; got the shape {list(shape)}")
    if not np.issubdtype(waveform.dtype, np.floating):
        raise ValueError(f"waveform must hold floats, full scale ±1; got {waveform.dtype}. {_scaling(waveform.dtype)}")
    if waveform.ndim == 2 and shape[0] > MOST_CHANNELS:
        fix = "Pass waveform.T" if shape[1] <= MOST_CHANNELS else f"At most {MOST_CHANNELS} channels fit"
        raise ValueError(f"waveform must have the shape [channels, time]; got {list(shape)}. {fix}")
    samples = waveform.astype(np.float64 if waveform.dtype.itemsize > 4 else np.float32, copy=False)
    bad = ~(np.abs(samples) <= LARGEST_SAMPLE)  # true for NaN as well
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"waveform must hold finite samples, full scale ±1; got {waveform[index]} at {list(index)}. "
            f"Cut that part out or replace it"
        )
    return np.atleast_2d(samples)


def checked_strength(strength: float) -> float:
    """Checks a mixing ratio.

    Args:
        strength: 0 (the recording itself) to 1 (fully enhanced).

    Returns:
        The same.

    Raises:
        ValueError: if it lies outside.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be 0 (the recording itself) to 1 (fully enhanced); got {strength}")
    return float(strength)


def _scaling(dtype: np.dtype) -> str:
    if np.issubdtype(dtype, np.unsignedinteger):
        half = 2 ** (8 * dtype.itemsize - 1)
        return f"Scale it: (waveform.astype('float32') - {half}) / {half}"
    if np.issubdtype(dtype, np.integer):
        kind = "float64" if dtype.itemsize > 3 else "float32"
        return f"Scale it: waveform.astype('{kind}') / {2 ** (8 * dtype.itemsize - 1)}"
    return "Convert it to float32"


def whole_numbers(samples: Float[np.ndarray, "..."], bits: int) -> Float64[np.ndarray, "..."]:
    """The nearest integers of so many bits; full scale ±1 becomes ±2^(bits−1), cut off at the greatest there is.

    Args:
        samples: full scale ±1.
        bits: 8 to 32.

    Returns:
        Integers, as floats.

    >>> whole_numbers(np.array([-1.0, 0.5, 1.0]), 16)
    array([-32768.,  16384.,  32767.])
    """
    scale = 2.0 ** (bits - 1)
    return np.clip(np.rint(samples * scale, dtype=np.float64), -scale, scale - 1)
