"""Reading shards: each recording exactly once an epoch, over all ranks and workers.

`ShardRecordings` gives recordings, `ShardCrops` endless crops of one length for training on corpora that fit no disk.
What does fit is better packed: `rephase.data.corpus.pack` takes the index of shards in place of a manifest.
"""

import os
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import webdataset
from fsspec.core import url_to_fs
from jaxtyping import Float32, Int16
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from rephase.data.corpus import FULL_SCALE
from rephase.data.errors import BadFiles, CorpusError
from rephase.data.shard_files import Recording, decoded_recording, shard_recordings
from rephase.data.shard_index import Shard, ShardIndex, read_index

UNKNOWN = 10_000  # recordings, where nobody has counted: it decides how many may be bad


class Crop(NamedTuple):
    """A crop for training.

    Attributes:
        samples: float32 [length], full scale ±1.
        source: the corpus.
    """

    samples: Tensor
    source: str


def find_shards(where: str | Path | Sequence[str]) -> ShardIndex:
    """Finds shards.

    Args:
        where: an index (.json), a pattern (`shards/train-*.tar`), or a list of tar files; paths, or URLs of fsspec.

    Returns:
        What is there; of a pattern and a list the split and the numbers are not known.

    Raises:
        CorpusError: If there is none.
    """
    if isinstance(where, str | Path) and str(where).endswith(".json"):
        return read_index(where)
    if isinstance(where, str | Path):
        try:
            system, path = url_to_fs(str(where))
            names = sorted(system.unstrip_protocol(name) for name in system.glob(path))
        except (OSError, ImportError, ValueError) as error:
            raise CorpusError(f"can't look for shards ({error}); {where}; check the name") from error
    else:
        names = list(where)
    names = [name for name in names if name.endswith(".tar")]
    if not names:
        raise CorpusError(f"there are no shards; {where}; name their index (.json) or a pattern such as train-*.tar")
    return ShardIndex("", "", 0, tuple(Shard(name) for name in names))


class ShardRecordings(IterableDataset[Recording]):
    """The recordings of shards; over all ranks and all workers of a DataLoader each one comes once an epoch.

    Shards are dealt out to readers in an order that the seed and the epoch decide, the same for all. Where there are
    fewer shards than readers, several read one and each takes its share of the recordings. Readers don't get equally
    many: a run over ranks that steps together draws from `ShardCrops`, which doesn't end.

    Args:
        where: see `find_shards`.
        seed: of the order.
        shuffle: whether the order is random; else it is that of the shards.
        buffer: recordings that are held to shuffle within shards.
        rank: number of this process of a run; by default that of torch's process group, else of the environment (RANK).
        world_size: how many processes there are; as for `rank` (WORLD_SIZE).
        most_bad: how many recordings of a reader's epoch may be damaged; 1 % or 20 by default, whichever is more.
    """

    def __init__(
        self,
        where: str | Path | Sequence[str],
        *,
        seed: int = 0,
        shuffle: bool = True,
        buffer: int = 100,
        rank: int | None = None,
        world_size: int | None = None,
        most_bad: int | None = None,
    ) -> None:
        super().__init__()
        if (rank is None) != (world_size is None) or (rank is not None and not 0 <= rank < (world_size or 0)):
            raise ValueError(f"rank must lie within world_size, or neither be given; got {rank} and {world_size}")
        self.index = find_shards(where)
        self.seed, self.shuffle, self.buffer, self.most_bad = seed, shuffle, buffer, most_bad
        self._rank, self._world_size = rank, world_size
        # In shared memory, so that workers that live on hear of the next epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    @property
    def epoch(self) -> int:
        """Number of the epoch that the next iteration reads."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the order of the next iteration.

        Args:
            epoch: its number.
        """
        self._epoch.fill_(epoch)

    def __getstate__(self) -> dict[str, Any]:
        # A worker that is started anew knows no process group: it is told by its parent who it works for.
        state = self.__dict__.copy()
        state["_rank"], state["_world_size"] = self.place()
        return state

    def place(self) -> tuple[int, int]:
        """Which process of how many this one is."""
        if self._rank is not None and self._world_size is not None:
            return self._rank, self._world_size
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))

    def reader(self) -> tuple[int, int]:
        """Which reader of how many this is: the workers of all processes."""
        rank, world_size = self.place()
        worker = get_worker_info()
        workers, number = (worker.num_workers, worker.id) if worker else (1, 0)
        return rank * workers + number, world_size * workers

    def __iter__(self) -> Iterator[Recording]:
        return self.of_epoch(self.epoch)

    def of_epoch(self, epoch: int) -> Iterator[Recording]:
        """This reader's recordings of an epoch.

        Args:
            epoch: its number.

        Returns:
            Recordings, in the epoch's order.
        """
        reader, readers = self.reader()
        recordings = self._decoded(_dealt(self._ordered(epoch), reader, readers))
        if not self.shuffle:
            return recordings
        mixed = webdataset.shuffle(self.buffer, rng=random.Random(f"{self.seed}/{epoch}/{reader}"))
        return iter(mixed(recordings))

    def _ordered(self, epoch: int) -> list[Shard]:
        shards = list(self.index.shards)
        if self.shuffle:
            random.Random(f"{self.seed}/{epoch}").shuffle(shards)
        return shards

    def _decoded(self, shares: Iterable[tuple[Shard, int, int]]) -> Iterator[Recording]:
        bad = BadFiles(self.index.recordings or UNKNOWN, self.index.path or self.index.shards[0].name, self.most_bad)
        for shard, first, step in shares:
            url = self.index.url(shard)
            for number, (facts, flac) in enumerate(shard_recordings(url, shard.recordings)):
                if number % step != first:
                    continue
                try:
                    yield decoded_recording(facts, flac)
                except CorpusError as error:
                    bad.add(Path(f"{url}/{facts.get('key', number)}.flac"), error)


