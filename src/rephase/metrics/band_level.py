"""Band level: how much louder the estimate is than the reference within a band; below 0 dB, speech went with the noise.

    L = 10 log₁₀( Σ |Ŝ|² / Σ |S|² )      over all frames and the bins with low ≤ f < high

with |S|² as in `rephase.metrics.spectra`. A gain of g dB gives g in every band. Noise that stays raises the level, so
read it where there is little of it.
"""

import math

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.inputs import MetricError, checked_pair
from rephase.metrics.spectra import bins_within, power_blocks


def band_level_db(
    *,
    reference: Shaped[np.ndarray, "..."],
    estimate: Shaped[np.ndarray, "..."],
    sample_rate: int,
    band_hz: tuple[int | float, int | float],
) -> float:
    """Energy of the estimate over that of the reference in a band.

    Args:
        reference: clean waveform `[time]`, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.
        band_hz: lower and upper edge, Hz; the upper one is outside, unless it is half the rate.

    Returns:
        dB; −inf if the estimate holds nothing in the band.

    Raises:
        MetricError: if the band is empty or beyond half the rate, the reference holds nothing in it, or the waveforms
            can't be compared.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="band_level_db")
    inside = bins_within(band_hz, sample_rate, metric="band_level_db")
    clean, other = (
        sum(float(power[:, inside].sum()) for power in power_blocks(waveform, sample_rate, metric="band_level_db"))
        for waveform in (reference, estimate)
    )
    if clean == 0:
        raise MetricError(
            f"band_level_db is not defined: reference holds nothing from {band_hz[0]:g} to {band_hz[1]:g} Hz"
        )
    return 10 * math.log10(other / clean) if other > 0 else -math.inf
