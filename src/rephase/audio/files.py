"""Recordings in: what a file is, and its samples as a stream of blocks.

libsndfile reads what it can; what it can't (M4A, WMA, AMR, video ...) goes to `rephase.audio.media`, which needs PyAV.
Integer formats are read as integers and divided by a power of two, so every sample that the file holds can be written
back bit for bit; float32 holds up to 24 bits, float64 the rest.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float

from rephase.audio.checks import check_channels, check_finite, check_rate, check_readable
from rephase.audio.media.track import MediaTrack
from rephase.audio.pcm import is_known_size
from rephase.audio.tags import read_tags
from rephase.errors import AudioFileError

BLOCK_SECONDS = 1.0
LARGEST_HEADER = 4096  # bytes; a file that is longer and says it holds no samples was never finished

# Bits of a sample; what is not listed is decoded to float.
INTEGER_BITS = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32,
    "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32, "ULAW": 16, "ALAW": 16,
}  # fmt: skip


@dataclass(frozen=True)
class AudioInfo:
    """What a recording is, or one audio track of a media file.

    Attributes:
        path: the file.
        format: container, as libsndfile names it: `WAV`, `FLAC`, `OGG`, `MP3` ...; of media files its extension.
        subtype: sample format or codec: `PCM_16`, `FLOAT`, `VORBIS` ...; `AAC`, `WMAV2` ... of media files.
        sample_rate: Hz.
        channels: how many.
        frames: samples a channel that the file says it holds; a damaged file may hold fewer. 0 where it doesn't say.
        media: the track of a media file; None where libsndfile reads the file.
        cut_off: samples a channel that its header names beyond these, and that are not in the file.
    """

    path: Path
    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int
    media: MediaTrack | None = None
    cut_off: int = 0

    @property
    def seconds(self) -> float:
        """Duration."""
        return self.frames / self.sample_rate

    @property
    def stated_seconds(self) -> float:
        """Duration that the file says it has, with what is cut off."""
        return (self.frames + self.cut_off) / self.sample_rate

    @property
    def says_length(self) -> bool:
        """Whether the length is known, and no guess."""
        return bool(self.frames) and (self.media is None or self.media.exact)

    @property
    def dtype(self) -> np.dtype:
        """Float type that holds every sample exactly."""
        wide = self.subtype == "DOUBLE" or INTEGER_BITS.get(self.subtype, 0) > 24
        return np.dtype(np.float64 if wide else np.float32)


def audio_info(path: str | os.PathLike[str]) -> AudioInfo:
    """Says what a recording is; of a media file with several audio tracks, the first.

    Args:
        path: the file.

    Returns:
        Container, sample format, rate, channels and length.

    Raises:
        AudioFileError: if it is missing, unreadable, no audio file, or holds nothing that could be enhanced.
    """
    return audio_tracks(path)[0]


def audio_tracks(path: str | os.PathLike[str]) -> list[AudioInfo]:
    """Says what each audio track of a file is; a recording that libsndfile reads is one track.

    Args:
        path: the file.

    Returns:
        At least one description.

    Raises:
        AudioFileError: as `audio_info` does.
    """
    path = Path(path)
    check_readable(path)
    try:
        with _opened(path) as sound:
            return [_described(path, sound)]
    except _NotOurs as refusal:
        if isinstance(refusal.__cause__, TypeError):
            raise
        from rephase.audio.media.probe import probe

        return probe(path, refusal.reason).tracks


def tags_of(path: Path) -> dict[str, str]:
    """Title, artist and the like of a recording that libsndfile reads.

    Args:
        path: the file.

    Returns:
        Tags by the names of `rephase.audio.tags`.
    """
    with _opened(path) as sound:
        return read_tags(sound)


def read_blocks(
    info: AudioInfo, block_frames: int | None = None, notices: list[str] | None = None
) -> Iterator[Float[np.ndarray, "channels time"]]:
    """Reads a recording from start to end.

    Args:
        info: from `audio_info` or `audio_tracks`.
        block_frames: samples a block; about a second by default.
        notices: gets a line for what the user should know, such as damage that was bridged.

    Yields:
        Blocks of samples, full scale ±1, of the type `info.dtype`; the last may be shorter.

    Raises:
        AudioFileError: if it can't be decoded to its end, or a sample is NaN, infinite or absurdly large.
    """
    block_frames = block_frames or round(BLOCK_SECONDS * info.sample_rate)
    if info.media is not None:
        from rephase.audio.media.decode import read_track

        blocks = read_track(info, block_frames, notices if notices is not None else [])
    else:
        blocks = _read_with_libsndfile(info, block_frames)
    done = 0
    for block in blocks:
        if info.subtype not in INTEGER_BITS:
            check_finite(block, done, info.sample_rate, info.path)
        done += block.shape[1]
        yield block
    if not done:
        raise AudioFileError(f"nothing in it can be decoded; {info.path}; the file is damaged: fetch it again")


def _read_with_libsndfile(info: AudioInfo, block_frames: int) -> Iterator[np.ndarray]:
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
                    f"the file is damaged: fetch it again, or rescue what is left: ffmpeg -i INPUT rescued.wav"
                ) from error
            if not len(frames):
                return
            block = frames.T.astype(info.dtype, order="C")  # channel by channel, as all stages work
            if bits:
                block *= 2.0**-31
            done += len(frames)
            yield block


def path_for_libsndfile(path: Path) -> str | bytes:
    """A path as soundfile hands it on unchanged.

    Args:
        path: of a file; on POSIX its name may be any bytes, which Python holds as surrogates where they aren't UTF-8.

    Returns:
        Its bytes on POSIX, text on Windows.
    """
    return os.fsencode(path) if os.name == "posix" else os.fspath(path)


class _NotOurs(AudioFileError):
    """libsndfile can't read this file."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"this is no audio file that can be read ({reason}); {path}; "
            f"name a recording, or convert it first: ffmpeg -i INPUT talk.wav"
        )
        self.reason = reason


def _opened(path: Path) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(path_for_libsndfile(path))
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        # TypeError: soundfile takes `.raw` for audio without a header and asks for its rate
        raise _NotOurs(path, "it has no header" if isinstance(error, TypeError) else _reason(error)) from error


def _described(path: Path, sound: soundfile.SoundFile) -> AudioInfo:
    if not sound.frames:
        if path.stat().st_size > LARGEST_HEADER:  # of a recorder that lost its power; ffmpeg reads on to the end
            raise _NotOurs(path, "its header says that it holds no samples")
        raise AudioFileError(f"the recording has no samples; {path}; fetch or record it again")
    check_rate(sound.samplerate, path)
    check_channels(sound.channels, path)
    return AudioInfo(
        path=path,
        format=sound.format,
        subtype=sound.subtype,
        sample_rate=sound.samplerate,
        channels=sound.channels,
        frames=sound.frames,
        cut_off=_cut_off(sound),
    )


def _cut_off(sound: soundfile.SoundFile) -> int:
    """Samples a channel that the header of a WAV names beyond those that are there, which libsndfile only logs."""
    found = re.search(r"^data : (\d+) \(should be (\d+)\)$", sound.extra_info, re.MULTILINE)
    if found is None:
        return 0
    said, there = map(int, found.groups())
    return round(sound.frames * (said / there - 1)) if there and is_known_size(said) else 0


def _reason(error: Exception) -> str:
    """The own words of libsndfile, without the path that stands in the message anyway."""
    reason = getattr(error, "error_string", str(error)).strip().rstrip(".").lower()
    # What it says where it finds no frame of an MP3; that the file is there and regular is known by then.
    return "its content is no audio" if "is not a regular file" in reason else reason
