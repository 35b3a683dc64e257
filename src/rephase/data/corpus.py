"""A corpus of many small files as one memory-mapped array, decoded once.

Decoding Opus and FLAC at each step would cost as much as the network; a crop out of the packed array costs nothing.
Files of one source stand next to each other, sorted by name and so by speaker.
"""

import csv
import hashlib
import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32, Int16, Int64

from rephase.errors import RephaseError

logger = logging.getLogger(__name__)
FULL_SCALE = 32768.0
ESC_CUT = re.compile(r"_\d-(\d+)-[A-Z]$")  # ESC-10 names its files fold-recording-cut


class CorpusError(RephaseError):
    """A manifest or a recording that no corpus can be made of."""


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

    def crop(self, start: int, length: int) -> Float32[np.ndarray, " length"]:
        """Samples of the whole array, from one file into the next: speech of the same source, without a pause.

        Args:
            start: first sample, counted from the start of the array.
            length: how many samples; they go on at the start of the array where it ends.

        Returns:
            Full scale ±1.
        """
        positions = np.arange(start, start + length) % len(self.samples)
        return self.samples[positions].astype(np.float32) / FULL_SCALE

    def tiled(self, index: int, start: int, length: int) -> Float32[np.ndarray, " length"]:
        """Samples of one file, which starts again where it ends.

        Args:
            index: number of the file.
            start: first sample, counted from the start of the file.
            length: how many samples.

        Returns:
            Full scale ±1.
        """
        first, last = self.offsets[index], self.offsets[index + 1]
        positions = first + np.arange(start, start + length) % (last - first)
        return self.samples[positions].astype(np.float32) / FULL_SCALE


def pack(manifest: Path, split: str, target: Path, *, sample_rate: int = 16000) -> PackedCorpus:
    """Decodes the files of one split into an array, or opens it if it was made from the same manifest before.

    Args:
        manifest: CSV with the columns `path` (relative to the CSV), `split` and `source`.
        split: which rows to take; `train` leaves out other cuts of a recording that another split holds.
        target: path of the array, ending in .npy; a .json beside it says where each file starts.
        sample_rate: what each file must have, Hz.

    Returns:
        The files of the split, sorted by source and path; their samples stay on disk.

    Raises:
        CorpusError: If the manifest is missing or lacks a column, no row has that split, or a file can't be read, is
            empty, or has another rate or more than one channel.
    """
    rows = _rows(manifest, split)
    facts_path = target.with_suffix(".json")
    made_from = hashlib.sha256(json.dumps([str(manifest.resolve()), sample_rate, rows]).encode()).hexdigest()
    facts = json.loads(facts_path.read_text()) if target.exists() and facts_path.exists() else {}
    if facts.get("made_from") != made_from:
        pieces = [_decoded(manifest.parent / path, sample_rate) for _, path in rows]
        offsets = np.cumsum([0, *(len(piece) for piece in pieces)])
        facts = {"made_from": made_from, "offsets": offsets.tolist(), "sources": [source for source, _ in rows]}
        _write(target, np.concatenate(pieces), facts_path, json.dumps(facts))
        logger.info("packed %d files, %.2f h, into %s", len(rows), offsets[-1] / sample_rate / 3600, target)
    return PackedCorpus(
        np.load(target, mmap_mode="r"), np.array(facts["offsets"]), tuple(facts["sources"]), sample_rate
    )


def _rows(manifest: Path, split: str) -> list[tuple[str, str]]:
    """Source and path of the files of a split, sorted."""
    try:
        with manifest.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise CorpusError(
            f"can't read the manifest ({error.strerror}); {manifest}; name a folder that has it"
        ) from error
    missing = {"path", "split", "source"} - set(rows[0] if rows else ())
    if missing:
        raise CorpusError(f"the manifest lacks {', '.join(sorted(missing))}; {manifest}; add the column and its values")
    held_out = {_recording(row["path"]) for row in rows if row["split"] != "train"} if split == "train" else set()
    chosen = sorted(
        (row["source"], row["path"])
        for row in rows
        if row["split"] == split and _recording(row["path"]) not in held_out
    )
    if not chosen:
        splits = ", ".join(sorted({row["split"] for row in rows}))
        raise CorpusError(f"split must be one of {splits}; got {split!r}; {manifest}; mark some of its files {split}")
    return chosen


def _recording(path: str) -> str:
    """What a file was cut from: the recording's number where the name tells it, else the file itself."""
    cut = ESC_CUT.search(Path(path).stem)
    return cut[1] if cut else path


def _decoded(path: Path, sample_rate: int) -> Int16[np.ndarray, " time"]:
    """All samples of one file."""
    try:
        audio, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise CorpusError(f"can't read a recording ({error}); {path}; mend it, or take it off the manifest") from error
    if rate != sample_rate or audio.shape[1] != 1:
        raise CorpusError(
            f"a recording must be mono at {sample_rate} Hz, got {audio.shape[1]} channel(s) at {rate} Hz; {path}; "
            "convert it first"
        )
    if not len(audio):
        raise CorpusError(f"a recording holds no samples; {path}; take it off the manifest")
    return audio[:, 0]


def _write(target: Path, samples: np.ndarray, facts_path: Path, facts: str) -> None:
    """Puts both files in place whole: an array that another process has open stays as it is for that process."""
    target.parent.mkdir(parents=True, exist_ok=True)
    facts_path.unlink(missing_ok=True)  # an array without its facts is made again, whatever happens from here on
    part = target.with_suffix(".part.npy")
    np.save(part, samples)
    part.replace(target)
    facts_part = facts_path.with_suffix(".part.json")
    facts_part.write_text(facts)
    facts_part.replace(facts_path)
