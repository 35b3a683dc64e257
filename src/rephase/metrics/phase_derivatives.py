"""IP, GD and IAF errors: the phase itself, its group delay and its instantaneous angular frequency, all unweighted.

    IP = mean f(φ̂ − φ),   GD = mean f(∂_k φ̂ − ∂_k φ),   IAF = mean f(∂_t φ̂ − ∂_t φ)      in radians, 0 … π

with ∂_k and ∂_t the differences to the next frequency and frame (Ai & Ling, arXiv:2211.15974). A delay of d samples
turns bin k of N by −2πkd / N: its GD error is 2π|d| / N for every bin, and its IAF error 0. Every bin counts alike,
the silent ones too; PD and WOPD weigh by magnitude.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Shaped

from rephase.metrics.phase_errors import Block, distance, error_blocks, with_frame_before


def ip_rad(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Error of the instantaneous phase; arguments, result and errors are those of `gd_rad`."""
    blocks = error_blocks(reference, estimate, sample_rate, metric="ip_rad")
    return _mean([distance(error) for error, _ in blocks])


def gd_rad(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Error of the group delay; a rotation of the whole spectrum doesn't change it.

    Args:
        reference: clean waveform `[time]`, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.

    Returns:
        Radians, 0 … π; π/2 for a phase drawn at random.

    Raises:
        MetricError: if the pair can't be scored: too short, of two lengths, or one is silent.
    """
    return _mean_of_differences(error_blocks(reference, estimate, sample_rate, metric="gd_rad"), axis=1)


def iaf_rad(*, reference: Shaped[np.ndarray, "..."], estimate: Shaped[np.ndarray, "..."], sample_rate: int) -> float:
    """Error of the instantaneous angular frequency; arguments, result and errors are those of `gd_rad`."""
    blocks = error_blocks(reference, estimate, sample_rate, metric="iaf_rad")
    return _mean_of_differences(with_frame_before(blocks), axis=0)


def _mean_of_differences(blocks: Iterable[Block], axis: int) -> float:
    return _mean([distance(np.diff(error, axis=axis)) for error, _ in blocks])


def _mean(distances: list[np.ndarray]) -> float:
    return sum(float(part.sum()) for part in distances) / sum(part.size for part in distances)
