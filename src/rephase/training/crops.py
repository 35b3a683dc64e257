"""Crops of packed audio, on the CPU from where it lies on the disk, on a GPU from its memory."""

import numpy as np
import torch
from torch import Tensor

from rephase.data.corpus import FULL_SCALE, PackedCorpus


class Crops:
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
