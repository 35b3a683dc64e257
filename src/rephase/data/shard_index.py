"""Which shards there are: a JSON file beside them, which is there once all of them are whole."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fsspec

from rephase.data.errors import CorpusError


@dataclass(frozen=True)
class Shard:
    """A tar file of recordings.

    Attributes:
        name: beside the index, or a path or URL of its own.
        recordings: how many are in it; None if nobody has counted.
        samples: of all of them.
        bytes: size of the file.
    """

    name: str
    recordings: int | None = None
    samples: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class ShardIndex:
    """What a set of shards holds.

    Attributes:
        path: of the index, or URL.
        split: of all recordings.
        sample_rate: Hz.
        shards: tar files.
    """

    path: str
    split: str
    sample_rate: int
    shards: tuple[Shard, ...]

    @property
    def recordings(self) -> int:
        """How many there are."""
        return sum(shard.recordings or 0 for shard in self.shards)

    @property
    def hours(self) -> float:
        """How long they are together."""
        return sum(shard.samples for shard in self.shards) / self.sample_rate / 3600

    @property
    def bytes(self) -> int:
        """How large the shards are together."""
        return sum(shard.bytes for shard in self.shards)

    def url(self, shard: Shard) -> str:
        """Where a shard is."""
        return f"{self.path.rpartition('/')[0]}/{shard.name}" if "/" in self.path else shard.name

    def text(self) -> str:
        """The content of the index."""
        facts = {"format": 1, "split": self.split, "sample_rate": self.sample_rate}
        return json.dumps({**facts, "shards": [asdict(shard) for shard in self.shards]}, indent=1)


def read_index(where: str | Path) -> ShardIndex:
    """Reads an index.

    Args:
        where: path, or any URL that fsspec opens.

    Returns:
        What is there.

    Raises:
        CorpusError: If it can't be read, or is none.
    """
    try:
        with fsspec.open(str(where), "rt", encoding="utf-8") as file:
            facts: dict[str, Any] = json.load(file)
        shards = tuple(Shard(**shard) for shard in facts["shards"])
        index = ShardIndex(str(where), facts["split"], int(facts["sample_rate"]), shards)
    except (OSError, ImportError) as error:  # ImportError: a protocol whose package is missing
        raise CorpusError(f"can't read the index of shards ({reason_of(error)}); {where}; check the name") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(
            f"this is no index of shards ({reason_of(error)}); {where}; name the .json that `rephase data shard` wrote"
        ) from error
    if not shards:
        raise CorpusError(f"the index names no shards; {where}; write them again")
    return index


def reason_of(error: Exception) -> str:
    """What an error of the system or of a library says, in a few words.

    Args:
        error: any.

    Returns:
        Its first words.
    """
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error.args[0]) if error.args else type(error).__name__
