"""The dice of the chain: everything random about a batch, drawn on the CPU, so that each device gets the same.

The draws of room, noise, band and level come from one generator, and their order is part of the seed's meaning. Each
part that was added later has a generator of its own, whose seed is a hash of the batch's seed and its name: what is
added never moves what was there.
"""

import hashlib
import math
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from rephase.degradations.chain import Chain
from rephase.degradations.equaliser import draw_curves
from rephase.degradations.resampler import KINDS
from rephase.degradations.rolloff import draw_rolloffs
from rephase.degradations.speed import source_size

LEVEL_DB = -26.0
CLEAN_SNR_DB = 60.0


@dataclass(frozen=True)
class Draws:
    """What happens to each item of a batch; flags are columns, so that they go with waveforms.

    Attributes:
        second: whether a second noise is mixed in.
        second_db: its level beside the first one's.
        speech_curves: of the equaliser of speech.
        speech_equalised: whether there is one.
        noise_curves: of the equaliser of noise.
        noise_equalised: whether there is one.
        room: number of the response.
        in_room: whether it is heard.
        snr_db: signal-to-noise ratio.
        limited: whether the band is limited.
        rolloff: of the resampler that all recordings have seen.
        rolled_off: whether it has.
        limit: of the limited band, where it falls smoothly.
        level_db: active level of the degraded waveform, dBFS.
        rounded: whether it is rounded to 16 bits.
        percents: speed of each item; empty where none is changed.
        noisy: whether there is noise; None where always.
        coloured_rows: numbers of the items whose noise is made; None where there are none, as below.
        white: what it is made of.
        slope: of its power spectrum.
        babble_rows: numbers of the items whose noise is babble.
        talkers_db: level of each talker; −inf for one who isn't there.
        clip_db: how far below its peak an item is clipped; 0: not at all.
        resampled: whether the band is that of a resampler.
        resampler: number of its kind.
        resampler_filter: where its pass band ends and its stop band starts, within the kind's ranges.
        cutoff_hz: its Nyquist frequency.
        codecs: that each item goes through, with its kbit/s; "" where through none; empty where none ever does.
        phaseless: whether the phase is removed.
    """

    second: Bool[Tensor, "items 1"]
    second_db: Float[Tensor, " items"]
    speech_curves: Float[Tensor, "7 items 1"]
    speech_equalised: Bool[Tensor, "items 1"]
    noise_curves: Float[Tensor, "7 items 1"]
    noise_equalised: Bool[Tensor, "items 1"]
    room: Int64[Tensor, " items"]
    in_room: Bool[Tensor, "items 1"]
    snr_db: Float[Tensor, " items"]
    limited: Bool[Tensor, "items 1"]
    rolloff: Float[Tensor, "2 items 1"]
    rolled_off: Bool[Tensor, "items 1"]
    limit: Float[Tensor, "2 items 1"]
    level_db: Float[Tensor, " items"]
    rounded: Bool[Tensor, "items 1"]
    percents: tuple[int, ...] = ()
    noisy: Bool[Tensor, "items 1"] | None = None
    coloured_rows: Int64[Tensor, " coloured"] | None = None
    white: Float[Tensor, "coloured time"] | None = None
    slope: Float[Tensor, " coloured"] | None = None
    babble_rows: Int64[Tensor, " babbling"] | None = None
    talkers_db: Float[Tensor, "babbling talkers"] | None = None
    clip_db: Float[Tensor, " items"] | None = None
    resampled: Bool[Tensor, "items 1"] | None = None
    resampler: Int64[Tensor, " items"] | None = None
    resampler_filter: Float[Tensor, "2 items"] | None = None
    cutoff_hz: Float[Tensor, " items"] | None = None
    codecs: tuple[tuple[str, float], ...] = ()
    phaseless: Bool[Tensor, "items 1"] | None = None

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.level_db)

    def source_length(self, length: int) -> int:
        """How many samples of speech the items take, for crops of that length: faster speech takes more."""
        return max((source_size(length, percent) for percent in self.percents), default=length)

    def to(self, device: str | torch.device) -> "Draws":
        """The same draws on a device."""
        moved: dict[str, Any] = {
            each.name: value.to(device, non_blocking=True)
            for each in fields(self)
            if isinstance(value := getattr(self, each.name), Tensor)
        }
        return replace(self, **moved)


