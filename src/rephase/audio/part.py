"""A part of a recording is enhanced, the rest stays bit for bit.

The stage hears some seconds before and after the part, so that inside the part it gives about what it would give on the
whole recording, and over 20 ms at each of the part's edges one is faded into the other:

    recording   ──────────┤start                     end├──────────
    the stage hears   ├ 10 s ┤      the part       ├ 2 s ┤
    weight      0 0 0 0 0 0 ╱‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾╲ 0 0 0 0 0 0

The fades lie inside the part: outside nothing is touched, not even rounded. Where the part begins or ends with the
recording there is nothing to fade into.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from rephase.audio.fifo import SampleQueue
from rephase.audio.stages import Stage
from rephase.errors import AudioFileError

FADE_SECONDS = 0.02
HEARD_BEFORE_SECONDS = 10.0  # the level tracker remembers 4 s, and a network looks back a second or two
HEARD_AFTER_SECONDS = 2.0
# The stage begins on a multiple of it, which is one of the frame steps of 16 and 6.25 ms itself: frames then lie where
# they lie in the whole, and in the part the result is the same but for the level's memory.
STEP_SECONDS = 0.4


@dataclass(frozen=True)
class Part:
    """From where to where a recording is enhanced.

    Attributes:
        start: seconds from its beginning.
        end: seconds from its beginning; its end if None.

    Raises:
        ValueError: if it is empty or begins before the recording.
    """

    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.start < float("inf"):
            raise ValueError(f"start (--start) must be 0 s or more; got {self.start}")
        if self.end is not None and not self.start < self.end < float("inf"):
            raise ValueError(f"end (--end) must lie after the start, {self.start:g} s; got {self.end:g}")

    def within(self, seconds: float, path: Path) -> "Part":
        """The same part, without an end if it reaches to the recording's.

        Args:
            seconds: duration of the recording.
            path: of the recording, for the message.

        Returns:
            The part.

        Raises:
            AudioFileError: if the recording ends before it begins.
        """
        if self.start >= seconds:
            raise AudioFileError(
                f"the part begins at {self.start:g} s, but the recording ends at {seconds:.3f} s; {path}; "
                f"choose an earlier --start"
            )
        return self if self.end is None or self.end < seconds else Part(self.start)


class PartStream:
    """Sends a part of a stream through a stage and leaves the rest as it is.

    Args:
        stage: what enhances.
        part: what is enhanced.
        sample_rate: of the stream, Hz.
        channels: rows of every block.
        dtype: float32 or float64, of every block.
    """

    def __init__(
        self,
        stage: Stage,
        part: Part,
        sample_rate: int,
        channels: int,
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        self._stage: Stage | None = stage  # None once it has given all
        self._start = round(part.start * sample_rate)
        self._end = sys.maxsize if part.end is None else max(round(part.end * sample_rate), self._start + 1)
        step = round(STEP_SECONDS * sample_rate)
        self._first_heard = max(0, self._start - round(HEARD_BEFORE_SECONDS * sample_rate)) // step * step
        self._last_heard = min(sys.maxsize, self._end + round(HEARD_AFTER_SECONDS * sample_rate))
        self._fade = max(1, min(round(FADE_SECONDS * sample_rate), (self._end - self._start) // 2))
        self._taken = 0
        self._given = 0
        self._from_stage = self._first_heard  # position of the next sample that the stage gives
        self._dry = SampleQueue(channels, dtype)  # what has not been given
        self._none = np.zeros((channels, 0), dtype)

    def push(self, block: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, "channels out"]:
        """Takes the next samples.

        Args:
            block: of the stream.

        Returns:
            What is ready: before the part and after it at once, within it as the stage gives it.
        """
        block = np.array(block)  # a copy: it may wait while the caller fills the array anew
        first, self._taken = self._taken, self._taken + block.shape[1]
        self._dry.append(block)
        out = [self._dry.take(max(0, min(self._taken, self._start) - self._given))]
        self._given += out[0].shape[1]
        if self._stage is not None:
            heard = block[:, max(0, self._first_heard - first) : max(0, self._last_heard - first)]
            out.append(self._mixed(self._stage.push(heard) if heard.shape[1] else self._none))
            if self._taken >= self._last_heard:
                out.append(self._ended())
        if self._stage is None:
            out.append(self._rest())
        return np.concatenate(out, axis=1)

    def flush(self) -> Float[np.ndarray, "channels out"]:
        """Ends the stream.

        Returns:
            The rest: all told as many samples as went in.
        """
        if self._stage is None:
            return self._rest()
        out = self._ended() if self._taken > self._first_heard else self._none
        return np.concatenate([out, self._rest()], axis=1)

    def _ended(self) -> np.ndarray:
        assert self._stage is not None
        stage, self._stage = self._stage, None
        return self._mixed(stage.flush())

    def _rest(self) -> np.ndarray:
        rest = self._dry.take()
        self._given += rest.shape[1]
        return rest

    def _mixed(self, wet: np.ndarray) -> np.ndarray:
        """What the stage gave, cut to the part and faded into the recording at its edges."""
        position = self._from_stage
        self._from_stage += wet.shape[1]
        wet = wet[:, max(0, self._start - position) : max(0, self._end - position)]
        dry = self._dry.take(wet.shape[1])
        index = np.arange(self._given, self._given + wet.shape[1])
        self._given += wet.shape[1]
        rise = (index - self._start + 0.5) / self._fade if self._start else np.ones(index.size)
        weight = np.clip(np.minimum(rise, (self._end - index - 0.5) / self._fade), 0, 1)
        return np.where(weight == 1, wet, dry + weight * (wet - dry)).astype(wet.dtype)
