"""What the phase metrics share: the wrapped difference of two phases beside the clean magnitude.

    Δ = arg(Ŝ S*) ∈ (−π, π],      f(x) = |x − 2π round(x / 2π)|

Differences of Δ along frequency and time are those of the two phases' own differences, up to whole turns, which f takes
away: f(∂φ̂ − ∂φ) = f(∂Δ). S is the uncompressed spectrum of `rephase.metrics.spectra`. A spectrum of exactly 0 has the
phase 0: what an estimate leaves out where the reference sounds is as wrong as a phase drawn at random, not right.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float64

from rephase.metrics.inputs import checked_pair, refuse_silence
from rephase.metrics.spectra import spectrum_blocks

Block = tuple[Float64[np.ndarray, "_ _"], Float64[np.ndarray, "_ _"]]  # frames × freqs; blocks differ in frames


def distance(angle: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    """f(x), the distance on the circle: radians in 0 … π."""
    return np.abs(angle - 2 * np.pi * np.round(angle / (2 * np.pi)))


def error_blocks(reference: np.ndarray, estimate: np.ndarray, sample_rate: int, *, metric: str) -> Iterator[Block]:
    """Yields phase errors Δ and clean magnitudes |S|, a block of frames at a time.

    Args:
        reference: clean waveform `[time]`, at least 25 ms.
        estimate: waveform `[time]` to be scored.
        sample_rate: of both, Hz.
        metric: name of the metric, for the message.

    Yields:
        Δ in radians, and |S|.

    Raises:
        MetricError: if the pair can't be scored: too short, of two lengths, or one is silent.
    """
    reference, estimate = checked_pair(reference, estimate, sample_rate, metric=metric)
    refuse_silence(reference=reference, estimate=estimate, metric=metric)
    for clean, other in zip(
        spectrum_blocks(reference, sample_rate, metric=metric), spectrum_blocks(estimate, sample_rate, metric=metric)
    ):
        # Not the product alone: 0 times a number has a sign, and its angle is 0 or π by chance.
        product = np.where(other == 0, 1, other) * np.where(clean == 0, 1, clean).conj()
        yield np.angle(product), np.abs(clean)


def with_frame_before(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yields blocks that begin with the last frame of the one before, so that every pair of frames lies in one block.

    Args:
        blocks: of frames, in order.

    Yields:
        The first block as it is, and each later one with one frame more.
    """
    before: Block | None = None
    for block in blocks:
        yield (
            block if before is None else (np.concatenate([before[0], block[0]]), np.concatenate([before[1], block[1]]))
        )
        before = block[0][-1:], block[1][-1:]
