"""Decoded frames as one unbroken stream of samples that stays on the file's clock.

A frame says when it is heard. Let o[k] be that time in samples, less the number of samples decoded before frame k: it
is constant where nothing is missing, jitters by the ticks of the container's clock, steps up where something is missing
and down where something is there twice. A step is taken for true where it lasts: for the next `LOOKAHEAD` frames, or up
to the end. Then silence fills a gap, and samples are left out of an overlap, so that sample n of the stream lies at
start + n / rate, within the jitter, however long the file is.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from rephase.errors import RephaseError

LOOKAHEAD = 8  # frames
TOLERANCE_SECONDS = 0.005
LONGEST_GAP_SECONDS = 3600
LONGEST_LEAP_SECONDS = 10  # between each of many frames; codecs that pause in silence send one a second at least
SILENCE_AT_ONCE = 65_536  # samples


class GapError(RephaseError):
    """A gap that is too long to be filled."""


class Timeline:
    """Puts frames in their place.

    Args:
        start: time of the first sample, s.
        sample_rate: Hz.
        tick: of the clock that times the frames, s.

    Attributes:
        filled: samples of silence that filled gaps.
        dropped: samples that were left out of overlaps.
    """

    def __init__(self, start: float, sample_rate: int, tick: float) -> None:
        self._rate = sample_rate
        self._tolerance = max(2 * tick, TOLERANCE_SECONDS) * sample_rate
        self._shift = start * sample_rate  # o[k] of what was given out last
        self._decoded = 0
        self._waiting: deque[tuple[float, np.ndarray]] = deque()
        self._to_drop = 0
        self.filled = self.dropped = 0

    def push(
        self, block: Float[np.ndarray, "channels time"], time: float | None
    ) -> Iterator[Float[np.ndarray, "channels _"]]:
        """Takes the next frame.

        Args:
            block: its samples.
            time: when it is heard, s; None if the file doesn't say, it then follows the one before.

        Yields:
            Blocks that are ready, in order.

        Raises:
            GapError: if nothing is there for more than an hour, or between all frames for more than ten seconds.
        """
        last = self._waiting[-1][0] if self._waiting else self._shift
        offset = last if time is None else time * self._rate - self._decoded
        self._decoded += block.shape[1]
        self._waiting.append((offset, block))
        if len(self._waiting) > LOOKAHEAD:
            yield from self._next()

    def flush(self) -> Iterator[Float[np.ndarray, "channels _"]]:
        """Ends the stream.

        Yields:
            The rest.
        """
        while self._waiting:
            yield from self._next()

    def _next(self) -> Iterator[np.ndarray]:
        steps = [offset - self._shift for offset, _ in self._waiting]
        _, block = self._waiting.popleft()
        self._check_pace(steps)
        if min(steps) > self._tolerance or max(steps) < -self._tolerance:
            alike = [step for step in steps if abs(step - steps[0]) <= self._tolerance]
            step = round(float(np.median(alike)))
            self._shift += step
            missing = step - self._to_drop  # what is still to be left out fills a part of a gap
            self._to_drop = max(-missing, 0)
            yield from self._silence(max(missing, 0), block)
        if self._to_drop:
            dropped = min(self._to_drop, block.shape[1])
            self._to_drop -= dropped
            self.dropped += dropped
            block = block[:, dropped:]
        yield block

    def _check_pace(self, steps: list[float]) -> None:
        """Refuses a clock that runs too fast: a header of a few bytes would make a day of silence out of a second."""
        leaps = np.diff(steps) / self._rate
        if leaps.size >= LOOKAHEAD and leaps.min() > LONGEST_LEAP_SECONDS:
            raise GapError(f"one frame is heard {leaps.min():.0f} s after the other")

    def _silence(self, length: int, like: np.ndarray) -> Iterator[np.ndarray]:
        if length > LONGEST_GAP_SECONDS * self._rate:
            raise GapError(f"nothing is there for {length / self._rate:.0f} s")
        self.filled += length
        while length:
            size = min(length, SILENCE_AT_ONCE)
            yield np.zeros((len(like), size), like.dtype)
            length -= size
