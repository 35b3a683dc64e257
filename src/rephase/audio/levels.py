"""A gain for each channel's way into the model: follows the level of active speech, slowly, looking ahead.

The network was trained on speech at about −26 dBFS RMS. The tracker measures a channel's level as it passes and brings
active speech there; what the model returns is divided by the same gain, so loudness stays, and the balance of channels.
Each channel has its own, so a quiet speaker of a stereo interview is enhanced as well as a loud one, and every channel
as if it were alone. Per frame `k`, 16 ms:

    P[k]  power above 90 Hz (DC and infrasound don't count), mean of the last 0.2 s
    A     the frames from 4 s back to 0.45 s ahead of k that are above −70 dBFS and within 10 dB of the mean of those
    G[k]  −26 dBFS − 10 log₁₀ mean of P over A, which gates pauses as loudness meters do (ITU-R BS.1770)

The gain follows G: downwards within the look-ahead, so that it is low before a shout arrives; upwards at 6 dB a second
at most. It begins at G, but at +10 dB at most, and may rise twice as fast for 3 s: most recordings begin with a pause,
whose noise must not be taken for a whisper. Where A is empty, in silence, it stays. Between two frames it is
interpolated in dB. All of it is a function of the frames in order: blocks, chunks and pipes get the identical curve.
"""

import math

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from rephase.audio.fifo import SampleQueue
from rephase.audio.frames import BandPower, frame_hop

TARGET_DBFS = -26.0
LOWEST_HZ = 90.0
AVERAGED_FRAMES = 12  # 0.19 s: a click counts little, a short word in full
PAST_FRAMES = 250  # 4 s
LOOKAHEAD_FRAMES = 28  # 0.45 s; with half a window and one step of interpolation 0.48 s in all
SILENCE_DBFS = -70.0
GATE_DB = 10.0
RELEASE_DB = 6.0 * 0.016  # a frame
FIRST_GAIN_DB = 10.0
SETTLING_FRAMES = 188  # 3 s
ATTACK_DB = 1.6  # a frame, at least
ATTACK_SHARE = 0.15  # of the way, a frame: 99 % within the look-ahead
LARGEST_GAIN_DB = 40.0
FRAMES_AT_ONCE = 256  # of which each looks at 279 others
SMALLEST_GAIN_DB = -200.0  # float files may hold samples on the scale of 32-bit integers


class GainTracker:
    """The rule of one channel's gain, frame by frame: power in, gain in dB out, `LOOKAHEAD_FRAMES` later.

    Attributes:
        gain_db: the latest gain; 0 until something is heard.
    """

    def __init__(self) -> None:
        self.gain_db = 0.0
        self._heard = 0  # frames with something in reach that is no silence
        self._frames = 0
        # What came before the first frame counts as silence, which is no part of A.
        self._latest = np.zeros(AVERAGED_FRAMES - 1)
        self._window = np.zeros(PAST_FRAMES + LOOKAHEAD_FRAMES)

    def push(self, powers: Float[np.ndarray, " frames"]) -> list[float]:
        """Takes the next frames.

        Args:
            powers: of each, full scale².

        Returns:
            The gains, dB, of the frames that lie `LOOKAHEAD_FRAMES` before; none while there are no such frames.
        """
        if not powers.size:
            return []
        powers = np.concatenate([self._latest, powers])
        self._latest = powers[powers.size - AVERAGED_FRAMES + 1 :]
        sums = sliding_window_view(powers, AVERAGED_FRAMES).sum(axis=-1)
        numbers = self._frames + 1 + np.arange(sums.size)
        return self._step(sums / np.minimum(numbers, AVERAGED_FRAMES))

    def flush(self) -> list[float]:
        """Ends the stream.

        Returns:
            The gains, dB, of the frames that are still due.
        """
        return self._step(np.zeros(LOOKAHEAD_FRAMES))

    def _step(self, averaged: np.ndarray) -> list[float]:
        gains = []
        for start in range(0, averaged.size, FRAMES_AT_ONCE):
            window = np.concatenate([self._window, averaged[start : start + FRAMES_AT_ONCE]])
            self._window = window[window.size - self._window.size :]
            for wanted in _wanted_db(window):
                self._frames += 1
                if self._frames > LOOKAHEAD_FRAMES:
                    self._follow(wanted)
                    gains.append(self.gain_db)
        return gains

    def _follow(self, wanted: float) -> None:
        if math.isnan(wanted):
            return
        if not self._heard:
            self.gain_db = min(wanted, FIRST_GAIN_DB)
        elif wanted > self.gain_db:
            rise = RELEASE_DB if self._heard > SETTLING_FRAMES else 2 * RELEASE_DB
            self.gain_db = min(wanted, self.gain_db + rise)
        else:
            fall = max(ATTACK_DB, (self.gain_db - wanted) * ATTACK_SHARE)
            self.gain_db = max(wanted, self.gain_db - fall)
        self._heard += 1


