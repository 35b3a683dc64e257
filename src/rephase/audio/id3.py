"""The tag at the start of an MP3: copied from one MP3 to the next with everything in it, or made from a few names.

libsndfile writes MP3 tags in the character set of 1996 and knows no pictures, so this is done here. A tag is ten bytes
(`ID3`, version, flags, size in four groups of 7 bits) and frames: four letters, size, flags, content
(https://id3.org/id3v2.4.0-structure, https://id3.org/id3v2.3.0).
"""

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from rephase.audio.tags import MADE_BY

HEADER = 10  # bytes, of the tag and of each frame
LATIN_1, UTF_8 = b"\x00", b"\x03"
LARGEST_TAG = 64 << 20  # bytes; pictures are large, but not that large
FRAMES = {
    "title": "TIT2", "artist": "TPE1", "album": "TALB", "date": "TDRC", "genre": "TCON", "copyright": "TCOP",
    "tracknumber": "TRCK", "software": "TSSE",
}  # fmt: skip


def copied_tag(path: Path, made_by: str) -> bytes | None:
    """The tag of an MP3, with a frame more that says what made the result.

    Args:
        path: of the recording.
        made_by: such as `rephase 0.2.0 renet-lite`.

    Returns:
        The tag for the result; None if the recording has none that is understood.
    """
    with path.open("rb") as file:
        head = file.read(HEADER)
        if len(head) < HEADER or head[:3] != b"ID3" or max(head[6:]) > 127:
            return None
        size = _number(head[6:], 7)
        body = file.read(size) if size <= LARGEST_TAG else b""
    if not body or len(body) < size:
        return None
    # An extended header, or a tag in which every byte is escaped: kept as it is, without our frame.
    if head[3] not in (3, 4) or head[5] or b"\x00Made by\x00" + MADE_BY.encode() in body:
        return head + body
    frame = _frame("TXXX", LATIN_1 + b"Made by\x00" + made_by.encode("latin-1", "replace"), head[3])
    return head[:6] + _bytes(size + len(frame), 7) + frame + body


def new_tag(tags: Mapping[str, str]) -> bytes:
    """A tag made from names.

    Args:
        tags: by the names of `rephase.audio.tags`.

    Returns:
        An ID3v2.4 tag in UTF-8; empty if nothing is to be said.
    """
    frames = b"".join(
        _frame(letters, UTF_8 + tags[name].encode("utf-8", "replace"), 4)
        for name, letters in FRAMES.items()
        if tags.get(name)
    )
    if tags.get("comment"):
        frames += _frame("COMM", UTF_8 + b"und\x00" + tags["comment"].encode("utf-8", "replace"), 4)
    return b"ID3\x04\x00\x00" + _bytes(len(frames), 7) + frames if frames else b""


class AfterTag(io.RawIOBase):
    """A file that begins after a tag, for a library that believes it begins at 0.

    The library calls from C, where nothing can be raised: where the disk is full, nothing more is written, which it
    notices, and `close` fails.

    Args:
        path: of the file, which gets the tag.
        tag: that comes before everything else.

    Raises:
        OSError: if the tag can't be written.
    """

    def __init__(self, path: Path, tag: bytes) -> None:
        self._failure: OSError | None = None
        self._start = 0
        self._file: BinaryIO = path.open("r+b", buffering=0)
        super().__init__()
        if self.write(tag) < len(tag):
            self.close()  # which raises what was in the way
        self._start = len(tag)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Moves to a place after the tag."""
        start = self._start if whence == os.SEEK_SET else 0
        return self._file.seek(offset + start, whence) - self._start

    def tell(self) -> int:
        """The place, counted from the tag's end."""
        return self._file.tell() - self._start

    def write(self, content: bytes) -> int:  # type: ignore[override]
        """Writes there."""
        written = 0
        try:
            while written < len(content) and self._failure is None:
                written += self._file.write(content[written:])
        except OSError as error:
            self._failure = error
        return written

    def read(self, size: int = -1) -> bytes:
        """Reads there."""
        return self._file.read(size)

    def close(self) -> None:
        """Closes the file behind.

        Raises:
            OSError: if something could not be written.
        """
        failure, self._failure = self._failure, None
        self._file.close()
        super().close()
        if failure is not None:
            raise failure


def _frame(letters: str, content: bytes, version: int) -> bytes:
    return letters.encode() + _bytes(len(content), 7 if version == 4 else 8) + bytes(2) + content


def _number(four: bytes, bits: int) -> int:
    value = 0
    for byte in four:
        value = value << bits | byte
    return value


def _bytes(value: int, bits: int) -> bytes:
    return bytes(value >> shift & (1 << bits) - 1 for shift in (3 * bits, 2 * bits, bits, 0))
