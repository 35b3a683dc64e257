"""Blocks of samples become packets of one audio track, with times on the file's clock.

Encoders shift sound by their priming and tell it: the first packet lies that much before the first sample. So packets
carry the right times by themselves; where a container has no times at all, the track begins that much later instead
(`Container.clock`). Packets wait in a file until all tracks are encoded, so memory doesn't grow with the length.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Float

from rephase.audio.media.codecs import REAL_DELAY, MediaFormat, configured
from rephase.audio.media.library import load_av, words_of
from rephase.audio.safe_target import SafeTarget
from rephase.audio.waveform import whole_numbers

NO_TIME = -(2**63)
HEAD = np.dtype(
    [("pts", "<i8"), ("dts", "<i8"), ("duration", "<i8"), ("key", "<i4"), ("size", "<i4"), ("sides", "<i4")]
)
SIDE = np.dtype([("kind", "S32"), ("size", "<i4")])
LOSES_FIRST_FRAME = {"wmav1", "wmav2"}
SIDES_KEPT = ("new_extradata", "skip_samples")  # what encoders of sound attach


def encoder_delay(media_format: MediaFormat) -> int:
    """How many samples an encoder puts before the first one.

    Args:
        media_format: the encoder with its settings.

    Returns:
        Samples, as its first packet says it.
    """
    context = configured(
        media_format.encoder,
        media_format.layout,
        media_format.sample_format,
        media_format.sample_rate,
        media_format.bit_rate,
    )
    encoder = _FrameMaker(media_format)
    silence = np.zeros((context.layout.nb_channels, 2 * media_format.sample_rate // 10), np.float32)
    packets = [*context.encode(encoder.frame(silence, 0)), *context.encode(None)]
    return -min((packet.pts for packet in packets if packet.pts is not None), default=0)


class TrackEncoder:
    """One audio track of a result.

    Args:
        stream: of the output, configured and opened.
        media_format: how it is written.
        start: time of the first sample on the file's clock, s.
        spool: the file that packets wait in.
        safe: the target, for the error when that file can't be written.
    """

    def __init__(
        self, stream: Any, media_format: MediaFormat, start: Fraction, spool: IO[bytes], safe: SafeTarget
    ) -> None:
        self.stream = stream
        self._format, self._spool, self._safe = media_format, spool, safe
        self._frames = _FrameMaker(media_format)
        self._position = round(start * media_format.sample_rate)
        self._delay = encoder_delay(media_format)
        real_delay = REAL_DELAY.get(media_format.encoder, self._delay)
        self._skip = real_delay if media_format.container.clock == "counts" else 0
        codec = stream.codec_context
        # A decoder of WMA throws its first frame away; encoders that don't hold samples back lose the last ones.
        self._head = codec.frame_size if media_format.codec in LOSES_FIRST_FRAME else 0
        self._tail = self._head + (0 if codec.codec.delay else self._delay)
        self._correction = self._delay - real_delay
        self._last: Any = None

    def write(self, block: Float[np.ndarray, "channels time"]) -> None:
        """Encodes the next samples.

        Args:
            block: full scale ±1; integer formats get the nearest integer.
        """
        left_out = min(self._skip, block.shape[1])
        self._skip -= left_out
        self._position += left_out
        block = block[:, left_out:]
        if not block.shape[1]:
            return
        if self._head:
            head, self._head = np.zeros((len(block), self._head), block.dtype), 0
            self._encode(self._frames.frame(head, self._position - head.shape[1]))
        self._encode(self._frames.frame(block, self._position))
        self._position += block.shape[1]

    def finish(self) -> None:
        """Ends the track; its packets can be read after that."""
        if self._tail:
            silence = np.zeros((self.stream.codec_context.layout.nb_channels, self._tail), np.float32)
            self._encode(self._frames.frame(silence, self._position))
        self._encode(None)
        if self._last is not None:
            self._trim_last(self._last)
            self._put(self._last)
            self._last = None

    def packets(self) -> Iterator[Any]:
        """The packets in their order, ready for the muxer.

        Yields:
            Packets of the stream.
        """
        av = load_av()
        self._spool.seek(0)
        while head := self._spool.read(HEAD.itemsize):
            fields = np.frombuffer(head, HEAD)[0]
            packet = av.Packet(self._spool.read(int(fields["size"])))
            packet.stream = self.stream
            packet.time_base = Fraction(1, self._format.sample_rate)
            packet.pts, packet.dts = (None if fields[name] == NO_TIME else int(fields[name]) for name in ("pts", "dts"))
            packet.duration = int(fields["duration"])
            packet.is_keyframe = bool(fields["key"])
            for _ in range(int(fields["sides"])):
                side = np.frombuffer(self._spool.read(SIDE.itemsize), SIDE)[0]
                packet.set_sidedata(_side_data(side["kind"].decode(), self._spool.read(int(side["size"]))))
            yield packet

    def _encode(self, frame: Any) -> None:
        av = load_av()
        try:
            packets = self.stream.codec_context.encode(frame)
        except (av.error.FFmpegError, ValueError) as error:
            raise self._safe.failed(f"{self._format.codec} can't be encoded: {words_of(error)}") from error
        for packet in packets:
            if self._last is not None:
                self._put(self._last)
            self._last = packet

    def _trim_last(self, packet: Any) -> None:
        """The last packet ends where the sound ends, not where the encoder's frame does."""
        if packet.pts is not None and packet.duration:
            packet.duration = max(1, min(packet.duration, self._position - packet.pts))

    def _put(self, packet: Any) -> None:
        sides = [side for side in packet.iter_sidedata() if side.data_type in SIDES_KEPT and len(bytes(side))]
        head = np.zeros(1, HEAD)
        for name in ("pts", "dts"):
            time = getattr(packet, name)
            head[name] = NO_TIME if time is None else time + self._correction
        head["duration"] = packet.duration or 0
        head["key"], head["size"], head["sides"] = packet.is_keyframe, packet.size, len(sides)
        try:
            self._spool.write(head.tobytes() + bytes(packet))
            for side in sides:
                content = bytes(side)
                self._spool.write(np.array([(side.data_type.encode(), len(content))], SIDE).tobytes() + content)
        except OSError as error:
            raise self._safe.failed(error.strerror or "the disk is full or failed") from error


