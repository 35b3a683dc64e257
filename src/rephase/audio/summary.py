"""What a recording sounds like, in three figures: its peak, its RMS level and how far up its spectrum reaches.

The effective bandwidth is where the long-term power spectrum is last within 65 dB of its strongest part (Welch, 1967,
without overlap; Kaiser windows, whose side lobes lie below −100 dB; averaged over frames and channels). Speech falls by
30 to 50 dB up to 8 kHz, a resampler or a codec by 80 dB within a few hundred Hz, and 16 bits of quantisation noise lie
about 90 dB below.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

FRAME = 2048
LOWEST_HZ = 50.0  # hum and offset say nothing about the band
RANGE_DB = 65.0
KAISER_BETA = 14.0


@dataclass(frozen=True)
class Summary:
    """Levels in dB of full scale, −inf for digital silence; the bandwidth in Hz, 0 for digital silence."""

    peak_db: float
    rms_db: float
    bandwidth_hz: float


def summarise(blocks: Iterable[Float[np.ndarray, "channels _"]], sample_rate: int) -> Summary:
    """Measures a recording in one pass, in bounded memory.

    Args:
        blocks: its samples in pieces of any length, [channels, time], full scale ±1.
        sample_rate: Hz.

    Returns:
        Its peak and RMS level over all channels, and its effective bandwidth.
    """
    peak, energy, samples = 0.0, 0.0, 0
    power = np.zeros(FRAME // 2 + 1)
    rest: np.ndarray | None = None
    for block in blocks:
        peak = max(peak, float(np.abs(block).max(initial=0.0)))
        energy += float(np.square(block, dtype=np.float64).sum())
        samples += block.size
        rest = block if rest is None else np.concatenate([rest, block], axis=1)
        whole = rest.shape[1] // FRAME * FRAME
        power += _power(rest[:, :whole])
        rest = rest[:, whole:]
    if rest is not None and not power.any():  # shorter than a frame; else the last piece, cut off hard, would splatter
        tapered = rest * np.kaiser(rest.shape[1], KAISER_BETA)
        power += _power(np.pad(tapered, ((0, 0), (0, FRAME - rest.shape[1]))))
    mean_square = energy / samples if samples else 0.0
    return Summary(
        peak_db=20 * np.log10(peak) if peak else -np.inf,
        rms_db=10 * np.log10(mean_square) if mean_square else -np.inf,
        bandwidth_hz=_bandwidth_hz(power, sample_rate),
    )


def _power(samples: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, " freqs"]:
    """Power per bin, summed over channels and over frames of FRAME samples."""
    frames = samples.reshape(-1, FRAME) * np.kaiser(FRAME, KAISER_BETA)
    return np.square(np.abs(np.fft.rfft(frames))).sum(axis=0)


def _bandwidth_hz(power: Float[np.ndarray, " freqs"], sample_rate: int) -> float:
    """The upper edge of the last bin within RANGE_DB of the strongest, at most the Nyquist frequency."""
    lowest = int(np.ceil(LOWEST_HZ * FRAME / sample_rate))
    band = power[lowest:]
    if not band.any():
        return 0.0
    last = lowest + np.flatnonzero(band >= band.max() * 10 ** (-RANGE_DB / 10))[-1]
    return float(min((last + 0.5) * sample_rate / FRAME, sample_rate / 2))