def _wanted_db(powers: np.ndarray) -> list[float]:
    """G of each frame whose whole reach is in these averaged powers; NaN where A is empty."""
    reach = sliding_window_view(powers, PAST_FRAMES + 1 + LOOKAHEAD_FRAMES)
    audible = np.where(reach > 10 ** (SILENCE_DBFS / 10), reach, 0)
    gate = _mean(audible) * 10 ** (-GATE_DB / 10)
    active = np.where(audible > gate[:, None], audible, 0)
    with np.errstate(divide="ignore"):
        wanted = TARGET_DBFS - 10 * np.log10(_mean(active))
    return np.where(np.isinf(wanted), np.nan, np.clip(wanted, SMALLEST_GAIN_DB, LARGEST_GAIN_DB)).tolist()


def _mean(powers: np.ndarray) -> np.ndarray:
    """Mean of what is not 0, in each row; 0 where there is nothing."""
    return powers.sum(axis=-1) / np.maximum(np.count_nonzero(powers, axis=-1), 1)


class LevelStream:
    """Brings a stream to the model's level, each channel with a gain of its own.

    Args:
        sample_rate: Hz.
        channels: rows of every block.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._hop = frame_hop(sample_rate)
        self._power = BandPower(sample_rate, channels, LOWEST_HZ, sample_rate / 2)
        self._trackers = [GainTracker() for _ in range(channels)]
        self._waiting = SampleQueue(channels)
        self._gains_db = np.zeros((channels, 0))  # one for each hop; the first belongs to the first waiting sample

    def push(
        self, block: Float[np.ndarray, "channels time"]
    ) -> tuple[Float[np.ndarray, "channels out"], Float[np.ndarray, "channels out"]]:
        """Takes the next samples.

        Args:
            block: samples, full scale ±1.

        Returns:
            Samples times gain, float32, and the gain of each sample, float64: what the model returns for them is
            divided by it.
        """
        self._waiting.append(block)
        self._track(self._power.push(block))
        return self._ready(len(self._waiting))

    def flush(self) -> tuple[Float[np.ndarray, "channels out"], Float[np.ndarray, "channels out"]]:
        """Ends the stream.

        Returns:
            The rest, as `push` does.
        """
        self._track(self._power.flush())
        rest = [tracker.flush() for tracker in self._trackers]
        self._gains_db = np.concatenate([self._gains_db, rest], axis=1)
        return self._ready(len(self._waiting))

    def _track(self, powers: np.ndarray) -> None:
        gains = [tracker.push(row) for tracker, row in zip(self._trackers, powers)]
        self._gains_db = np.concatenate([self._gains_db, gains], axis=1)

    def _ready(self, available: int) -> tuple[np.ndarray, np.ndarray]:
        hops = max(0, min(self._gains_db.shape[1] - 1, -(-available // self._hop)))
        knots = self._gains_db[:, : hops + 1]
        self._gains_db = self._gains_db[:, hops:]
        rising = np.arange(self._hop) / self._hop
        gains_db = (knots[:, :hops, None] + np.diff(knots)[..., None] * rising).reshape(len(knots), -1)
        block = self._waiting.take(min(available, hops * self._hop))
        gain = np.exp(gains_db[:, : block.shape[1]] * (np.log(10) / 20))  # a third of the time of 10 ** x
        return (block * gain).astype(np.float32), gain
