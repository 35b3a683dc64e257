"""The dice of the chain: everything random about a batch, drawn on the CPU, so that each device gets the same.

The draws of room, noise, band and level come from one generator, and their order is part of the seed's meaning. Each
part that was added later has a generator of its own, whose seed is a hash of the batch's seed and its name: what is
added never moves what was there.
"""

import hashlib
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from rephase.degradations.chain import Chain
from rephase.degradations.equaliser import draw_curves
from rephase.degradations.rolloff import draw_rolloffs

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

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.level_db)

    def to(self, device: str | torch.device) -> "Draws":
        """The same draws on a device."""
        moved: dict[str, Any] = {
            each.name: value.to(device, non_blocking=True)
            for each in fields(self)
            if isinstance(value := getattr(self, each.name), Tensor)
        }
        return replace(self, **moved)


def draw(chain: Chain, items: int, *, seed: int, responses: int) -> Draws:
    """Rolls the dice for a batch; crops of speech and noise are drawn elsewhere.

    Args:
        chain: what happens and how likely.
        items: of the batch.
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
    return Draws(
        second=second, second_db=second_db, speech_curves=speech_curves, speech_equalised=speech_equalised,
        noise_curves=noise_curves, noise_equalised=noise_equalised, room=room, in_room=in_room, snr_db=snr_db,
        limited=limited, rolloff=rolloff, rolled_off=rolled_off, limit=draw_rolloffs(items, generator),
        level_db=LEVEL_DB + between(-chain.level_db, chain.level_db), rounded=chance(chain.p_rounded),
    )  # fmt: skip


def generator_of(seed: int, name: str) -> torch.Generator:
    """A generator for one part of the chain.

    Args:
        seed: of the batch.
        name: of the part.
    """
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:7], "big"))
