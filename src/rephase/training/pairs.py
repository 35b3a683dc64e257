"""Pairs of (degraded, clean) speech, drawn and degraded on the fly: the same for the same seed.

The chain is room → noise → band limit, each with a chance of its own, so that one batch has all tasks in it.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from rephase.data.corpus import FULL_SCALE, PackedCorpus
from rephase.degradations.chain import Chain
from rephase.degradations.equaliser import equalise, random_gains_db
from rephase.degradations.noise import active_power, add_noise
from rephase.degradations.rolloff import random_rolloff_db
from rephase.degradations.rooms import convolve, direct_path

LEVEL_DB = -26.0
LONGEST_NOISE = 30.0  # seconds of a noise that count for how often it is drawn
CLEAN_SNR_DB = 60.0
_ALONE = Chain(
    snr_db=(-5.0, 15.0), level_db=0.0, p_equaliser=0.0, p_room=0.0, p_band=0.0, p_rolloff=0.0, p_rounded=1.0,
    p_clean=0.0, p_second_noise=0.0, band_hz=(1800.0, 3900.0),
)  # fmt: skip
# What validation asks for, one degradation at a time and then all in a chain.
TASKS = {
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
        noise: of the same sample rate.
        rooms: responses with the strongest sample of all at the same place.
        chain: what happens to speech and how likely.
        source_weights: how often speech of a source is drawn, others 1.
    """

    def __init__(
        self,
        speech: PackedCorpus,
        noise: PackedCorpus,
        rooms: Float32[Tensor, "responses taps"],
        chain: Chain,
        source_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.speech, self.noise, self.rooms, self.chain = speech, noise, rooms, chain
        weights = source_weights or {}
        self.speech_weights = np.array([weights.get(source, 1.0) for source in speech.sources]) * speech.lengths()
        self.noise_weights = np.minimum(noise.lengths(), LONGEST_NOISE * noise.sample_rate)

    def _speech(self, random: np.random.Generator, length: int) -> np.ndarray:
        index = random.choice(len(self.speech), p=self.speech_weights / self.speech_weights.sum())
        start = random.integers(self.speech.offsets[index], self.speech.offsets[index + 1])
        return self.speech.crop(int(start), length)

    def _noise(self, random: np.random.Generator, length: int) -> np.ndarray:
        index = int(random.choice(len(self.noise), p=self.noise_weights / self.noise_weights.sum()))
        return self.noise.tiled(index, int(random.integers(self.noise.lengths()[index])), length)

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
            the same gain: of reverberant speech the direct sound, as loud as the reverberant speech, so that the
            network is not asked to turn anything down.
        """
        chain, random = self.chain, np.random.default_rng(seed)
        torch_random = torch.Generator().manual_seed(int(random.integers(2**62)))
        length = int(seconds * self.speech.sample_rate)

        def chance(probability: float) -> Tensor:
            return torch.rand(items, 1, generator=torch_random) < probability

        def between(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(items, generator=torch_random)

        # The order of all draws is part of the seed's meaning.
        speech = torch.from_numpy(np.stack([self._speech(random, length) for _ in range(items)]))
        noise = torch.from_numpy(np.stack([self._noise(random, length) for _ in range(items)]))
        second = torch.from_numpy(np.stack([self._noise(random, length) for _ in range(items)]))
        noise = noise + second * chance(chain.p_second_noise) * 10 ** (between(-15.0, 5.0).unsqueeze(-1) / 20)
        freqs = torch.fft.rfftfreq(length, 1 / self.speech.sample_rate)
        for_speech = random_gains_db(items, freqs, chain.equaliser_db, torch_random) * chance(chain.p_equaliser)
        for_noise = random_gains_db(items, freqs, chain.equaliser_db, torch_random) * chance(chain.p_equaliser)
        speech, noise = equalise(speech, for_speech), equalise(noise, for_noise)
        responses = self.rooms[torch.randint(len(self.rooms), (items,), generator=torch_random)]
        early = direct_path(responses, self.speech.sample_rate, early_seconds=chain.early_seconds)
        in_room = chance(chain.p_room)
        reverberant = torch.where(in_room, convolve(speech, responses), speech)
        clean = torch.where(in_room, _as_loud(convolve(speech, early), reverberant), speech)
        snr_db = torch.where(chance(chain.p_clean)[:, 0], CLEAN_SNR_DB, between(*chain.snr_db))
        degraded = add_noise(reverberant, noise, snr_db)
        limited = chance(chain.p_band)
        rolloff = random_rolloff_db(items, freqs, torch_random) * (chance(chain.p_rolloff) & ~limited)
        limit = random_rolloff_db(items, freqs, torch_random, pass_hz=chain.band_hz) * limited
        degraded, clean = equalise(degraded, rolloff + limit), equalise(clean, rolloff)
        level_db = LEVEL_DB + between(-chain.level_db, chain.level_db)
        gain = (10 ** (level_db / 20) / active_power(degraded).sqrt()).unsqueeze(-1)
        degraded, clean = gain * degraded, gain * clean
        rounded = (degraded * FULL_SCALE).round() / FULL_SCALE
        return torch.where(chance(chain.p_rounded), rounded, degraded), clean


def _as_loud(waveform: Tensor, other: Tensor) -> Tensor:
    """The waveform with the active level of the other."""
    return waveform * (active_power(other) / active_power(waveform)).sqrt().unsqueeze(-1)
