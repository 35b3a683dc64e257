"""PyAV, where it is installed: the one place that imports it, opens files with it and puts its errors into words."""

import contextlib
import importlib
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rephase.errors import AudioFileError

if TYPE_CHECKING:
    from av.container import InputContainer

log = logging.getLogger(__name__)

EXTRA = "pip install 'rephase[media]'"
# Lists of other files, in other places: what a recording holds lies in itself.
PLAYLISTS = {"hls", "concat", "dash", "sdp", "rtsp", "imf", "vapoursynth", "avisynth"}
MOST_BOXES = 10_000  # a recording in fragments has one or two a second
_importing = threading.Lock()


def has_av() -> bool:
    """Whether PyAV is installed.

    Returns:
        True if it can be imported.
    """
    try:
        load_av()
    except ImportError:
        return False
    return True


def load_av() -> Any:
    """Imports PyAV.

    Returns:
        The module `av`.

    Raises:
        ImportError: if it isn't installed, or doesn't load.
    """
    with _importing:
        return importlib.import_module("av")


@contextmanager
def opened(path: Path, reason: str = "", options: dict[str, str] | None = None) -> Iterator["InputContainer"]:
    """Opens a media file for reading.

    Args:
        path: the file.
        reason: why libsndfile refused it, for the message.
        options: of ffmpeg's demuxer.

    Yields:
        The opened container.

    Raises:
        AudioFileError: if PyAV is missing, or the file is none that ffmpeg's libraries read.
    """
    try:
        av = load_av()
    except ImportError as error:
        because = f" ({reason})" if reason else ""
        raise AudioFileError(
            f"this is no audio file that libsndfile can read{because}; {path}; for video, M4A, WMA, AMR and others "
            f"install PyAV: {EXTRA}"
        ) from error
    try:
        # The prefix keeps a name such as `http:x` a file's name. Tags in odd code pages go through byte by byte.
        container = av.open(
            f"file:{path}",
            options={"protocol_whitelist": "file"} | (options or {}),
            metadata_errors="surrogateescape",
        )
    except (av.error.FFmpegError, ValueError) as error:
        if _lacks_index(path):
            raise AudioFileError(
                f"its index is missing, as where the power went or a copy broke off; {path}; copy it again, or mend it "
                f"with a program that rebuilds the index from another recording of the same device"
            ) from error
        words = words_of(error) if not reason or isinstance(error, OSError) else reason
        raise AudioFileError(
            f"this is no audio file that can be read ({words}); {path}; name a recording, or a video with sound"
        ) from error
    with container:
        if PLAYLISTS & set(container.format.name.split(",")):
            raise AudioFileError(f"this is a playlist, not a recording; {path}; name the recordings in it")
        yield container


def _lacks_index(path: Path) -> bool:
    """Whether a file begins as an MP4 or MOV does, in boxes of [size, 4 bytes; name, 4 bytes], and has no `moov`."""
    names: list[bytes] = []
    place = 0
    with contextlib.suppress(OSError), path.open("rb") as file:
        end = path.stat().st_size
        while place + 8 <= end and len(names) < MOST_BOXES:
            file.seek(place)
            head = file.read(16)
            names.append(head[4:8])
            size = int.from_bytes(head[:4], "big")
            size = int.from_bytes(head[8:], "big") if size == 1 else size
            if size < 8:  # 0: to the end of the file
                break
            place += size
    return names[:1] == [b"ftyp"] and not {b"moov", b"meta"} & set(names)  # a picture has `meta` in its place


def packets_of(container: "InputContainer", streams: Sequence[Any] | None = None) -> Iterator[Any]:
    """Packets of a file, and at the end an empty one for each stream, which empties its decoder.

    In damaged FLV and TS a stream may turn up that was not there when the file was opened; PyAV stumbles over it at the
    end, after the last packet.

    Args:
        container: opened for reading.
        streams: that are wanted; all by default.

    Yields:
        Packets in the file's order.
    """
    wanted = list(container.streams) if streams is None else streams
    emptied = set()
    try:
        for packet in container.demux(wanted):
            if not packet.size:
                emptied.add(packet.stream_index)
            yield packet
    except IndexError:
        for stream in wanted:
            if stream.index not in emptied:
                packet = load_av().Packet()
                packet.stream, packet.time_base = stream, stream.time_base
                yield packet


def words_of(error: Exception) -> str:
    """What ffmpeg says about an error, without the path and the code that stand in the message anyway.

    Args:
        error: from PyAV.

    Returns:
        A few words in lower case.
    """
    words = getattr(error, "strerror", None) or str(error)
    return re.sub(r"\s+", " ", words).strip().rstrip(".").lower()
