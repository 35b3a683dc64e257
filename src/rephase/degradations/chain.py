"""What happens to speech and how likely, as numbers: the settings of the whole chain, without torch.

    speed → equaliser → room → noise → clipping → band limit → phase removal → level → codec → 16 bits

Each part has a chance of its own, so that one batch has all of them in it. `rephase.degradations.draws` rolls the dice,
`rephase.degradations.degrading` does what they say.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from rephase.errors import RephaseError

Resampler = Literal["brick", "gentle", "alias"]
Codec = Literal["opus", "mp3"]


@dataclass(frozen=True)
class Chain:
    """Every number of what happens to speech; a range is (lowest, highest), and all values in it are as likely.

    Attributes:
        snr_db: range of the signal-to-noise ratio.
        level_db: largest deviation of the input's active level from −26 dBFS.
        equaliser_db: largest gain of each shelf and peak.
        p_equaliser: how likely an item's speech, and its noise, is equalised.
        p_room: how likely an item is reverberant; its target is as loud as the reverberant speech.
        early_seconds: of a room that the target keeps after the direct sound.
        p_band: how likely an item's band is limited; its target's is not.
        band_hz: range of the frequency where it ends.
        p_rolloff: how likely a resampler's roll-off has taken the edge of the band off an item and its target, where
            no band is limited.
        rolloff_hz: range of the frequency where that one begins.
        p_rounded: how likely the degraded waveform is rounded to 16 bits: above the end of a band that is all there is.
        p_second_noise: how likely a second noise is mixed in.
        p_clean: how likely the noise is 60 dB below the speech.
        p_noise: how likely there is noise at all.
        p_coloured: how likely the noise is made, with a power spectrum that goes with a power of the frequency.
        colour: range of that power: −2 brown, −1 pink, 0 white, 1 blue, 2 violet.
        p_babble: how likely the noise is several people who speak at once.
        talkers: range of their number.
        talkers_db: largest deviation of a talker's level from the others'.
        p_speed: how likely speech is played faster or slower, before it becomes the target.
        speed: range of how much, in whole percents; 1.1 is a tenth faster and higher.
        p_clip: how likely the recording is clipped.
        clip_db: range of how far below its peak.
        p_resampler: how likely a limited band is that of a resampler, which leaves nothing above its end and may fold
            what was there; else it falls smoothly.
        resamplers: kinds that are drawn from: `brick` (passes nearly all), `gentle`, `alias` (folds).
        band_rates: sampling rates that a limited item was stored at, by resamplers always; none: ends within `band_hz`.
        p_codec: how likely the recording went through a codec.
        codecs: that are drawn from: `opus`, `mp3`.
        codec_kbps: range of its bit rate, kbit/s.
        p_phase: how likely the phase of the degraded waveform is set to zero.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}
    snr_db: tuple[float, float] = (-5.0, 25.0)
    level_db: float = 6.0
    equaliser_db: float = 9.0
    p_equaliser: float = 0.5
    p_room: float = 0.4
    early_seconds: float = 0.0025
    p_band: float = 0.35
    band_hz: tuple[float, float] = (1500.0, 7000.0)
    p_rolloff: float = 0.3
    rolloff_hz: tuple[float, float] = (6500.0, 8000.0)  # what resamplers to 16 kHz leave
    p_rounded: float = 0.5
    p_second_noise: float = 0.3
    p_clean: float = 0.15
    p_noise: float = 1.0
    p_coloured: float = 0.0
    colour: tuple[float, float] = (-2.0, 2.0)
    p_babble: float = 0.0
    talkers: tuple[int, int] = (3, 8)
    talkers_db: float = 6.0
    p_speed: float = 0.0
    speed: tuple[float, float] = (0.9, 1.1)
    p_clip: float = 0.0
    clip_db: tuple[float, float] = (1.0, 12.0)
    p_resampler: float = 0.0
    resamplers: tuple[Resampler, ...] = ("brick", "gentle", "alias")
    band_rates: tuple[int, ...] = ()
    p_codec: float = 0.0
    codecs: tuple[Codec, ...] = ("opus", "mp3")
    codec_kbps: tuple[float, float] = (8.0, 64.0)
    p_phase: float = 0.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            numbers = value if isinstance(value, tuple) else (value,)
            if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
                raise _wrong(each.name, value, "hold finite numbers", each.default)
            if each.name.startswith("p_") and not 0 <= value <= 1:
                raise _wrong(each.name, value, "lie in 0 … 1", each.default)
        for name in ("snr_db", "band_hz", "rolloff_hz", "colour", "talkers", "speed", "clip_db", "codec_kbps"):
            low, high = getattr(self, name)
            if low > high:
                raise _wrong(name, (low, high), "be (lowest, highest)", (high, low))
        for name in ("level_db", "equaliser_db", "early_seconds", "talkers_db"):
            if getattr(self, name) < 0:
                raise _wrong(name, getattr(self, name), "be 0 or more", getattr(Chain, name))
        least = {"band_hz": 100.0, "rolloff_hz": 100.0, "talkers": 1, "speed": 0.5, "clip_db": 0.0, "codec_kbps": 6.0}
        for name, limit in least.items():
            if getattr(self, name)[0] < limit:
                raise _wrong(name, getattr(self, name), f"be at least {limit}", getattr(Chain, name))
        most = {"talkers": 32, "speed": 2.0, "codec_kbps": 160.0}
        for name, limit in most.items():
            if getattr(self, name)[1] > limit:
                raise _wrong(name, getattr(self, name), f"be at most {limit}", getattr(Chain, name))
        slowest, fastest = self.percents()
        if slowest > fastest:
            raise _wrong("speed", self.speed, "hold a whole percent, such as 0.95", (fastest / 100, slowest / 100))
        for name, known in (("resamplers", {"brick", "gentle", "alias"}), ("codecs", {"opus", "mp3"})):
            value = getattr(self, name)
            if not value or not set(value) <= known:
                raise _wrong(name, value, f"name one or more of {', '.join(sorted(known))}", getattr(Chain, name))
        if any(rate < 200 for rate in self.band_rates):
            raise _wrong("band_rates", self.band_rates, "be sampling rates in Hz", (4000, 8000))
        if self.p_coloured + self.p_babble > 1:
            both = (self.p_coloured, self.p_babble)
            raise _wrong("p_coloured and p_babble", both, "be at most 1 together", (0.2, 0.2))

    def percents(self) -> tuple[int, int]:
        """The lowest and the highest whole percent within `speed`: what speeds are drawn from."""
        low, high = self.speed
        return math.ceil(100 * low - 1e-6), math.floor(100 * high + 1e-6)


def _wrong(name: str, value: object, expected: str, advice: object) -> RephaseError:
    return RephaseError(f"{name} must {expected}; got {value}. Try {advice}.")
