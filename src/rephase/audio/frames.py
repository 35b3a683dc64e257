"""Power of a stream in a frequency band, frame by frame: what the level tracker and the high band listen to.

Frame `k` is a Hann window of two hops centred on sample `k * hop`:

    P[k] = mean over the window of |x|² in the band = Σ_{f in band} 2 |rfft(w · x)[f]|² / (n Σ w²)

A sine of amplitude a inside the band measures a² / 2. The first frame is centred on the first sample, which is repeated
before it: a recording with an offset doesn't start with a click.
"""

import numpy as np
from jaxtyping import Float
from numpy.lib.stride_tricks import sliding_window_view

from rephase.audio.fifo import SampleQueue

HOP_SECONDS = 0.016


def frame_hop(sample_rate: int) -> int:
    """Distance of two frames.

    Args:
        sample_rate: Hz.

    Returns:
        Samples: 16 ms.
    """
    return round(HOP_SECONDS * sample_rate)


class BandPower:
    """Measures each channel's power in one band, frame by frame.

    Args:
        sample_rate: Hz.
        channels: rows of every block.
        low: lower edge of the band, Hz.
        high: upper edge of the band, Hz; may lie above half the sample rate.
    """

    def __init__(self, sample_rate: int, channels: int, low: float, high: float) -> None:
        self.hop = frame_hop(sample_rate)
        size = 2 * self.hop
        self._window = np.hanning(size + 1)[:-1]
        self._band = slice(int(np.ceil(low * size / sample_rate)), int(high * size / sample_rate) + 1)
        self._scale = 2 / (size * np.sum(self._window**2))
        self._waiting = SampleQueue(channels, np.float64)
        self._channels = channels
        self._edge = np.zeros((channels, 1))  # the latest sample
        self._taken = 0

    def push(self, block: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, "channels frames"]:
        """Takes the next samples and returns the power of the frames that they complete.

        Args:
            block: samples, full scale ±1.

        Returns:
            Power of each new frame, full scale² (a sine of amplitude 1 has 0.5), float64.
        """
        if not block.shape[1]:
            return np.zeros((self._channels, 0))
        if not self._taken:
            self._waiting.append(np.repeat(block[:, :1].astype(np.float64), self.hop, axis=1))
        self._taken += block.shape[1]
        self._edge = block[:, -1:].astype(np.float64)
        self._waiting.append(block.astype(np.float64))
        count = max(0, len(self._waiting) // self.hop - 1)
        if not count:
            return np.zeros((self._channels, 0))
        samples = self._waiting.take((count + 1) * self.hop)
        rest = self._waiting.take()
        frames = sliding_window_view(samples, 2 * self.hop, axis=1)[:, :: self.hop] * self._window
        spectrum = np.fft.rfft(frames)[..., self._band]
        powers = self._scale * np.sum(spectrum.real**2 + spectrum.imag**2, axis=-1)
        self._waiting.append(samples[:, count * self.hop :])
        self._waiting.append(rest)
        return powers

    def flush(self) -> Float[np.ndarray, "channels frames"]:
        """Ends the stream; the last sample is repeated.

        Returns:
            Power of the remaining frames: all told there is one centred at or after the last sample.
        """
        frames_in_all = -(-self._taken // self.hop) + 1
        missing = (frames_in_all + 1) * self.hop - (self._taken + self.hop)
        return self.push(np.repeat(self._edge, missing, axis=1))
