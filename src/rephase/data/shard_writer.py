"""Recordings into WebDataset shards: tar files of NUMBER.flac and NUMBER.json, in random order.

Disks and networks read a few large files many times faster than a hundred thousand small ones. The order is random,
so that whoever reads a shard from start to end meets many speakers.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int16
from webdataset import TarWriter

from rephase.audio.leftovers import remove_leftovers
from rephase.audio.safe_target import SafeTarget
from rephase.audio.waveform import checked_rate
from rephase.data.array_file import write_text
from rephase.data.decoding import as_flac, decoded
from rephase.data.errors import BadFiles
from rephase.data.manifest import rows_of_split
from rephase.data.shard_index import Shard, ShardIndex
from rephase.data.threads import Progress, in_order
from rephase.errors import OutputError

BLOCK = 512  # bytes: of a header in a tar file, and what contents are filled up to
KEPT = ("path", "source", "speaker")  # columns of the manifest that go along


def write_shards(
    manifest: Path,
    output: Path,
    *,
    split: str = "train",
    shard_mb: float = 200.0,
    sample_rate: int = 16000,
    most_bad: int | None = None,
    seed: int = 0,
    jobs: int = 0,
    progress: Progress | None = None,
) -> ShardIndex:
    """Writes the recordings of one split as shards; the same recordings and seed give the same files.

    Args:
        manifest: CSV with the columns `path`, `split` and `source`.
        output: folder of the shards, SPLIT-NNNNNN.tar, and of SPLIT.json, which lists them.
        split: which rows to take.
        shard_mb: about how large a shard becomes, in 1e6 bytes.
        sample_rate: Hz, of the shards.
        most_bad: how many recordings may be left out; 1 % or 20 by default, whichever is more.
        seed: of the order.
        jobs: recordings that are decoded and encoded at a time; 0: one a processor.
        progress: called with the number of recordings that are done and that there are.

    Returns:
        What was written.

    Raises:
        CorpusError: If the manifest can't be read, no row has that split, or too many recordings are bad.
        OutputError: If it can't be written.
    """
    checked_rate(sample_rate)
    rows = rows_of_split(manifest, split)
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    bad = BadFiles(len(rows), manifest, most_bad)

    def work(number: int) -> tuple[Int16[np.ndarray, " time"], bytes]:
        samples = decoded(manifest.parent / rows[number]["path"], sample_rate)
        return samples, as_flac(samples, sample_rate)

    def recordings() -> Iterator[tuple[dict[str, str | int], bytes]]:
        for count, (number, result) in enumerate(in_order(work, order, jobs), 1):
            row = rows[number]
            if isinstance(result, Exception):
                bad.add(manifest.parent / row["path"], result)
            else:
                known = {key: row.get(key, "") for key in KEPT}
                yield {"key": f"{number:08d}", **known, "samples": len(result[0])}, result[1]
            if progress:
                progress(float(count), float(len(rows)))

    index_path = output / f"{split}.json"
    try:
        output.mkdir(parents=True, exist_ok=True)
        index_path.unlink(missing_ok=True)  # it comes back when all shards are whole
    except OSError as error:
        raise OutputError(f"can't write shards ({error.strerror}); {output}; choose another folder") from error
    remove_leftovers(output)
    shards = _write_all(recordings(), output, split, shard_mb * 1e6)
    bad.check_rest()
    _remove_others(output, split, shards)
    index = ShardIndex(str(index_path), split, sample_rate, tuple(shards))
    write_text(index_path, index.text())
    return index


def _write_all(
    recordings: Iterator[tuple[dict[str, str | int], bytes]], output: Path, split: str, most_bytes: float
) -> list[Shard]:
    shards: list[Shard] = []
    following = next(recordings, None)
    while following is not None:
        name = f"{split}-{len(shards):06d}.tar"
        target = SafeTarget(output / name)
        try:
            count = samples = size = 0
            # Nothing in it tells when or by whom it was written, so that the same content is the same file.
            with target.temporary.open("wb") as file, TarWriter(file, user="", group="", mtime=0, encoder=False) as tar:
                while following is not None and (not count or size + len(following[1]) <= most_bytes):
                    facts, flac = following
                    text = json.dumps(facts).encode()
                    tar.write({"__key__": facts["key"], "flac": flac, "json": text})
                    count, samples = count + 1, samples + int(facts["samples"])
                    size += sum(BLOCK - len(content) // -BLOCK * BLOCK for content in (flac, text))
                    following = next(recordings, None)
            size = target.temporary.stat().st_size
            target.finish()
        except OSError as error:
            raise target.failed(error.strerror or str(error)) from error
        finally:
            target.remove()
        shards.append(Shard(name, count, samples, size))
    return shards


def _remove_others(output: Path, split: str, shards: Sequence[Shard]) -> None:
    """Takes shards away that an earlier, longer run has left: a pattern would still find them."""
    pattern = re.compile(rf"{re.escape(split)}-\d{{6}}\.tar")
    names = {shard.name for shard in shards}
    for path in output.iterdir():
        if pattern.fullmatch(path.name) and path.name not in names:
            path.unlink()
