"""Shards into a packed corpus: read once from wherever they are, then training draws from the array."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rephase.data.array_file import ArrayFile
from rephase.data.corpus import DECODING, PackedCorpus, finished, opened
from rephase.data.errors import BadFiles, CorpusError
from rephase.data.shard_files import Recording, decoded_recording, shard_recordings
from rephase.data.shard_index import ShardIndex, read_index
from rephase.data.threads import Progress, in_order


def pack_shards(
    where: str | Path,
    split: str,
    target: Path,
    *,
    sample_rate: int = 16000,
    most_bad: int | None = None,
    jobs: int = 0,
    progress: Progress | None = None,
) -> PackedCorpus:
    """Decodes shards into an array, or opens it if it was made from the same index before.

    Shards are in random order and the array is not, so while it is made it takes its space on the disk twice.

    Args:
        where: index of the shards, a path or any URL that fsspec opens.
        split: which one the shards must be of.
        target: path of the array, ending in .npy.
        sample_rate: which one the shards must have, Hz.
        most_bad: how many recordings may be damaged; 1 % or 20 by default, whichever is more.
        jobs: recordings that are decoded at a time; 0: one a processor.
        progress: called with the number of recordings that are done and that there are.

    Returns:
        The recordings, sorted by source and path; their samples stay on disk.

    Raises:
        CorpusError: If the shards can't be read, are of another split or rate, or too many recordings are bad.
    """
    index = read_index(where)
    if index.split != split or index.sample_rate != sample_rate:
        raise CorpusError(
            f"the shards must be of the split {split} at {sample_rate} Hz, got {index.split} at "
            f"{index.sample_rate} Hz; {where}; name others"
        )
    made_from = hashlib.sha256(f"{DECODING}\n{where}\n{index.text()}".encode()).hexdigest()
    if (known := opened(target, made_from, sample_rate)) is not None:
        return known
    bad = BadFiles(index.recordings, str(where), most_bad)
    places: list[tuple[str, str, int, int]] = []  # source, path, first sample and end in the unsorted file
    with ArrayFile(target) as array, tempfile.TemporaryFile(dir=target.parent) as unsorted:
        end = 0
        for number, ((facts, _), result) in enumerate(in_order(_recording, _recordings(index), jobs), 1):
            if isinstance(result, Exception):
                bad.add(Path(str(facts.get("path", facts.get("key", number)))), result)
            else:
                unsorted.write(result.samples.astype("<i2", copy=False).tobytes())
                start, end = end, end + len(result.samples)
                places.append((result.source, result.path, start, end))
            if progress:
                progress(float(number), float(index.recordings))
        unsorted.flush()
        samples = np.memmap(unsorted, "<i2", "r", shape=(end,)) if end else np.zeros(0, np.int16)
        for _, _, start, stop in sorted(places):
            array.append(np.asarray(samples[start:stop]))
        return finished(array, [source for source, *_ in sorted(places)], sample_rate, made_from, bad)


def _recordings(index: ShardIndex) -> Iterator[tuple[dict[str, Any], bytes]]:
    for shard in index.shards:
        yield from shard_recordings(index.url(shard), shard.recordings)


def _recording(item: tuple[dict[str, Any], bytes]) -> Recording:
    return decoded_recording(*item)
