"""Recordings in: what a file is, and its samples as a stream of blocks (libsndfile).

Integer formats are read as integers and divided by a power of two, so every sample that the file holds can be written
back bit for bit; float32 holds up to 24 bits, float64 the rest.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float

from rephase.errors import AudioFileError

LOWEST_RATE, HIGHEST_RATE = 4_000, 768_000  # Hz
MOST_CHANNELS = 64  # a sphere of microphones; more are a damaged header, or samples taken for channels
LARGEST_SAMPLE = 1e10  # a float file on the scale of 32-bit integers is odd but usable, more is damage
BLOCK_SECONDS = 1.0

# Bits of a sample; what is not listed is decoded to float.
INTEGER_BITS = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32,
    "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32, "ULAW": 16, "ALAW": 16,
}  # fmt: skip


@dataclass(frozen=True)
class AudioInfo:
    """What a recording is.

    Attributes:
        path: the file.
        format: container, as libsndfile names it: `WAV`, `FLAC`, `OGG`, `MP3` ...
        subtype: sample format or codec: `PCM_16`, `FLOAT`, `VORBIS` ...
        sample_rate: Hz.
        channels: how many.
        frames: samples a channel that the file says it holds; a damaged file may hold fewer.
    """

    path: Path
    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.sample_rate

    @property
    def dtype(self) -> np.dtype:
        """Float type that holds every sample exactly."""
        wide = self.subtype == "DOUBLE" or INTEGER_BITS.get(self.subtype, 0) > 24
        return np.dtype(np.float64 if wide else np.float32)


def audio_info(path: str | os.PathLike[str]) -> AudioInfo:
    """Says what a recording is.

    Args:
        path: the file.

    Returns:
        Container, sample format, rate, channels and length.

    Raises:
        AudioFileError: if it is missing, unreadable, no audio file, or holds nothing that could be enhanced.
    """
    with _opened(Path(path)) as sound:
        return _described(Path(path), sound)


def read_blocks(info: AudioInfo, block_frames: int | None = None) -> Iterator[Float[np.ndarray, "channels time"]]:
    """Reads a recording from start to end.

    Args:
        info: from `audio_info`.
        block_frames: samples a block; about a second by default.

    Yields:
        Blocks of samples, full scale ±1, of the type `info.dtype`; the last may be shorter.

    Raises:
        AudioFileError: if it can't be decoded to its end, or a sample is NaN, infinite or absurdly large.
    """
    block_frames = block_frames or round(BLOCK_SECONDS * info.sample_rate)
    bits = INTEGER_BITS.get(info.subtype)
    done = 0
    with _opened(info.path) as sound:
        if _described(info.path, sound) != info:
            raise AudioFileError(f"the file changed while it was read; {info.path}; start again once it is complete")
        while True:
            try:
                frames = sound.read(block_frames, dtype="int32" if bits else info.dtype.name, always_2d=True)
            except (soundfile.SoundFileError, RuntimeError) as error:
                raise AudioFileError(
                    f"decoding fails at {done / info.sample_rate:.3f} s ({_reason(error)}); {info.path}; "
                    f"the file is damaged: fetch it again, or convert what is left of it"
                ) from error
            if not len(frames):
                break
            block = frames.T.astype(info.dtype)
            if bits:
                block *= 2.0**-31
            else:
                _check_finite(block, done, info)
            done += len(frames)
            yield block
    if not done:
        raise AudioFileError(f"nothing in it can be decoded; {info.path}; the file is damaged: fetch it again")


def path_for_libsndfile(path: Path) -> str | bytes:
    """A path as soundfile hands it on unchanged.

    Args:
        path: of a file; on POSIX its name may be any bytes, which Python holds as surrogates where they aren't UTF-8.

    Returns:
        Its bytes on POSIX, text on Windows.
    """
    return os.fsencode(path) if os.name == "posix" else os.fspath(path)


def _opened(path: Path) -> soundfile.SoundFile:
    _check_readable(path)
    try:
        return soundfile.SoundFile(path_for_libsndfile(path))
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        # TypeError: soundfile takes `.raw` for audio without a header and asks for its rate
        reason = "it has no header" if isinstance(error, TypeError) else _reason(error)
        raise AudioFileError(
            f"this is no audio file that can be read ({reason}); {path}; "
            f"name a recording, or convert it first: ffmpeg -i INPUT talk.wav"
        ) from error


def _check_readable(path: Path) -> None:
    if "\0" in str(path):
        raise AudioFileError(f"a file name can't hold a zero byte; {str(path)!r}; check the name")
    try:
        if path.is_dir():
            raise AudioFileError(
                f"this is a folder, not a recording; {path}; "
                f"name the files in it: rephase enhance {path}/*.wav -o cleaned/"
            )
        if path.exists() and not path.is_file():
            raise AudioFileError(f"this is no regular file; {path}; name a recording")
        with path.open("rb") as file:
            if not file.read(1):
                raise AudioFileError(f"the file is empty (0 bytes); {path}; fetch or record it again")
    except FileNotFoundError as error:
        raise AudioFileError(f"there is no such file; {path}; check the name") from error
    except OSError as error:
        raise AudioFileError(f"can't read it ({error.strerror}); {path}; check its name and permissions") from error


def _described(path: Path, sound: soundfile.SoundFile) -> AudioInfo:
    if not sound.frames:
        raise AudioFileError(f"the recording has no samples; {path}; fetch or record it again")
    if not LOWEST_RATE <= sound.samplerate <= HIGHEST_RATE:
        raise AudioFileError(
            f"sample rate must be {LOWEST_RATE} to {HIGHEST_RATE} Hz, got {sound.samplerate}; {path}; "
            f"check the file's header, or convert it to a usual rate first"
        )
    if sound.channels > MOST_CHANNELS:
        raise AudioFileError(
            f"at most {MOST_CHANNELS} channels can be enhanced, got {sound.channels}; {path}; "
            f"check the file's header, or split it first"
        )
    return AudioInfo(
        path=path,
        format=sound.format,
        subtype=sound.subtype,
        sample_rate=sound.samplerate,
        channels=sound.channels,
        frames=sound.frames,
    )


def _check_finite(block: np.ndarray, first: int, info: AudioInfo) -> None:
    bad = ~(np.abs(block) <= LARGEST_SAMPLE)  # true for NaN as well
    if bad.any():
        frame = int(np.argmax(bad.any(axis=0)))
        value = block[bad[:, frame], frame][0]
        raise AudioFileError(
            f"a sample is {value} at {(first + frame) / info.sample_rate:.3f} s, full scale is 1; {info.path}; "
            f"the recording is damaged there: cut that part out or export it again"
        )


def _reason(error: Exception) -> str:
    """The own words of libsndfile, without the path that stands in the message anyway."""
    reason = getattr(error, "error_string", str(error)).strip().rstrip(".").lower()
    # What it says where it finds no frame of an MP3; that the file is there and regular is known by then.
    return "its content is no audio" if "is not a regular file" in reason else reason