def _dealt(shards: Sequence[Shard], reader: int, readers: int) -> Iterator[tuple[Shard, int, int]]:
    """The shards of a reader, and which recordings of each: every `step`-th from `first` on."""
    if len(shards) >= readers:
        yield from ((shard, 0, 1) for shard in shards[reader::readers])
        return
    at = reader % len(shards)
    sharing = len(range(at, readers, len(shards)))
    yield shards[at], reader // len(shards), sharing


class ShardCrops(IterableDataset[Crop]):
    """Endless crops of one length, in random order: epoch after epoch of `ShardRecordings`.

    Speech is joined: recordings of a source follow each other without a pause and are cut into crops, so that nothing
    is padded, and an epoch reads every sample but those of the first cut and the last rest. Noise is tiled: each crop
    is of one recording, which starts again where it ends; long recordings give as many crops as fit.

    Args:
        where: see `find_shards`.
        length: samples of a crop.
        short: `join` or `tile`.
        buffer: crops that are held to be shuffled, 2 bytes a sample.
        first_epoch: where to begin, for a run that goes on.
        seed, rank, world_size, most_bad: see `ShardRecordings`.
    """

    def __init__(
        self,
        where: str | Path | Sequence[str],
        length: int,
        *,
        short: Literal["join", "tile"] = "join",
        buffer: int = 1000,
        first_epoch: int = 0,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        most_bad: int | None = None,
    ) -> None:
        super().__init__()
        if length < 1 or buffer < 1:
            raise ValueError(f"length and buffer must be 1 or more; got {length} and {buffer}")
        self.length, self.short, self.buffer, self.seed, self.first_epoch = length, short, buffer, seed, first_epoch
        self.recordings = ShardRecordings(where, seed=seed, rank=rank, world_size=world_size, most_bad=most_bad)

    def __iter__(self) -> Iterator[Crop]:
        reader, readers = self.recordings.reader()
        mixed = webdataset.shuffle(self.buffer, rng=random.Random(f"{self.seed}/{self.first_epoch}/{reader}"))
        for samples, source in mixed(self._epochs(reader, readers)):
            yield Crop(as_float(samples), source)

    def _epochs(self, reader: int, readers: int) -> Iterator[tuple[np.ndarray, str]]:
        epoch = self.first_epoch
        while True:
            generator = np.random.default_rng([self.seed, epoch, reader])
            cut = joined if self.short == "join" else tiled
            empty = True
            for crop in cut(self.recordings.of_epoch(epoch), self.length, generator):
                empty = False
                yield crop
            if empty:
                raise CorpusError(
                    f"reader {reader} of {readers} finds not one crop of {self.length} samples; "
                    f"{self.recordings.index.path or 'the list of shards'}; take fewer workers, or shorter crops"
                )
            epoch += 1


def joined(
    recordings: Iterable[Recording], length: int, generator: np.random.Generator
) -> Iterator[tuple[Int16[np.ndarray, " length"], str]]:
    """Cuts recordings that follow each other, source by source, into crops.

    Args:
        recordings: in the order in which they are joined.
        length: samples of a crop.
        generator: decides where the first crop of each source starts.

    Yields:
        Crops and their sources.
    """
    rests: dict[str, np.ndarray] = {}
    for recording in recordings:
        if recording.source in rests:
            samples = np.concatenate([rests[recording.source], recording.samples])
        else:
            samples = recording.samples[int(generator.integers(min(length, len(recording.samples)))) :]
        for start in range(0, len(samples) - length + 1, length):
            yield samples[start : start + length], recording.source
        rests[recording.source] = samples[len(samples) // length * length :]


def tiled(
    recordings: Iterable[Recording], length: int, generator: np.random.Generator
) -> Iterator[tuple[Int16[np.ndarray, " length"], str]]:
    """Crops of one recording each, which starts again where it ends; long ones give as many crops as fit.

    Args:
        recordings: where the crops come from.
        length: samples of a crop.
        generator: decides where the crops start.

    Yields:
        Crops and their sources.
    """
    for recording in recordings:
        samples = recording.samples
        for _ in range(max(1, len(samples) // length)):
            start = int(generator.integers(len(samples)))
            yield samples[np.arange(start, start + length) % len(samples)], recording.source


def as_float(samples: Int16[np.ndarray, " time"]) -> Float32[Tensor, " time"]:
    """Samples as a network takes them.

    Args:
        samples: full scale ±32768.

    Returns:
        Full scale ±1.
    """
    return torch.from_numpy(samples.astype(np.float32) / FULL_SCALE)
