"""A corpus of many small files as one memory-mapped array, decoded once.

Decoding Opus and FLAC at each step would cost as much as the network; a crop out of the packed array costs nothing.
Files of one source stand next to each other, sorted by name and so by speaker.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int16, Int64

from rephase.data.array_file import ArrayFile
from rephase.data.decoding import SHORTEST_SECONDS, decoded
from rephase.data.errors import BadFiles, CorpusError
from rephase.data.manifest import pairs_of_split, rows_of_split
from rephase.data.threads import Progress, in_order

__all__ = ["CorpusError", "FULL_SCALE", "PackedCorpus", "pack", "pack_pairs"]
logger = logging.getLogger(__name__)
FULL_SCALE = 32768.0
ANYWHERE = "anywhere"  # an array that travels with its manifest, wherever both come to lie, says this of its making
DECODING = 2  # grows when the same file gives other samples than before, so that packed arrays are made anew


@dataclass(frozen=True)
class PackedCorpus:
    """Files of one split behind each other in one array of 16-bit samples.

    Attributes:
        samples: all audio.
        offsets: first sample of each file, and the total length at the end.
        sources: name of the source of each file.
        sample_rate: Hz.
    """

    samples: Int16[np.ndarray, " time"]
    offsets: Int64[np.ndarray, " files_and_end"]
    sources: tuple[str, ...]
    sample_rate: int

    def __len__(self) -> int:
        return len(self.sources)

    def lengths(self) -> Int64[np.ndarray, " files"]:
        """Samples of each file."""
        return np.diff(self.offsets)


def pack(
    manifest: Path,
    split: str,
    target: Path,
    *,
    sample_rate: int = 16000,
    most_bad: int | None = None,
    shortest_seconds: float = SHORTEST_SECONDS,
    jobs: int = 0,
    progress: Progress | None = None,
) -> PackedCorpus:
    """Decodes the files of one split into an array, or opens it if it was made from the same manifest before.

    Recordings of any sample rate and number of channels are converted as `rephase.data.decoding` says. Those that are
    missing, damaged or too short are left out, each with a warning that names it.

    Args:
        manifest: CSV with the columns `path` (relative to the CSV), `split` and `source`; or an index of shards
            (.json), or a folder of shards, which holds SPLIT.json.
        split: which rows to take; `train` leaves out other cuts of a recording that another split holds.
        target: path of the array, ending in .npy; a .json beside it says where each file starts.
        sample_rate: of the array, Hz.
        most_bad: how many recordings may be left out; 1 % or 20 by default, whichever is more.
        shortest_seconds: recordings that are shorter are bad.
        jobs: files that are decoded at a time; 0: one a processor.
        progress: called with the number of files that are done and that there are.

    Returns:
        The files of the split, sorted by source and path; their samples stay on disk.

    Raises:
        CorpusError: If the manifest is missing or lacks a column, no row has that split, too many recordings are bad,
            or none is left.
    """
    if manifest.suffix == ".json" or manifest.is_dir():
        from rephase.data.shard_packing import pack_shards  # needs what only the extra `train` brings

        index = manifest / f"{split}.json" if manifest.is_dir() else manifest
        return pack_shards(
            index, split, target, sample_rate=sample_rate, most_bad=most_bad, jobs=jobs, progress=progress
        )
    rows = [(row["source"], row["path"]) for row in rows_of_split(manifest, split)]
    made_from = _made_from(manifest, sample_rate, rows, shortest_seconds)
    if (known := opened(target, made_from, sample_rate)) is not None:
        return known
    bad = BadFiles(len(rows), manifest, most_bad)
    with ArrayFile(target) as array:
        sources = []
        results = in_order(lambda row: decoded(manifest.parent / row[1], sample_rate, shortest_seconds), rows, jobs)
        for number, ((source, path), result) in enumerate(results, 1):
            if isinstance(result, Exception):
                bad.add(manifest.parent / path, result)
            else:
                array.append(result)
                sources.append(source)
            if progress:
                progress(float(number), float(len(rows)))
        return finished(array, sources, sample_rate, made_from, bad)


def pack_pairs(
    pairs: Path,
    split: str,
    folder: Path,
    *,
    sample_rate: int = 16000,
    most_bad: int | None = None,
    jobs: int = 0,
    progress: Progress | None = None,
) -> tuple[PackedCorpus, PackedCorpus]:
    """Decodes pairs of degraded and clean recordings into two arrays in which the same place is the same instant.

    Args:
        pairs: CSV with the columns `degraded` (or `noisy`), `clean` (relative to the CSV), `split` and perhaps
            `source`, as `rephase data prepare` writes it.
        split: which rows to take.
        folder: where the arrays go: degraded-SPLIT.npy and clean-SPLIT.npy.
        sample_rate: of the arrays, Hz.
        most_bad: how many pairs may be left out; 1 % or 20 by default, whichever is more.
        jobs: pairs that are decoded at a time; 0: one a processor.
        progress: called with the number of pairs that are done and that there are.

    Returns:
        The degraded and the clean recordings, file by file of the same length.

    Raises:
        CorpusError: If the list can't be read, no row has that split, too many pairs are bad, or none is left. A pair
            whose recordings have different lengths is bad.
    """
    rows = [(row["source"], row["degraded"], row["clean"]) for row in pairs_of_split(pairs, split)]
    made_from = _made_from(pairs, sample_rate, rows, SHORTEST_SECONDS)
    targets = folder / f"degraded-{split}.npy", folder / f"clean-{split}.npy"
    known = [opened(target, made_from, sample_rate) for target in targets]
    if known[0] is not None and known[1] is not None:
        return known[0], known[1]
    bad = BadFiles(len(rows), pairs, most_bad)
    with ArrayFile(targets[0]) as degraded, ArrayFile(targets[1]) as clean:
        sources = []
        results = in_order(lambda row: _decoded_pair(pairs.parent, row, sample_rate), rows, jobs)
        for number, (row, result) in enumerate(results, 1):
            if isinstance(result, Exception):
                bad.add(pairs.parent / row[1], result)
            else:
                degraded.append(result[0])
                clean.append(result[1])
                sources.append(row[0])
            if progress:
                progress(float(number), float(len(rows)))
        return (
            finished(degraded, sources, sample_rate, made_from, bad),
            finished(clean, sources, sample_rate, made_from, bad),
        )


def _decoded_pair(folder: Path, row: tuple[str, str, str], sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    degraded, clean = (decoded(folder / path, sample_rate) for path in row[1:])
    if len(degraded) != len(clean):
        raise CorpusError(
            f"a pair must have one length, got {len(degraded)} and {len(clean)} samples; {folder / row[1]}; "
            "leave it out"
        )
    return degraded, clean


# ---------------------------------------------------------------- what lies on the disk
def _made_from(manifest: Path, sample_rate: int, rows: Iterable[Any], shortest_seconds: float) -> str:
    facts = [DECODING, str(manifest.resolve()), sample_rate, list(rows), shortest_seconds]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def finished(array: ArrayFile, sources: Sequence[str], sample_rate: int, made_from: str, bad: BadFiles) -> PackedCorpus:
    """Puts a packed array and its facts in place.

    Args:
        array: with all files appended.
        sources: of each file.
        sample_rate: Hz.
        made_from: tells what it was made from.
        bad: recordings that were left out.

    Returns:
        The corpus; its samples stay on disk.

    Raises:
        CorpusError: If no recording is left.
    """
    bad.check_rest()
    left_out = [str(path) for path, _ in bad.found]
    facts = {"made_from": made_from, "offsets": array.offsets, "sources": list(sources), "left_out": left_out}
    target = array.finish(json.dumps(facts))
    hours = array.offsets[-1] / sample_rate / 3600
    logger.info("packed %d files, %.2f h, into %s", len(sources), hours, target)
    return PackedCorpus(np.load(target, mmap_mode="r"), np.array(array.offsets), tuple(sources), sample_rate)


def opened(target: Path, made_from: str, sample_rate: int) -> PackedCorpus | None:
    """What was packed before.

    Args:
        target: path of the array.
        made_from: what it must have been made from.
        sample_rate: Hz.

    Returns:
        The corpus; None if there is none, or it was made from something else.
    """
    facts_path = target.with_suffix(".json")
    if not target.exists() or not facts_path.exists():
        return None
    facts = json.loads(facts_path.read_text())
    if facts.get("made_from") not in (made_from, ANYWHERE):
        return None
    if left_out := facts["left_out"]:
        logger.warning("%d recordings were left out of %s when it was made; %s ...", len(left_out), target, left_out[0])
    return PackedCorpus(
        np.load(target, mmap_mode="r"), np.array(facts["offsets"]), tuple(facts["sources"]), sample_rate
    )