def draw(chain: Chain, items: int, length: int, *, seed: int, responses: int) -> Draws:
    """Rolls the dice for a batch; crops of speech and noise are drawn elsewhere.

    Args:
        chain: what happens and how likely.
        items: of the batch.
        length: of an item, samples.
        seed: of all that is drawn here.
        responses: how many room responses there are; 0 if there are none.

    Returns:
        The draws, on the CPU.
    """
    generator = torch.Generator().manual_seed(seed)

    def chance(probability: float) -> Tensor:
        return torch.rand(items, 1, generator=generator) < probability

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(items, generator=generator)

    # Python evaluates arguments from left to right: the order of all draws is part of the seed's meaning.
    second, second_db = chance(chain.p_second_noise), between(-15.0, 5.0)
    speech_curves, speech_equalised = draw_curves(items, generator), chance(chain.p_equaliser)
    noise_curves, noise_equalised = draw_curves(items, generator), chance(chain.p_equaliser)
    room, in_room = torch.randint(max(responses, 1), (items,), generator=generator), chance(chain.p_room)
    snr_db = torch.where(chance(chain.p_clean)[:, 0], CLEAN_SNR_DB, between(*chain.snr_db))
    limited = chance(chain.p_band)
    rolloff, rolled_off = draw_rolloffs(items, generator), chance(chain.p_rolloff) & ~limited
    drawn = Draws(
        second=second, second_db=second_db, speech_curves=speech_curves, speech_equalised=speech_equalised,
        noise_curves=noise_curves, noise_equalised=noise_equalised, room=room, in_room=in_room, snr_db=snr_db,
        limited=limited, rolloff=rolloff, rolled_off=rolled_off, limit=draw_rolloffs(items, generator),
        level_db=LEVEL_DB + between(-chain.level_db, chain.level_db), rounded=chance(chain.p_rounded),
    )  # fmt: skip
    return replace(
        drawn,
        **_noise_options(chain, items, length, seed),
        **_recording_options(chain, items, seed),
        **_resampler_options(chain, limited, seed),
    )


def _noise_options(chain: Chain, items: int, length: int, seed: int) -> dict[str, Any]:
    """Speed, and the kinds of noise that are made."""
    options: dict[str, Any] = {}
    if chain.p_speed:
        dice = _Dice(seed, "speed", items)
        percents = torch.where(dice.chance(chain.p_speed), dice.whole(*chain.percents()), 100)
        options["percents"] = tuple(int(percent) for percent in percents)
    if chain.p_noise < 1:
        options["noisy"] = _Dice(seed, "noise", items).chance(chain.p_noise).unsqueeze(-1)
    kind = _Dice(seed, "kind of noise", items).between(0.0, 1.0)
    babbling = (kind < chain.p_babble).nonzero().flatten()
    coloured = ((kind >= chain.p_babble) & (kind < chain.p_babble + chain.p_coloured)).nonzero().flatten()
    if len(babbling):
        dice, most = _Dice(seed, "babble", len(babbling)), chain.talkers[1]
        there = torch.arange(most) < dice.whole(*chain.talkers).unsqueeze(-1)
        levels = chain.talkers_db * (2 * torch.rand(len(babbling), most, generator=dice.generator) - 1)
        options |= {"babble_rows": babbling, "talkers_db": torch.where(there, levels, -math.inf)}
    if len(coloured):
        dice = _Dice(seed, "coloured", len(coloured))
        options |= {"coloured_rows": coloured, "slope": dice.between(*chain.colour)}
        options["white"] = torch.randn(len(coloured), length, generator=dice.generator)
    return options


def _recording_options(chain: Chain, items: int, seed: int) -> dict[str, Any]:
    """Clipping, codecs, and the phase."""
    options: dict[str, Any] = {}
    if chain.p_clip:
        dice = _Dice(seed, "clip", items)
        options["clip_db"] = torch.where(dice.chance(chain.p_clip), dice.between(*chain.clip_db), 0.0)
    if chain.p_codec:
        dice = _Dice(seed, "codec", items)
        through, kinds = dice.chance(chain.p_codec), dice.whole(0, len(chain.codecs) - 1)
        low, high = (math.log(kbps) for kbps in chain.codec_kbps)  # as much between 8 and 16 as between 32 and 64
        kbps = dice.between(low, high).exp()
        options["codecs"] = tuple(
            (chain.codecs[kind] if codec else "", round(float(bits), 1))
            for codec, kind, bits in zip(through, kinds, kbps)
        )
    if chain.p_phase:
        options["phaseless"] = _Dice(seed, "phase", items).chance(chain.p_phase).unsqueeze(-1)
    return options


def _resampler_options(chain: Chain, limited: Tensor, seed: int) -> dict[str, Any]:
    """Which limited bands are those of resamplers, and of which."""
    if not chain.p_resampler and not chain.band_rates:
        return {}
    dice = _Dice(seed, "resampler", len(limited))
    resampled = dice.chance(1.0 if chain.band_rates else chain.p_resampler).unsqueeze(-1) & limited
    kinds = torch.tensor([KINDS.index(name) for name in chain.resamplers])[dice.whole(0, len(chain.resamplers) - 1)]
    drawn = torch.stack([dice.between(0.0, 1.0), dice.between(0.0, 1.0)])
    cutoff_hz, rates = dice.between(*chain.band_hz), dice.whole(0, max(len(chain.band_rates) - 1, 0))
    if chain.band_rates:
        cutoff_hz = torch.tensor(chain.band_rates)[rates] / 2
    return {"resampled": resampled, "resampler": kinds, "resampler_filter": drawn, "cutoff_hz": cutoff_hz}


class _Dice:
    """The draws of one part of the chain, from a generator of its own.

    Args:
        seed: of the batch.
        name: of the part.
        items: how many are drawn at a time.
    """

    def __init__(self, seed: int, name: str, items: int) -> None:
        own = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:7], "big")
        self.generator, self.items = torch.Generator().manual_seed(own), items

    def chance(self, probability: float) -> Tensor:
        return torch.rand(self.items, generator=self.generator) < probability

    def between(self, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(self.items, generator=self.generator)

    def whole(self, low: int, high: int) -> Tensor:
        """Whole numbers, both ends included."""
        return torch.randint(low, high + 1, (self.items,), generator=self.generator)