def _side_data(kind: str, content: bytes) -> Any:
    module = load_av().packet
    side = module.PacketSideData(module.packet_sidedata_type_from_literal(kind), len(content))
    side.update(content)
    return side


class _FrameMaker:
    """Makes frames for an encoder out of blocks."""

    def __init__(self, media_format: MediaFormat) -> None:
        self._av = load_av()
        self._format = media_format
        self._planar = media_format.sample_format.endswith("p")

    def frame(self, block: np.ndarray, position: int) -> Any:
        samples = self._encoded(block)
        array = samples if self._planar else samples.T.reshape(1, -1)
        frame = self._av.AudioFrame.from_ndarray(
            np.ascontiguousarray(array), format=self._format.sample_format, layout=self._format.layout
        )
        frame.sample_rate = self._format.sample_rate
        frame.time_base = Fraction(1, self._format.sample_rate)
        frame.pts = position
        return frame

    def _encoded(self, block: np.ndarray) -> np.ndarray:
        plain = self._format.sample_format.removesuffix("p")
        if plain in ("flt", "dbl"):
            return block.astype(np.float32 if plain == "flt" else np.float64)
        width = {"u8": 8, "s16": 16, "s32": 32}[plain]
        bits = self._format.bits or width
        whole = whole_numbers(block, bits).astype(np.int64) << (width - bits)
        if plain == "u8":
            return (whole + 128).astype(np.uint8)
        return whole.astype(np.int16 if plain == "s16" else np.int32)


@contextlib.contextmanager
def spool_beside(folder: Path) -> Iterator[IO[bytes]]:
    """A file without a name, on the disk that the result will need anyway.

    Args:
        folder: on that disk.

    Yields:
        The file, which vanishes at the end, or when the process ends in whatever way.
    """
    spool = tempfile.TemporaryFile(dir=folder, prefix=".rephase-")  # noqa: SIM115 - closed below, whatever that says
    try:
        yield spool
    finally:
        with contextlib.suppress(OSError):  # on a full disk what still waits can't be written, and needn't be
            spool.close()
