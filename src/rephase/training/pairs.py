"""Pairs of (degraded, clean) speech, drawn and degraded on the fly: the same for the same seed.

Crops and dice are drawn on the CPU. With a GPU the packed audio lies there as 16-bit samples, is cropped there, and the
chain of degradations runs there: the CPU only sends positions and draws.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from rephase.data.corpus import PackedCorpus
from rephase.degradations.chain import Chain
from rephase.degradations.degrading import degrade
from rephase.degradations.draws import Draws, draw
from rephase.errors import RephaseError
from rephase.training.crops import Crops

LONGEST_NOISE = 30.0  # seconds of a noise that count for how often it is drawn
_ALONE = Chain(
    snr_db=(-5.0, 15.0), level_db=0.0, p_equaliser=0.0, p_room=0.0, p_band=0.0, p_rolloff=0.0, p_rounded=1.0,
    p_clean=0.0, p_second_noise=0.0, band_hz=(1800.0, 3900.0),
)  # fmt: skip
# What validation pairs there are: one degradation at a time, and then all in a chain.
KINDS = {
    "denoise": _ALONE,
    "dereverb": replace(_ALONE, p_room=1.0, p_clean=1.0),
    "bandwidth": replace(_ALONE, p_band=1.0, p_clean=1.0),
    "universal": replace(_ALONE, p_room=1.0, p_band=0.7),
}


class Degrader:
    """Draws crops and makes pairs of (degraded, clean) waveforms, each pair at one random level.

    Speech is drawn in proportion to its length and its source's weight, noise to its length up to 30 s.

    Args:
        speech: clean speech.
        noise: of the same sample rate; None where the chain mixes no recorded noise in.
        rooms: responses with the direct sound of all at the same place; None where no item is reverberant.
        chain: what happens to speech and how likely.
        source_weights: how often speech of a source is drawn, others 1.
        device: where the audio is kept, cropped and degraded; "cpu" reads crops from where the corpora are.
    """

    def __init__(
        self,
        speech: PackedCorpus,
        noise: PackedCorpus | None,
        rooms: Float32[Tensor, "responses taps"] | None,
        chain: Chain,
        source_weights: Mapping[str, float] | None = None,
        device: str = "cpu",
    ) -> None:
        _check(chain, noise, rooms)
        self.speech, self.noise, self.chain, self.device = speech, noise, chain, torch.device(device)
        self.rooms = None if rooms is None else rooms.to(self.device)
        weights = source_weights or {}
        self.speech_weights = np.array([weights.get(source, 1.0) for source in speech.sources]) * speech.lengths()
        if not self.speech_weights.sum() > 0:
            names = ", ".join(sorted(set(speech.sources)))
            raise RephaseError(
                "data.source_weights must leave some speech to draw; got 0 for all sources that a split has; "
                f"{names}; give one of them more than 0"
            )
        self._speech = Crops(speech, self.speech_weights, device)
        self._noise = None
        if noise is not None:
            self._noise = Crops(noise, np.minimum(noise.lengths(), LONGEST_NOISE * noise.sample_rate), device)

    def batch(
        self, seed: tuple[int, ...], items: int, seconds: float
    ) -> tuple[Float32[Tensor, "items time"], Float32[Tensor, "items time"]]:
        """Degraded and clean waveforms, the same for the same seed.

        Args:
            seed: of everything drawn.
            items: how many pairs.
            seconds: length of each.

        Returns:
            Degraded speech with an active level of −26 dBFS ± the chain's deviation, and its clean sound with
            the same gain, see `rephase.degradations.degrading.degrade`.
        """
        random = np.random.default_rng(seed)
        length = int(seconds * self.speech.sample_rate)
        responses = 0 if self.rooms is None else len(self.rooms)
        draws = draw(self.chain, items, length, seed=int(random.integers(2**62)), responses=responses)
        # The order of all draws is part of the seed's meaning.
        places = [self._speech.place(random) for _ in range(items)]
        speech = self._speech.running_on(places, draws.source_length(length))
        noise, second = speech.new_zeros(items, length), None
        if self._noise is not None:
            noise = self._noise.tiled([self._noise.place(random) for _ in range(items)], length)
            second = self._noise.tiled([self._noise.place(random) for _ in range(items)], length)
        talkers = self._talkers(draws, places, seed, length)
        draws = draws.to(self.device)
        return degrade(
            self.chain,
            draws,
            speech=speech,
            noise=noise,
            second=second,
            talkers=talkers,
            responses=None if self.rooms is None else self.rooms[draws.room],
            sample_rate=self.speech.sample_rate,
        )

    def _talkers(
        self, draws: Draws, places: list[tuple[int, int]], seed: tuple[int, ...], length: int
    ) -> Tensor | None:
        """Who babbles for each item that has babble: other files than those that its speech runs through."""
        if draws.babble_rows is None or draws.talkers_db is None:
            return None
        random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        chosen = []
        for row in draws.babble_rows.tolist():
            own = self._speech.files_of(places[row], draws.source_length(length))
            chosen += [self._speech.place_outside(random, own) for _ in range(draws.talkers_db.shape[1])]
        return self._speech.tiled(chosen, length).unflatten(0, draws.talkers_db.shape)


def needs_noise(chain: Chain) -> bool:
    """Whether a chain mixes recorded noise in.

    Args:
        chain: what happens to speech.
    """
    made = chain.p_coloured + chain.p_babble == 1
    return chain.p_noise > 0 and (not made or chain.p_second_noise > 0)


def _check(chain: Chain, noise: PackedCorpus | None, rooms: Tensor | None) -> None:
    """Whether there is all that the chain asks for."""
    if noise is None and needs_noise(chain):
        raise RephaseError(
            "noise must be a corpus where a chain mixes recorded noise in; got None. "
            "Try p_coloured=1 and p_second_noise=0, or p_noise=0."
        )
    if rooms is None and chain.p_room:
        raise RephaseError(f"rooms must be responses where p_room is {chain.p_room}; got None. Try p_room=0.")
