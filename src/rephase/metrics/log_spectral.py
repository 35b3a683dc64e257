"""LSD, log-spectral distance: how far the estimate's spectrum lies from the reference's, in decades of power.

    LSD = mean over frames of √( mean over bins of (log₁₀(|S|² + 1e-8) − log₁₀(|Ŝ|² + 1e-8))² )

with |S|² as in `rephase.metrics.spectra` and full scale ±1, so that the floor 1e-8 stands for one level. A gain of
g dB alone gives |g| / 10.

Source: Gray and Markel, "Distance Measures for Speech Processing", IEEE TASSP 24(5), 1976.
"""

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import checked_pair
from rephase.metrics.spectra import bins_within, power_blocks

FLOOR = 1e-8


def lsd(
    *,
    reference: Shaped[np.ndarray, "..."],
    estimate: Shaped[np.ndarray, "..."],
    sample_rate: int,
    band_hz: tuple[int | float, int | float] | None = None,
) -> float:
    """Log-spectral distance; it depends on the level of both waveforms.

    Args:
        reference: clean waveform `[time]`, full scale ±1, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.
        band_hz: lower and upper edge, Hz, to take the mean over the bins of a band alone; the upper one is outside,
            unless it is half the rate.

    Returns:
        Decades of power, 0 (equal magnitudes) or more.

    Raises:
        MetricError: if the pair can't be scored: too short, the lengths differ, or there is no such band.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="lsd")
    bins = slice(None) if band_hz is None else bins_within(band_hz, sample_rate, metric="lsd")
    distances = [
        np.sqrt(np.mean((np.log10(clean[:, bins] + FLOOR) - np.log10(other[:, bins] + FLOOR)) ** 2, axis=-1))
        for clean, other in zip(
            power_blocks(reference, sample_rate, metric="lsd"), power_blocks(estimate, sample_rate, metric="lsd")
        )
    ]
    return float(np.mean(np.concatenate(distances)))
