"""What a recording must be to be enhanced, whatever it is read with; each check has its one line."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from rephase.errors import AudioFileError

LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000  # Hz
MOST_CHANNELS = 64  # a sphere of microphones; more are a damaged header, or samples taken for channels
LARGEST_SAMPLE = 1e10  # a float file on the scale of 32-bit integers is odd but usable, more is damage


def check_readable(path: Path) -> None:
    """Checks that there is a file to read, whatever is in it.

    Args:
        path: of the recording.

    Raises:
        AudioFileError: if it is missing, a folder, no regular file, empty, or not permitted to be read.
    """
    if "\0" in str(path):
        raise AudioFileError(f"a file name can't hold a zero byte; {str(path)!r}; check the name")
    try:
        if path.is_dir():
            raise AudioFileError(f"this is a folder, not a recording; {path}; name the recordings in it")
        if path.exists() and not path.is_file():
            raise AudioFileError(f"this is no regular file; {path}; name a recording")
        with path.open("rb") as file:
            if not file.read(1):
                raise AudioFileError(f"the file is empty (0 bytes); {path}; fetch or record it again")
    except FileNotFoundError as error:
        raise AudioFileError(f"there is no such file; {path}; check the name") from error
    except OSError as error:
        raise AudioFileError(f"can't read it ({error.strerror}); {path}; check its name and permissions") from error


def not_a_folder(path: Path) -> str:
    """What to say where a folder of recordings is wanted and a path is none.

    Args:
        path: of no folder.

    Returns:
        What is wrong; where; what to do.
    """
    if path.exists():
        return f"this is a file, not a folder; {path}; name the folder that it is in: {path.parent}"
    return f"there is no such folder; {path}; name one that holds recordings"


def check_rate(sample_rate: int, path: Path) -> None:
    """Checks that a recording's rate is one that can be enhanced.

    Args:
        sample_rate: Hz.
        path: of the recording.

    Raises:
        AudioFileError: if it isn't.
    """
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise AudioFileError(
            f"sample rate must be {LOWEST_RATE} to {HIGHEST_RATE} Hz, got {sample_rate}; {path}; "
            f"check the file's header, or convert it to a usual rate first"
        )


def check_channels(channels: int, path: Path) -> None:
    """Checks that a recording's channels are not samples that were taken for channels.

    Args:
        channels: how many.
        path: of the recording.

    Raises:
        AudioFileError: if there are too many.
    """
    if channels > MOST_CHANNELS:
        raise AudioFileError(
            f"at most {MOST_CHANNELS} channels can be enhanced, got {channels}; {path}; "
            f"check the file's header, or split it first"
        )


def check_finite(block: Float[np.ndarray, "channels time"], first: int, sample_rate: int, path: Path) -> None:
    """Checks that samples are numbers on some sane scale.

    Args:
        block: of a recording.
        first: index of its first sample in the recording.
        sample_rate: of the recording, Hz.
        path: of the recording.

    Raises:
        AudioFileError: if one is NaN, infinite or absurdly large.
    """
    bad = ~(np.abs(block) <= LARGEST_SAMPLE)  # true for NaN as well
    if bad.any():
        frame = int(np.argmax(bad.any(axis=0)))
        value = block[bad[:, frame], frame][0]
        raise AudioFileError(
            f"a sample is {value} at {(first + frame) / sample_rate:.3f} s, full scale is 1; {path}; "
            f"the recording is damaged there: cut that part out or export it again"
        )
