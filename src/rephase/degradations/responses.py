"""Measured room responses from a folder, as the published collections have them: any WAV or FLAC, any channels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from rephase.audio.files import audio_info, read_blocks
from rephase.audio.resample import Resampler
from rephase.degradations.shoebox import LEAD, NEAR, strongest_from
from rephase.errors import AudioFileError, RephaseError

SUFFIXES = {".wav", ".flac"}
LONGEST_SECONDS = 4.0


@dataclass(frozen=True)
class Responses:
    """Responses of rooms, aligned.

    Attributes:
        values: each with its direct sound at 40 samples and of height 1; zeros where a shorter one has ended.
        names: path below the folder, with `#2` behind it for a second channel.
    """

    values: Float32[np.ndarray, "responses time"]
    names: tuple[str, ...]


def response_files(folder: Path) -> list[Path]:
    """The WAV and FLAC files in a folder and those below it, sorted.

    Args:
        folder: to look in.

    Raises:
        RephaseError: If there is none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise RephaseError(f"there are no room responses; {folder}; name a folder that holds some as .wav or .flac")
    return found


def read_response(path: Path, *, sample_rate: int = 16000) -> Float32[np.ndarray, "channels time"]:
    """Reads one file of responses, one a channel, each aligned to its own direct sound.

    That is the first sample of at least half the height of the strongest one, or a higher one within 8 samples of it:
    reflections may be stronger.

    Args:
        path: of the recording.
        sample_rate: that it is resampled to, Hz.

    Returns:
        Each channel with its direct sound at 40 samples and of height 1; what comes earlier is left out, and what comes
        later than 4 s.

    Raises:
        AudioFileError: If it can't be read, or a channel of it is silent.
    """
    info = audio_info(path)
    samples = np.concatenate(list(read_blocks(info)), axis=1)
    if info.sample_rate != sample_rate:
        resampler = Resampler(info.sample_rate, sample_rate, len(samples), samples.dtype)
        samples = np.concatenate([resampler.push(samples), resampler.flush()], axis=1)
    samples = samples[:, : int(60 * sample_rate)]
    heights = np.abs(samples)
    highest = heights.max(axis=1, keepdims=True)
    if not highest.all():
        raise AudioFileError(f"a channel of this room response is silent; {path}; take the file away")
    firsts = np.argmax(heights >= highest / 2, axis=1)
    places = [strongest_from(channel, int(first), NEAR + 1) for channel, first in zip(samples, firsts)]
    after = min(max(samples.shape[1] - place for place in places), int(LONGEST_SECONDS * sample_rate))
    aligned = np.zeros((len(samples), LEAD + after), dtype=np.float32)
    for row, channel, place in zip(aligned, samples, places):
        part = np.concatenate([np.zeros(LEAD), channel])[place : place + len(row)]
        row[: len(part)] = part / channel[place]
    return aligned


def read_responses(folder: Path, *, sample_rate: int = 16000) -> Responses:
    """Reads all measured responses of a folder and those below it.

    Args:
        folder: with WAV and FLAC files; each channel is a response.
        sample_rate: that they are resampled to, Hz.

    Returns:
        The responses, sorted by path.

    Raises:
        RephaseError: If there is none, or one can't be read.
    """
    read = {path: read_response(path, sample_rate=sample_rate) for path in response_files(folder)}
    longest = max(response.shape[1] for response in read.values())
    rows = [np.pad(response, ((0, 0), (0, longest - response.shape[1]))) for response in read.values()]
    names = [name_of(path, folder, channel) for path, response in read.items() for channel in range(len(response))]
    return Responses(np.concatenate(rows), tuple(names))


def name_of(path: Path, folder: Path, channel: int) -> str:
    """How a response is called: its path below the folder, and the number of its channel from the second on."""
    return path.relative_to(folder).as_posix() + (f"#{channel + 1}" if channel else "")
