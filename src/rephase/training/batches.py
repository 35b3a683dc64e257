"""Batches for training, endless and the same for the same seed; and the fixed pairs that weights are judged by."""

from collections.abc import Iterator, Mapping
from typing import Protocol, runtime_checkable

from jaxtyping import Float32
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, get_worker_info

VALID_ITEMS, VALID_SECONDS, VALID_SEED = 8, 4.0, 0
Pair = tuple[Float32[Tensor, "items time"], Float32[Tensor, "items time"]]


@runtime_checkable
class PairMaker(Protocol):
    """What makes pairs of (degraded, clean) waveforms, the same for the same seed."""

    def batch(self, seed: tuple[int, ...], items: int, seconds: float) -> Pair:
        """So many pairs of that length."""
        ...


class TrainingBatches(IterableDataset[Pair]):
    """Endless training batches; batch n depends on the seed and n alone, so a run can go on anywhere.

    Args:
        maker: makes them.
        seed: of all of them.
        items: of a batch.
        seconds: of an item.
        first: number of the first step.
        rank: which of the devices that work together takes these; each step has a batch for each of them.
        world: how many they are.
    """

    def __init__(
        self, maker: PairMaker, *, seed: int, items: int, seconds: float, first: int, rank: int = 0, world: int = 1
    ) -> None:
        super().__init__()
        self.maker, self.seed, self.items, self.seconds = maker, seed, items, seconds
        self.first, self.stride = first * world + rank, world

    def __iter__(self) -> Iterator[Pair]:
        worker = get_worker_info()  # a DataLoader takes from its workers in turn
        place, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        number = self.first + place * self.stride
        while True:
            yield self.maker.batch((self.seed, number), self.items, self.seconds)
            number += workers * self.stride


class ValidationBatches(Dataset[tuple[str, Tensor, Tensor]]):
    """Fixed pairs, with the name of their kind.

    They are the same in every run on the same recordings with the same data.source_weights and data.rooms, which speech
    and rooms are drawn by; those of the kind `own` follow the run's degradation too.

    Args:
        makers: of each kind of pairs, by its name.
        count: how many batches of eight items of four seconds each kind has.
    """

    def __init__(self, makers: Mapping[str, PairMaker], count: int) -> None:
        self.batches = [
            (kind, *maker.batch((VALID_SEED, number), VALID_ITEMS, VALID_SECONDS))
            for kind, maker in makers.items()
            for number in range(count)
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> tuple[str, Tensor, Tensor]:
        return self.batches[number]
