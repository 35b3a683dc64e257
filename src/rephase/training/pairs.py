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

from rephase.data.corpus import FULL_SCALE, PackedCorpus
from rephase.degradations.chain import Chain
from rephase.degradations.degrading import degrade
from rephase.degradations.draws import Draws, draw
from rephase.errors import RephaseError

LONGEST_NOISE = 30.0  # seconds of a noise that count for how often it is drawn
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
        noise: of the same sample rate; None where the chain mixes no recorded noise in.
        rooms: responses with the strongest sample of all at the same place; None where no item is reverberant.
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
        self._speech = _Crops(speech, self.speech_weights, device)
        self._noise = None
        if noise is not None:
            self._noise = _Crops(noise, np.minimum(noise.lengths(), LONGEST_NOISE * noise.sample_rate), device)

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


def _check(chain: Chain, noise: PackedCorpus | None, rooms: Tensor | None) -> None:
    """Whether there is all that the chain asks for."""
    made = chain.p_noise == 0 or chain.p_coloured + chain.p_babble == 1
    if noise is None and (not made or chain.p_second_noise):
        raise RephaseError(
            "noise must be a corpus where a chain mixes recorded noise in; got None. "
            "Try p_coloured=1 and p_second_noise=0, or p_noise=0."
        )
    if rooms is None and chain.p_room:
        raise RephaseError(f"rooms must be responses where p_room is {chain.p_room}; got None. Try p_room=0.")


class _Crops:
    """Crops of a corpus, on a device.

    Args:
        corpus: of packed files.
        weights: how often each file is drawn.
        device: where samples are kept; on the CPU they stay where the corpus has them, on disk.
    """

    def __init__(self, corpus: PackedCorpus, weights: np.ndarray, device: str) -> None:
        self.corpus, self.device, self._sizes = corpus, torch.device(device), corpus.lengths()
        # What `Generator.choice(p=...)` makes anew at each call.
        self._cumulative = (weights / weights.sum()).cumsum()
        self._cumulative /= self._cumulative[-1]
        on_cpu = self.device.type == "cpu"
        self._samples = None if on_cpu else torch.from_numpy(np.array(corpus.samples)).to(self.device)

    def place(self, random: np.random.Generator) -> tuple[int, int]:
        """A file, in proportion to its weight, and a sample in it, counted from its start."""
        index = int(self._cumulative.searchsorted(random.random(), side="right"))
        return index, int(random.integers(self._sizes[index]))

    def files_of(self, place: tuple[int, int], length: int) -> set[int]:
        """The files that a crop of `running_on` runs through."""
        offsets, total = self.corpus.offsets, len(self.corpus.samples)
        start = int(offsets[place[0]]) + place[1]
        if length >= total:
            return set(range(len(self.corpus)))
        parts = [(start, min(start + length, total)), (0, start + length - total)]
        ends = [(offsets.searchsorted([first, last - 1], side="right") - 1) for first, last in parts if last > first]
        return {index for first, last in ends for index in range(int(first), int(last) + 1)}

    def place_outside(self, random: np.random.Generator, files: set[int]) -> tuple[int, int]:
        """A place in another file than these; in any where there is no other."""
        place = self.place(random)
        for _ in range(100):
            if place[0] not in files:
                break
            place = self.place(random)
        return place

    def tiled(self, places: list[tuple[int, int]], length: int) -> Tensor:
        """Samples of one file each, which starts again where it ends; full scale ±1."""
        offsets = self.corpus.offsets
        first = [int(offsets[index]) for index, _ in places]
        sizes = [int(offsets[index + 1] - offsets[index]) for index, _ in places]
        return self._taken(first, [start for _, start in places], sizes, length)

    def running_on(self, places: list[tuple[int, int]], length: int) -> Tensor:
        """Samples from one file into the next: speech of the same source, without a pause; full scale ±1."""
        starts = [int(self.corpus.offsets[index]) + start for index, start in places]
        return self._taken([0] * len(places), starts, [len(self.corpus.samples)] * len(places), length)

    def _taken(self, first: list[int], starts: list[int], sizes: list[int], length: int) -> Tensor:
        """Samples first + (start + 0 … length − 1) mod size."""
        columns = torch.tensor([first, starts, sizes]).to(self.device, non_blocking=True).unsqueeze(-1)
        positions = columns[0] + (columns[1] + torch.arange(length, device=self.device)) % columns[2]
        if self._samples is not None:
            return self._samples[positions].float() / FULL_SCALE
        return torch.from_numpy(self.corpus.samples[positions.numpy()].astype(np.float32) / np.float32(FULL_SCALE))
