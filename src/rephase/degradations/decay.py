"""How fast a room decays: T60 by Schroeder's backward integration (1965).

    E(t) = ∫_t^∞ h²(τ) dτ

The line through 10 log₁₀ E(t) from −5 to −25 dB (T20 of ISO 3382), drawn on to −60 dB.
"""

import numpy as np
from jaxtyping import Float


def decay_seconds(response: Float[np.ndarray, " time"], sample_rate: int) -> float:
    """T60 of a room response.

    Args:
        response: from before its strongest sample on.
        sample_rate: Hz.

    Returns:
        Seconds; NaN where the response is too short to fall by 25 dB, or falls at once.

    >>> fall = 10 ** (-3 * np.arange(16000) / 8000)  # 60 dB in half a second
    >>> round(decay_seconds(fall, 16000), 3)
    0.5
    """
    energy = np.cumsum(response[::-1].astype(np.float64) ** 2)[::-1]
    level = 10 * np.log10(energy / max(energy[0], 1e-300) + 1e-30)
    first, last = int(np.argmax(level < -5)), int(np.argmax(level < -25))
    if last - first < 8:
        return float("nan")
    slope, _ = np.polyfit(np.arange(first, last) / sample_rate, level[first:last], 1)
    return float(-60 / slope)
