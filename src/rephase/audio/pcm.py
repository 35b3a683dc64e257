"""Plain samples as bytes: what goes through a pipe, with a WAV header in front or with none.

A stream of unknown length has a header whose sizes are 0xFFFFFFFF, as ffmpeg and sox write and read it; 0 means the
same. Then samples go on to the end of the stream. (WAVE: Microsoft and IBM, Multimedia Programming Interface, 1991.)
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from rephase.audio.checks import MOST_CHANNELS, check_rate
from rephase.audio.waveform import whole_numbers
from rephase.errors import AudioFileError

UNKNOWN = 0xFFFFFFFF
# What programs write that don't know a size: about the largest number of 31 or 32 bits.
UNKNOWN_SIZES = (range(0x7FFF0000, 0x80010000), range(0xFFFF0000, 0x100000000))
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
STANDARD_MASKS = {1: 0x4, 2: 0x3, 3: 0x7, 4: 0x33, 5: 0x37, 6: 0x3F, 7: 0x70F, 8: 0x63F}  # of speakers
PIPE = Path("-")
LARGEST_CHUNK = 1 << 24  # bytes of a chunk that comes before the samples


@runtime_checkable
class Readable(Protocol):
    """Where bytes come from; `read1`, if there is one, gives what is there at once."""

    def read(self, size: int = -1, /) -> bytes | None:
        """At most so many bytes; none at the end."""
        ...


@dataclass(frozen=True)
class SampleType:
    """How one sample lies in memory.

    Attributes:
        subtype: in libsndfile's words.
        dtype: numpy's; of 24-bit samples, which numpy has none for, that of the bytes.
        bits: of a sample.
    """

    subtype: str
    dtype: str
    bits: int

    @property
    def is_float(self) -> bool:
        """Whether samples are floats."""
        return self.dtype[1] == "f"


SAMPLE_TYPES = {
    "u8": SampleType("PCM_U8", "|u1", 8), "s8": SampleType("PCM_S8", "|i1", 8),
    "s16le": SampleType("PCM_16", "<i2", 16), "s16be": SampleType("PCM_16", ">i2", 16),
    "s24le": SampleType("PCM_24", "<3", 24), "s24be": SampleType("PCM_24", ">3", 24),
    "s32le": SampleType("PCM_32", "<i4", 32), "s32be": SampleType("PCM_32", ">i4", 32),
    "f32le": SampleType("FLOAT", "<f4", 32), "f32be": SampleType("FLOAT", ">f4", 32),
    "f64le": SampleType("DOUBLE", "<f8", 64), "f64be": SampleType("DOUBLE", ">f8", 64),
}  # fmt: skip
OF_WAV = {name: kind for name, kind in SAMPLE_TYPES.items() if name == "u8" or name.endswith("le")}


@dataclass(frozen=True)
class PcmFormat:
    """What a stream of samples is.

    Attributes:
        sample_rate: Hz.
        channels: how many, sample by sample.
        sample: a name of `SAMPLE_TYPES`.
    """

    sample_rate: int
    channels: int
    sample: str

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.channels * SAMPLE_TYPES[self.sample].bits // 8

    def decoded(self, content: bytes) -> Float[np.ndarray, "channels time"]:
        """Samples out of bytes.

        Args:
            content: whole frames.

        Returns:
            Full scale ±1; float64 for samples of more than 24 bits, else float32.
        """
        kind = SAMPLE_TYPES[self.sample]
        wide: np.dtype = np.dtype(np.float64 if kind.bits > (32 if kind.is_float else 24) else np.float32)
        if kind.bits == 24:
            little = (
                content if kind.dtype[0] == "<" else np.frombuffer(content, np.uint8).reshape(-1, 3)[:, ::-1].tobytes()
            )
            padded = np.zeros((len(little) // 3, 4), np.uint8)
            padded[:, 1:] = np.frombuffer(little, np.uint8).reshape(-1, 3)
            samples = np.frombuffer(padded.tobytes(), "<i4").astype(wide) * 2.0**-31
        elif kind.is_float:
            samples = np.frombuffer(content, kind.dtype).astype(wide)
        else:
            samples = np.frombuffer(content, kind.dtype).astype(wide)
            samples = (samples - (128 if self.sample == "u8" else 0)) * 2.0 ** (1 - kind.bits)
        return samples.reshape(-1, self.channels).T.astype(wide)

    def encoded(self, block: Float[np.ndarray, "channels time"]) -> bytes:
        """Bytes out of samples.

        Args:
            block: full scale ±1; integers get the nearest integer.

        Returns:
            The samples of all channels, one time after the other.
        """
        kind = SAMPLE_TYPES[self.sample]
        frames = np.ascontiguousarray(block.T)
        if kind.is_float:
            return frames.astype(kind.dtype).tobytes()
        whole = whole_numbers(frames, kind.bits)
        if self.sample == "u8":
            return (whole + 128).astype(np.uint8).tobytes()
        if kind.bits == 24:
            order = kind.dtype[0]
            four = whole.astype(f"{order}i4").view(np.uint8).reshape(-1, 4)
            return (four[:, :3] if order == "<" else four[:, 1:]).tobytes()
        return whole.astype(kind.dtype).tobytes()


def wav_header(pcm: PcmFormat) -> bytes:
    """The header of a WAV stream of unknown length.

    Args:
        pcm: what follows; little-endian.

    Returns:
        All that comes before the samples.
    """
    kind = SAMPLE_TYPES[pcm.sample]
    tag = FLOAT if kind.is_float else PCM
    layout = struct.pack(
        "<HIIHH", pcm.channels, pcm.sample_rate, pcm.sample_rate * pcm.frame_bytes, pcm.frame_bytes, kind.bits
    )
    if pcm.channels > 2:
        mask = STANDARD_MASKS.get(pcm.channels, 0)
        layout = struct.pack("<H", EXTENSIBLE) + layout + struct.pack("<HHIH", 22, kind.bits, mask, tag) + GUID_TAIL
    else:
        layout = struct.pack("<H", tag) + layout
    fmt = b"fmt " + struct.pack("<I", len(layout)) + layout
    return b"RIFF" + struct.pack("<I", UNKNOWN) + b"WAVE" + fmt + b"data" + struct.pack("<I", UNKNOWN)


def read_wav_header(stream: Readable) -> tuple[PcmFormat, int | None]:
    """Reads a WAV stream up to its first sample.

    Args:
        stream: need not be seekable.

    Returns:
        What follows, and its size in bytes; None for the size if the header doesn't know it.

    Raises:
        AudioFileError: if it is no WAV, or one whose samples aren't plain.
    """
    head = _exactly(stream, 12)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        raise AudioFileError(
            "what comes through the pipe is no WAV; -; pipe WAV (ffmpeg -i INPUT -f wav -), or say what samples come: "
            "--raw-rate 16000 --raw-format s16le"
        )
    pcm: PcmFormat | None = None
    while True:
        name, size = struct.unpack("<4sI", _exactly(stream, 8))
        if name == b"data":
            break
        if size > LARGEST_CHUNK:
            raise AudioFileError("the WAV header in the pipe is damaged; -; pipe it anew")
        content = _exactly(stream, size + size % 2)
        if name == b"fmt ":
            pcm = _parsed(content)
    if pcm is None:
        raise AudioFileError("the WAV in the pipe doesn't say what its samples are; -; pipe it anew")
    return pcm, size if size and is_known_size(size) else None


def is_known_size(size: int) -> bool:
    """Whether the number of bytes that a WAV header names is meant.

    Args:
        size: of the samples, bytes.

    Returns:
        False for the numbers of those who write into a pipe, or were cut off before they knew better.
    """
    return not any(size in sizes for sizes in UNKNOWN_SIZES)


def read_pcm(
    stream: Readable, pcm: PcmFormat, size: int | None, block_frames: int, *, notices: list[str] | None = None
) -> Iterator[Float[np.ndarray, "channels time"]]:
    """Reads samples as they come.

    Args:
        stream: after its header.
        pcm: what comes.
        size: bytes of it; to the end of the stream if None.
        block_frames: samples a block at most.
        notices: gets a line if bytes at the end are left out, as they are no whole frame, or if less than `size` came.

    Yields:
        Blocks, as soon as something is there.
    """
    read = getattr(stream, "read1", stream.read)
    rest, left = b"", size
    while left is None or left > 0:
        wanted = block_frames * pcm.frame_bytes
        content = read(wanted if left is None else min(wanted, left))
        if not content:
            break
        left = None if left is None else left - len(content)
        rest += content
        whole = len(rest) // pcm.frame_bytes * pcm.frame_bytes
        if whole:
            yield pcm.decoded(rest[:whole])
            rest = rest[whole:]
    if left and size and notices is not None:
        rate = pcm.frame_bytes * pcm.sample_rate
        notices.append(f"the header says it holds {size / rate:.3f} s, but {(size - left) / rate:.3f} s came")
    if rest and notices is not None:
        told = "the last byte is" if len(rest) == 1 else f"the last {len(rest)} bytes are"
        channels = "1 channel" if pcm.channels == 1 else f"{pcm.channels} channels"
        notices.append(f"{told} left out: a sample of {channels} ({pcm.sample}) has {pcm.frame_bytes} bytes")


def _parsed(content: bytes) -> PcmFormat:
    if len(content) < 16:
        raise AudioFileError("the WAV header in the pipe is damaged; -; pipe it anew")
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", content[:16])
    if tag == EXTENSIBLE and len(content) >= 26:
        tag = struct.unpack("<H", content[24:26])[0]
    for name, kind in OF_WAV.items():
        if kind.bits == bits and kind.is_float == (tag == FLOAT) and tag in (PCM, FLOAT):
            check_rate(rate, PIPE)
            if not 1 <= channels <= MOST_CHANNELS:
                raise AudioFileError(
                    f"the WAV in the pipe has {channels} channels; -; 1 to {MOST_CHANNELS} can be read"
                )
            return PcmFormat(rate, channels, name)
    raise AudioFileError(
        f"the WAV in the pipe holds samples of a kind (format {tag}, {bits} bits) that isn't plain; -; "
        f"convert it on the way: ffmpeg -i INPUT -c:a pcm_s16le -f wav -"
    )


def _exactly(stream: Readable, size: int) -> bytes:
    content = b""
    while len(content) < size:
        more = stream.read(size - len(content))
        if not more:
            what = "nothing came through the pipe" if not content and size == 12 else "the pipe ended within its header"
            raise AudioFileError(f"{what}; -; look at what the program before it says")
        content += more
    return content
