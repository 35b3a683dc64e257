"""Digital silence stays digital silence: where a recording holds nothing but zeros, so does the result.

A network that looks around itself may spill a little sound into a muted passage. For a channel whose last r samples
were exactly zero the result is multiplied by

    w(r) = 1 up to 16 ms, 0 from 32 ms on, linear between

which lets a sound end naturally and needs no look-ahead. A recording's start counts as following silence.
"""

import numpy as np
from jaxtyping import Float

HOLD_SECONDS = 0.016
FADE_SECONDS = 0.016


class SilenceKeeper:
    """Mutes a stream where the recording it belongs to is mute.

    Args:
        sample_rate: Hz.
        channels: rows of every block.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._hold = round(HOLD_SECONDS * sample_rate)
        self._fade = max(1, round(FADE_SECONDS * sample_rate))
        self._mute = self._hold + self._fade  # zeros in a row
        self._run = np.full((channels, 1), self._mute)

    def push(
        self, dry: Float[np.ndarray, "channels time"], wet: Float[np.ndarray, "channels time"]
    ) -> Float[np.ndarray, "channels time"]:
        """Takes the next samples.

        Args:
            dry: the recording.
            wet: its enhanced version.

        Returns:
            The enhanced version, mute where the recording is.
        """
        if not dry.shape[1]:
            return wet
        sound = dry != 0
        if self._sounds(sound):
            return wet
        index = np.arange(dry.shape[1])
        last_sound = np.maximum.accumulate(np.where(sound, index, -1), axis=1)
        run = np.where(last_sound < 0, index + 1 + self._run, index - last_sound)
        self._run = np.minimum(run[:, -1:], self._mute)
        weight = np.clip((self._mute - run) / self._fade, 0, 1)
        return (wet * weight).astype(wet.dtype)

    def _sounds(self, sound: np.ndarray) -> bool:
        """Whether no run of zeros is too long, as in most blocks; then the last run is taken note of."""
        # A longer run than `hold` would cover one of these windows.
        size = max(1, self._hold // 2)
        count = sound.shape[1] // size
        if not count or not sound[:, : count * size].reshape(len(sound), count, size).any(axis=-1).all():
            return False
        if np.any(self._run[:, 0] + sound[:, :size].argmax(axis=1) > self._hold):
            return False
        self._run = sound[:, -2 * size :][:, ::-1].argmax(axis=1)[:, None]
        return True
