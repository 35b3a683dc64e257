"""A corpus of many small files as one memory-mapped array, decoded once.

Decoding Opus and FLAC at each step would cost as much as the network; a crop out of the packed array costs nothing.
Files of one source stand next to each other, sorted by name and so by speaker.
"""

import csv
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32, Int64

logger = logging.getLogger(__name__)
FULL_SCALE = 32768.0


@dataclass(frozen=True)
class PackedCorpus:
    """Files of one split behind each other in one array of 16-bit samples.

    Attributes:
        samples: all audio, int16.
        offsets: first sample of each file, and the total length at the end.
        sources: name of the source of each file.
        sample_rate: Hz.
    """

    samples: np.ndarray
    offsets: Int64[np.ndarray, " files_1"]
    sources: tuple[str, ...]
    sample_rate: int

    def __len__(self) -> int:
        return len(self.sources)

    def lengths(self) -> Int64[np.ndarray, " files"]:
        """Samples of each file."""
        return np.diff(self.offsets)

    def crop(self, start: int, length: int) -> Float32[np.ndarray, " length"]:
        """`length` samples from `start` of the whole array, wrapping round at its end; full scale ±1."""
        positions = np.arange(start, start + length) % len(self.samples)
        return self.samples[positions].astype(np.float32) / FULL_SCALE

    def tiled(self, index: int, start: int, length: int) -> Float32[np.ndarray, " length"]:
        """`length` samples of one file from its sample `start`, repeated where the file is shorter."""
        first, last = self.offsets[index], self.offsets[index + 1]
        positions = first + np.arange(start, start + length) % (last - first)
        return self.samples[positions].astype(np.float32) / FULL_SCALE


def pack(manifest: Path, split: str, target: Path, *, sample_rate: int = 16000) -> PackedCorpus:
    """Decodes the files of one split into `target` (an .npy beside a .json), or opens what stands there already.

    Args:
        manifest: CSV with the columns `path` (relative to the CSV), `split` and `source`.
        split: which rows to take.
        target: path of the array, ending in .npy.
        sample_rate: what each file must have, Hz.

    Raises:
        ValueError: If no row has that split, or a file has another rate or more than one channel.
    """
    facts_path = target.with_suffix(".json")
    if not (target.exists() and facts_path.exists()):
        with manifest.open(newline="") as file:
            rows = sorted((row["source"], row["path"]) for row in csv.DictReader(file) if row["split"] == split)
        if not rows:
            raise ValueError(f"split must be one that {manifest} has; got {split!r}.")
        pieces: list[np.ndarray] = []
        for _, path in rows:
            audio, rate = soundfile.read(manifest.parent / path, dtype="int16", always_2d=True)
            if rate != sample_rate or audio.shape[1] != 1:
                raise ValueError(
                    f"{path} must be mono at {sample_rate} Hz; got {audio.shape[1]} channels at {rate} Hz. "
                    "Resample it first."
                )
            pieces.append(audio[:, 0])
        target.parent.mkdir(parents=True, exist_ok=True)
        np.save(target, np.concatenate(pieces))
        offsets = np.cumsum([0, *(len(piece) for piece in pieces)])
        facts_path.write_text(json.dumps({"offsets": offsets.tolist(), "sources": [source for source, _ in rows]}))
        logger.info("packed %d files, %.2f h, into %s", len(rows), offsets[-1] / sample_rate / 3600, target)
    facts = json.loads(facts_path.read_text())
    return PackedCorpus(
        np.load(target, mmap_mode="r"), np.array(facts["offsets"]), tuple(facts["sources"]), sample_rate
    )
