"""One gain for the whole recording's way into the model: follows the level of active speech, slowly, looking ahead.

The network was trained on speech at about −26 dBFS RMS. The tracker measures the recording's level as it passes and
brings active speech there; what the model returns is divided by the same gain, so loudness stays. Per frame `k`, 16 ms:

    P[k]  power of the loudest channel above 90 Hz (DC and infrasound don't count), mean of the last 0.2 s
    A     the frames from 4 s back to 0.45 s ahead of k that are above −70 dBFS and within 10 dB of the mean of those
    G[k]  −26 dBFS − 10 log₁₀ mean of P over A, which gates pauses as loudness meters do (ITU-R BS.1770)

The gain follows G: downwards within the look-ahead, so that it is low before a shout arrives; upwards at 6 dB a second
at most. It begins at G, but at +10 dB at most, and may rise twice as fast for 3 s: most recordings begin with a pause,
whose noise must not be taken for a whisper. Where A is empty, in silence, it stays. Between two frames it is
interpolated in dB. All of it is a function of the frames in order: blocks, chunks and pipes get the identical curve.
"""

from collections import deque

import numpy as np
from jaxtyping import Float

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
SMALLEST_GAIN_DB = -200.0  # float files may hold samples on the scale of 32-bit integers


class GainTracker:
    """The gain's rule, frame by frame: power in, gain in dB out, `LOOKAHEAD_FRAMES` later.

    Attributes:
        gain_db: the latest gain; 0 until something is heard.
    """

    def __init__(self) -> None:
        self.gain_db = 0.0
        self._heard = 0  # frames with something in reach that is no silence
        self._latest: deque[float] = deque(maxlen=AVERAGED_FRAMES)
        self._window: deque[float] = deque(maxlen=PAST_FRAMES + 1 + LOOKAHEAD_FRAMES)
        self._frames = 0

    def push(self, power: float) -> list[float]:
        """Takes the next frame.

        Args:
            power: of the frame, full scale².

        Returns:
            The gain, dB, of the frame that lies `LOOKAHEAD_FRAMES` before; nothing while there is no such frame.
        """
        self._latest.append(power)
        return self._step(sum(self._latest) / len(self._latest))

    def flush(self) -> list[float]:
        """Ends the stream.

        Returns:
            The gains, dB, of the frames that are still due.
        """
        return [gain for _ in range(LOOKAHEAD_FRAMES) for gain in self._step(0.0)]

    def _step(self, averaged: float) -> list[float]:
        self._window.append(averaged)
        self._frames += 1
        if self._frames <= LOOKAHEAD_FRAMES:
            return []
        self._follow()
        return [self.gain_db]

    def _follow(self) -> None:
        powers = np.array(self._window)
        audible = powers[powers > 10 ** (SILENCE_DBFS / 10)]
        if not audible.size:
            return
        active = audible[audible > np.mean(audible) * 10 ** (-GATE_DB / 10)]
        wanted = TARGET_DBFS - 10 * np.log10(np.mean(active))
        wanted = float(np.clip(wanted, SMALLEST_GAIN_DB, LARGEST_GAIN_DB))
        if not self._heard:
            self.gain_db = min(wanted, FIRST_GAIN_DB)
        elif wanted > self.gain_db:
            rise = RELEASE_DB if self._heard > SETTLING_FRAMES else 2 * RELEASE_DB
            self.gain_db = min(wanted, self.gain_db + rise)
        else:
            fall = max(ATTACK_DB, (self.gain_db - wanted) * ATTACK_SHARE)
            self.gain_db = max(wanted, self.gain_db - fall)
        self._heard += 1


class LevelStream:
    """Brings a stream to the model's level with one gain for all channels.

    Args:
        sample_rate: Hz.
        channels: rows of every block.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._hop = frame_hop(sample_rate)
        self._power = BandPower(sample_rate, channels, LOWEST_HZ, sample_rate / 2)
        self._tracker = GainTracker()
        self._waiting = SampleQueue(channels)
        self._gains_db: list[float] = []  # one for each hop; the first belongs to the first waiting sample

    def push(
        self, block: Float[np.ndarray, "channels time"]
    ) -> tuple[Float[np.ndarray, "channels out"], Float[np.ndarray, "1 out"]]:
        """Takes the next samples.

        Args:
            block: samples, full scale ±1.

        Returns:
            Samples times gain, float32, and the gain of each sample, float64: what the model returns for them is
            divided by it.
        """
        self._waiting.append(block)
        for power in self._power.push(block).max(axis=0):
            self._gains_db += self._tracker.push(float(power))
        return self._ready(len(self._waiting))

    def flush(self) -> tuple[Float[np.ndarray, "channels out"], Float[np.ndarray, "1 out"]]:
        """Ends the stream.

        Returns:
            The rest, as `push` does.
        """
        for power in self._power.flush().max(axis=0):
            self._gains_db += self._tracker.push(float(power))
        self._gains_db += self._tracker.flush()
        return self._ready(len(self._waiting))

    def _ready(self, available: int) -> tuple[np.ndarray, np.ndarray]:
        hops = max(0, min(len(self._gains_db) - 1, -(-available // self._hop)))
        knots = np.array(self._gains_db[: hops + 1])
        del self._gains_db[:hops]
        rising = np.arange(self._hop) / self._hop
        gains_db = (knots[:hops, None] + np.diff(knots)[:, None] * rising).reshape(-1)
        block = self._waiting.take(min(available, hops * self._hop))
        gain = 10 ** (gains_db[: block.shape[1]] / 20)[None]
        return (block * gain).astype(np.float32), gain
