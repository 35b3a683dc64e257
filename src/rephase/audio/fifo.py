"""A first-in-first-out queue of samples: the delay line between stages that answer at different times."""

from collections import deque

import numpy as np
from jaxtyping import Shaped


class SampleQueue:
    """Blocks of samples go in at one end; any number of samples comes out at the other, in order.

    Adding costs the same however much waits, so tiny blocks are fine.

    Example:
        >>> queue = SampleQueue(channels=1, dtype=np.float32)
        >>> queue.append(np.arange(5, dtype=np.float32)[None])
        >>> queue.take(2), len(queue)
        (array([[0., 1.]], dtype=float32), 3)
    """

    def __init__(self, channels: int, dtype: np.typing.DTypeLike = np.float32) -> None:
        self._empty = np.zeros((channels, 0), dtype)
        self._blocks: deque[np.ndarray] = deque()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, block: Shaped[np.ndarray, "channels time"]) -> None:
        """Adds samples at the end; the block is kept, not copied.

        Args:
            block: samples; nobody may write into it afterwards.
        """
        if block.shape[1]:
            self._blocks.append(block)
            self._length += block.shape[1]

    def take(self, length: int | None = None) -> Shaped[np.ndarray, "channels length"]:
        """Removes samples from the front.

        Args:
            length: how many, at most what waits; all by default.

        Returns:
            The oldest samples.
        """
        length = self._length if length is None else length
        assert 0 <= length <= self._length, f"{length} of {self._length} samples"
        parts = []
        missing = length
        while missing:
            block = self._blocks.popleft()
            if block.shape[1] > missing:
                self._blocks.appendleft(block[:, missing:])
                block = block[:, :missing]
            parts.append(block)
            missing -= block.shape[1]
        self._length -= length
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts, axis=1) if parts else self._empty
