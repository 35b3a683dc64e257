"""WSS, weighted spectral slope: how the slopes of a spectrum from band to band differ, most near its peaks.

In each frame, with E_b the energy in dB in 25 critical bands up to 3.8 kHz and slopes d_b = E_{b+1} − E_b,

    WSS = Σ_b W_b (d̂_b − d_b)² / Σ_b W_b,      W = (w(E) + w(Ê)) / 2
    w_b(E) = 20 / (20 + max E − E_b) · 1 / (1 + E_peak(b) − E_b)

where E_peak(b) is the peak that the slope leads to; the mean is taken over the 95 % of frames with the least. As in Hu
and Loizou's `composite.m`, samples are divided by 32768 although their full scale is ±1, and energies are floored at
1e-10: the floor then lies some 30 to 40 dB below loud speech, so WSS depends on the level.

Sources: Klatt, "Prediction of Perceived Phonetic Distance from Critical-Band Spectra", ICASSP 1982; Hu and Loizou,
2008.
"""

import numpy as np
from jaxtyping import Float64, Shaped

from rephase.metrics.inputs import checked_pair
from rephase.metrics.loizou_frames import loizou_frames, mean_of_least

# Centres and widths of the critical bands, Hz.
CENTRES = [
    50.0, 120.0, 190.0, 260.0, 330.0, 400.0, 470.0, 540.0, 617.372, 703.378, 798.717, 904.128, 1020.38, 1148.30,
    1288.72, 1442.54, 1610.70, 1794.16, 1993.93, 2211.08, 2446.71, 2701.97, 2978.04, 3276.17, 3597.63,
]  # fmt: skip
WIDTHS = [
    70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 70.0, 77.3724, 86.0056, 95.3398, 105.411, 116.256, 127.914, 140.423, 153.823,
    168.154, 183.457, 199.776, 217.153, 235.631, 255.255, 276.072, 298.126, 321.465, 346.136,
]  # fmt: skip
SCALE = 32768
FLOOR = 1e-10


def wss(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Weighted spectral slope distance; it depends on the level through its floor.

    Args:
        reference: clean waveform `[time]`, full scale ±1, at least 37.5 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz, 8,000 or more.

    Returns:
        dB², 0 (equal slopes) or more; about 100 is bad.

    Raises:
        MetricError: if the pair can't be scored: too short, or the lengths differ.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric="wss")
    clean, other = (
        _band_levels(loizou_frames(waveform, sample_rate, metric="wss"), sample_rate)
        for waveform in (reference, estimate)
    )
    weight = (_weights(clean) + _weights(other)) / 2
    difference = np.diff(clean) - np.diff(other)
    return mean_of_least(np.sum(weight * difference**2, axis=1) / np.sum(weight, axis=1))


def _band_levels(frames: Float64[np.ndarray, "frames window"], sample_rate: int) -> Float64[np.ndarray, "frames bands"]:
    """E in dB, under Gaussian filters of equal sums that end 30 dB down."""
    n_fft = 1 << int(np.ceil(np.log2(2 * frames.shape[1])))
    power = np.abs(np.fft.rfft(frames / SCALE, n_fft)[:, :-1]) ** 2
    per_hertz = n_fft / sample_rate
    centre, width = np.array(CENTRES)[:, None] * per_hertz, np.array(WIDTHS)[:, None] * per_hertz
    bins = np.arange(n_fft // 2)
    filters = np.exp(-11 * ((bins - np.floor(centre)) / width) ** 2) * (width[0] / width)
    filters[filters <= np.exp(-30 / (2 * 2.303))] = 0
    return 10 * np.log10(np.maximum(power @ filters.T, FLOOR))


def _weights(levels: Float64[np.ndarray, "frames bands"]) -> Float64[np.ndarray, "frames slopes"]:
    below = levels[:, :-1]
    overall = 20 / (20 + levels.max(axis=1, keepdims=True) - below)
    return overall / (1 + _peaks(levels) - below)


def _peaks(levels: Float64[np.ndarray, "frames bands"]) -> Float64[np.ndarray, "frames slopes"]:
    """The level of the last band before a rise ends, or of the first after a rise, as `composite.m` looks for them."""
    rises = np.diff(levels) > 0
    count = rises.shape[1]
    up, down = levels[:, :-1].copy(), levels[:, :-1].copy()
    for band in range(count - 2, -1, -1):
        up[:, band] = np.where(rises[:, band + 1], up[:, band + 1], up[:, band])
    for band in range(1, count):
        down[:, band] = np.where(rises[:, band - 1], down[:, band], down[:, band - 1])
    return np.where(rises, up, down)
