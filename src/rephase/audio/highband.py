"""The band above the model's: kept, and turned down as the model turns down the band just below.

Let x be the recording, D the conversion down to the model's rate and U the way back. The model hears u = D x and
answers y. What it can't hear is the complement x − U u, so with a gain g(t) of its own for that part

    wet = U y + g · (x − U u)

and a model that changes nothing gives back x itself: no step at the seam, whatever the filters do there. `follow` takes
g² = P(y) / P(u) in the top quarter of the model's band (6–8 kHz of 8), frame by frame, each frame averaged with its
neighbours, at most 1, interpolated linearly to every sample. Where that band of the recording is empty nothing can be
learned from it and g is 1. `keep` is g = 1, `drop` is g = 0.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from rephase.audio.fifo import SampleQueue
from rephase.audio.frames import BandPower
from rephase.audio.resample import Resampler

HighBand = Literal["follow", "keep", "drop"]
EMPTY_POWER = 1e-10  # −100 dBFS at the model's level, where speech has −26


def checked_highband(highband: str) -> HighBand:
    """Checks the choice.

    Args:
        highband: `follow`, `keep` or `drop`.

    Returns:
        The same.

    Raises:
        ValueError: if it is none of them.
    """
    for choice in get_args(HighBand):
        if highband == choice:
            return choice
    raise ValueError(f"highband must be one of {', '.join(get_args(HighBand))}; got {highband!r}")


@dataclass(frozen=True)
class ModelBlock:
    """Samples before and after the model, at its rate and level.

    Attributes:
        before: what the model took, `[channels, time]`.
        after: what it gave for that.
        gain: from the recording's level to the model's, `[channels, time]`.
    """

    before: np.ndarray
    after: np.ndarray
    gain: np.ndarray


class FollowedGain:
    """The gain that a model gives the top quarter of its band, as a curve over time for another sample rate.

    Args:
        model_rate: sample rate of what the model takes and gives, Hz.
        rate: sample rate of the curve, Hz.
        channels: rows of every block; each has its own curve.
        dtype: float32 or float64, of the curve.
    """

    def __init__(self, model_rate: int, rate: int, channels: int, dtype: np.typing.DTypeLike = np.float64) -> None:
        top = (3 / 8 * model_rate, model_rate / 2)
        self._before = BandPower(model_rate, channels, *top)
        self._after = BandPower(model_rate, channels, *top)
        self._knots_per_sample = model_rate / (self._before.hop * rate)
        self._powers = np.zeros((2, channels, 0))  # before and after, from the frame ahead of the first knot
        self._knots = np.zeros((channels, 0))
        self._first_knot = 0
        self._given = 0
        self._dtype = np.dtype(dtype)

    def push(
        self, before: Float[np.ndarray, "channels time"], after: Float[np.ndarray, "channels time"], last: bool = False
    ) -> None:
        """Takes what went into the model and what came out.

        Args:
            before: at the model's level.
            after: the model's answer to it.
            last: whether the stream ends here.
        """
        new = np.stack([self._before.push(before), self._after.push(after)])
        if last:
            new = np.concatenate([new, np.stack([self._before.flush(), self._after.flush()])], axis=-1)
        if not self._powers.shape[-1]:
            new = np.concatenate([new[..., :1], new], axis=-1)  # the first frame is its own neighbour
        powers = np.concatenate([self._powers, new, new[..., -1:]] if last else [self._powers, new], axis=-1)
        self._powers = powers[..., -2:]
        if powers.shape[-1] > 2:
            before_power, after_power = (powers[..., :-2] + 2 * powers[..., 1:-1] + powers[..., 2:]) / 4 + EMPTY_POWER
            self._knots = np.concatenate([self._knots, np.minimum(np.sqrt(after_power / before_power), 1)], axis=-1)

    @property
    def ready(self) -> int:
        """Number of samples of the curve that can be taken: up to the last known frame."""
        last_knot = self._first_knot + self._knots.shape[1] - 1
        return max(0, int(last_knot / self._knots_per_sample) - self._given)

    def take(self, count: int) -> Float[np.ndarray, "channels count"]:
        """The next samples of the curve.

        Args:
            count: how many; after the end of the stream the curve goes on as it ended.

        Returns:
            Gains in 0..1.
        """
        # Positions count from the stream's start, so that blocks of any size give the same curve to the last bit.
        position = np.arange(self._given, self._given + count) * self._knots_per_sample
        left = position.astype(np.intp)
        share = (position - left).astype(self._dtype)
        left -= self._first_knot
        last_knot = self._first_knot + self._knots.shape[1] - 1
        steps = np.diff(self._knots, append=self._knots[:, -1:]).astype(self._dtype)
        # `clip`: beyond the last knot the curve goes on as it ended.
        curve = steps.take(left, axis=1, mode="clip")
        curve *= share
        curve += self._knots.astype(self._dtype).take(left, axis=1, mode="clip")
        self._given += count
        passed = min(int(self._given * self._knots_per_sample), last_knot) - self._first_knot
        if passed > 0:
            self._knots = self._knots[:, passed:]
            self._first_knot += passed
        return curve


class BandJoin:
    """Joins the model's band with the band above it, at the recording's rate.

    Args:
        model_rate: Hz.
        rate: of the recording, Hz; up to the model's rate there is no band above.
        channels: rows of every block.
        highband: what becomes of the band above.
        dtype: float32 or float64, of the recording.
    """

    def __init__(
        self, model_rate: int, rate: int, channels: int, highband: HighBand, dtype: np.typing.DTypeLike
    ) -> None:
        self._keeps_above = highband != "drop" and rate > model_rate
        self._follows = self._keeps_above and highband == "follow"
        self._channels = channels
        # Both U y and, where the band above is kept, U u go through one converter, one above the other.
        rows = 2 * channels if self._keeps_above else channels
        self._up = Resampler(model_rate, rate, rows, dtype)
        self._low = SampleQueue(rows, dtype)
        self._dry = SampleQueue(channels, dtype)
        self._dry_length = 0
        self._gain = FollowedGain(model_rate, rate, channels, dtype)
        self._dtype = np.dtype(dtype)

    def push(
        self, dry: Float[np.ndarray, "channels time"], low: ModelBlock
    ) -> tuple[Float[np.ndarray, "channels out"], Float[np.ndarray, "channels out"]]:
        """Takes the next samples of the recording, and the next of the model, which lag behind.

        Args:
            dry: the recording, at its rate.
            low: what the model took and gave.

        Returns:
            The recording and its enhanced version, as far as both are known.
        """
        self._dry.append(dry)
        self._dry_length += dry.shape[1]
        self._take_low(low, last=False)
        return self._joined()

    def finish(self, low: ModelBlock) -> tuple[Float[np.ndarray, "channels out"], Float[np.ndarray, "channels out"]]:
        """Ends the stream.

        Args:
            low: the rest of what the model took and gave.

        Returns:
            The rest, as `push` does.
        """
        self._take_low(low, last=True)
        self._low.append(self._up.flush(length=self._dry_length))
        return self._joined(last=True)

    def _take_low(self, low: ModelBlock, last: bool) -> None:
        rows = (low.after, low.before) if self._keeps_above else (low.after,)
        self._low.append(self._up.push(np.concatenate([row / low.gain for row in rows]).astype(self._dtype)))
        if self._follows:
            self._gain.push(low.before, low.after, last=last)

    def _joined(self, last: bool = False) -> tuple[np.ndarray, np.ndarray]:
        count = len(self._low)
        if self._follows and not last:
            count = min(count, self._gain.ready)
        dry, low = self._dry.take(count), self._low.take(count)
        wet = low[: self._channels]
        if self._keeps_above:
            above = dry - low[self._channels :]
            if self._follows:
                above *= self._gain.take(count)
            wet = wet + above
        return dry, wet
