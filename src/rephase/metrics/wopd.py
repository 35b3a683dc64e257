"""WOPD, weighted omnidirectional phase distance: errors of the phase and of its differences to all eight neighbours.

    WOPD = 1/9 Σ_d  Σ |S| f(∂_d φ̂ − ∂_d φ) / Σ |S|      in radians, 0 … π

with d the identity and the differences φ[k, t] − φ[k + i, t + j] for i, j ∈ {−1, 0, 1}, not both 0; |S| is taken at
[k, t], and a direction's sums run over the places that have that neighbour. (The phase loss of Wang et al.,
arXiv:2602.08556, as a metric.) A rotation of the whole spectrum by θ changes the identity alone: WOPD = f(θ) / 9.
"""

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.phase_errors import distance, error_blocks, with_frame_before


def wopd_rad(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Weighted omnidirectional phase distance; the level of neither waveform matters.

    Args:
        reference: clean waveform `[time]`, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        Radians, 0 … π.

    Raises:
        MetricError: if the pair can't be scored: too short, of two lengths, or one is silent.
    """
    total, weight = np.zeros((3, 3)), np.zeros((3, 3))  # by i and j, each with 1 added

    def add(direction: tuple[int, int], difference: np.ndarray, magnitude: np.ndarray) -> None:
        total[direction] += np.sum(magnitude * distance(difference))
        weight[direction] += np.sum(magnitude)

    blocks = list(error_blocks(reference, estimate, sample_rate, metric="wopd_rad"))
    for error, magnitude in blocks:
        add((1, 1), error, magnitude)
        along = np.diff(error, axis=1)
        add((0, 1), along, magnitude[:, 1:])
        add((2, 1), along, magnitude[:, :-1])
    for error, magnitude in with_frame_before(blocks):
        freqs = error.shape[1]
        for i in (-1, 0, 1):
            low, high = max(0, -i), min(freqs, freqs - i)
            now, later = np.s_[:-1, low:high], np.s_[1:, low + i : high + i]
            difference = error[later] - error[now]
            add((1 + i, 2), difference, magnitude[now])
            add((1 - i, 0), difference, magnitude[later])
    return float(np.mean(total / weight))
