"""A look-ahead limiter for outputs that hold no more than full scale: it acts only where the result would clip.

For a sample x the largest gain that keeps it is r = min(1, top / |x|), over all channels. With a window of W samples,
the smallest r in reach, averaged over the window, is a smooth gain that is never above r:

    m[n] = min r[n−W+1 … n],   g[n] = mean m[n … n+W−1]  ≤  r[n]

since each of those windows holds n. Where no sample in reach is too large, g is exactly 1 and the signal is untouched.
"""

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from rephase.audio.fifo import SampleQueue

WINDOW_SECONDS = 0.005


class Limiter:
    """Keeps a stream within full scale.

    Args:
        sample_rate: Hz.
        channels: rows of every block.
        top: largest positive sample that fits; the most negative one is −1. Integers of b bits hold 1 − 2^(1−b).
        dtype: of every block.

    Attributes:
        limited: number of samples that would not have fitted.
    """

    def __init__(
        self, sample_rate: int, channels: int, top: float = 1.0, dtype: np.typing.DTypeLike = np.float32
    ) -> None:
        self.limited = 0
        self._top = top
        self._reach = max(1, round(WINDOW_SECONDS * sample_rate)) - 1
        self._waiting = SampleQueue(channels, dtype)
        self._room = SampleQueue(1, np.float64)  # the gain r; `reach` older values lead what waits
        self._room.append(np.ones((1, self._reach)))

    def push(self, block: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, "channels out"]:
        """Takes the next samples.

        Args:
            block: samples, full scale ±1.

        Returns:
            Samples that fit; the last 5 ms are held back until more follows.
        """
        self._waiting.append(block)
        self._room.append(self._room_of(block)[None])
        return self._ready(max(0, len(self._waiting) - self._reach))

    def flush(self) -> Float[np.ndarray, "channels out"]:
        """Ends the stream.

        Returns:
            The rest.
        """
        self._room.append(np.ones((1, self._reach)))
        return self._ready(len(self._waiting))

    def _room_of(self, block: np.ndarray) -> np.ndarray:
        if block.max(initial=0) <= self._top and block.min(initial=0) >= -1:  # as nearly always: seen at once
            return np.ones(block.shape[1])
        excess = np.maximum(block.max(axis=0) / self._top, -block.min(axis=0)).astype(np.float64)
        self.limited += int(np.count_nonzero(excess > 1))
        return 1 / np.maximum(excess, 1)

    def _ready(self, count: int) -> np.ndarray:
        block = self._waiting.take(count)
        if not count:
            return block
        room = self._room.take()
        self._room.append(room[:, count:])
        reached = room[0, : count + 2 * self._reach]
        if reached.min() == 1:
            return block
        lowest = sliding_window_view(reached, self._reach + 1).min(axis=-1)
        gain = sliding_window_view(lowest, self._reach + 1).mean(axis=-1)
        return np.clip(block * gain, -1, self._top).astype(block.dtype)
