"""What a recording is degraded with: a file of noise, people who babble, a room; which ones is the recording's own lot.

Each file has a rank for each recording, a hash of the recording's seed and the file's name, and the lowest is taken: a
file more or less in a folder changes the lot of those recordings alone that it falls to.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int16

from rephase.audio.checks import not_a_folder
from rephase.audio.formats import CONTAINERS
from rephase.data.corpus import FULL_SCALE
from rephase.data.decoding import decoded
from rephase.degradations.decay import decay_seconds
from rephase.degradations.responses import name_of, read_response
from rephase.degradations.shoebox import random_room
from rephase.errors import AudioFileError, RephaseError

SILENCE = 1e-10  # mean power


@dataclass(frozen=True)
class Folder:
    """Recordings in a folder and those below it.

    Attributes:
        path: of the folder.
        files: paths below it, with `/` between folders, sorted.
    """

    path: Path
    files: tuple[str, ...]

    def ranked(self, seed: int, purpose: str) -> list[str]:
        """The files in the order of their ranks.

        Args:
            seed: of the recording that they are for.
            purpose: what they are for.
        """
        return sorted(
            self.files,
            key=lambda name: hashlib.sha256(f"{seed}/{purpose}/{name}".encode("utf-8", "surrogateescape")).digest(),
        )


def open_folder(path: Path) -> Folder:
    """Lists the recordings of a folder; hidden files and folders are none.

    Raises:
        RephaseError: If there is no such folder, or no recording in it.
    """
    if not path.is_dir():
        raise RephaseError(not_a_folder(path))
    names = (file.relative_to(path) for file in path.rglob("*") if file.suffix.lower() in CONTAINERS and file.is_file())
    files = tuple(sorted(name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)))
    if not files:
        raise RephaseError(f"there is no recording in this folder; {path}; name one that holds some")
    return Folder(path, files)


@lru_cache(maxsize=8)
def _heard(path: Path, sample_rate: int) -> Int16[np.ndarray, " time"]:
    samples = decoded(path, sample_rate)
    check_audible(samples, path)
    return samples


def check_audible(samples: Int16[np.ndarray, " time"], path: Path) -> None:
    """Checks that there is something to hear.

    Args:
        samples: of a recording.
        path: of it.

    Raises:
        AudioFileError: If there isn't.
    """
    if np.square(samples / FULL_SCALE).mean() < SILENCE:
        raise AudioFileError(f"there is nothing to hear in it; {path}; take the file away")


def crops(
    folder: Folder, seed: int, purpose: str, *, count: int, length: int, sample_rate: int, without: Sequence[Path] = ()
) -> Iterator[tuple[str, Float32[np.ndarray, " time"]]]:
    """Takes crops of files of the lowest ranks, each from a place that is drawn for it; a file starts again at its end.

    Args:
        folder: of recordings.
        seed: of the recording that they are for.
        purpose: what they are for.
        count: how many; files are taken a second time only where there are fewer.
        length: samples.
        sample_rate: Hz.
        without: files that are not taken, unless there are no others.

    Yields:
        Name and samples.

    Raises:
        AudioFileError: If a file can't be read.
    """
    barred = {path.resolve() for path in without}
    ranked = folder.ranked(seed, purpose)
    allowed = [name for name in ranked if (folder.path / name).resolve() not in barred] or ranked
    for index in range(count):
        name = allowed[index % len(allowed)]
        samples = _heard(folder.path / name, sample_rate)
        start = int(_number(seed, f"{purpose}/{index}/{name}") % len(samples))
        yield name, samples[(start + np.arange(length)) % len(samples)].astype(np.float32) / np.float32(FULL_SCALE)


def room_of(folder: Folder | None, seed: int, *, sample_rate: int) -> tuple[str, float, Float32[np.ndarray, " time"]]:
    """The room of a recording.

    Args:
        folder: of measured responses; None: it is simulated.
        seed: of the recording.
        sample_rate: Hz.

    Returns:
        Name (`simulated`), T60 in seconds by Schroeder's integration, and the response.

    Raises:
        RephaseError: If the response can't be read, or nothing is there to simulate rooms with.
    """
    if folder is None:
        random = np.random.default_rng(_number(seed, "room"))
        responses, _ = _simulated(random, sample_rate)
        name, channel = "simulated", 0
    else:
        (name, *_) = folder.ranked(seed, "room")
        responses = read_response(folder.path / name, sample_rate=sample_rate)
        channel = _number(seed, f"channel/{name}") % len(responses)
        name = name_of(folder.path / name, folder.path, channel)
    response = responses[channel].astype(np.float32)
    return name, decay_seconds(response, sample_rate), response


def _simulated(random: np.random.Generator, sample_rate: int) -> tuple[np.ndarray, float]:
    try:
        return random_room(random, microphones=1, sample_rate=sample_rate)
    except ModuleNotFoundError as error:
        raise RephaseError(
            f"simulating rooms needs the package {error.name}, not installed here; install: "
            "pip install 'rephase[train]', or name measured ones: --rooms FOLDER"
        ) from error


def _number(seed: int, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}".encode("utf-8", "surrogateescape")).digest()[:7], "big")
