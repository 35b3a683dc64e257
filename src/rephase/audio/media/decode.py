"""One audio track of a media file as a stream of samples on the file's clock.

Damage costs what is damaged: a packet that can't be decoded leaves a gap, which the timeline fills with silence, and a
file that breaks off ends there. Both are told. Only a track of which nothing is left is an error.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np
from jaxtyping import Float

from rephase.audio.fifo import SampleQueue
from rephase.audio.files import AudioInfo
from rephase.audio.media.clock import SourceClock
from rephase.audio.media.library import load_av, opened, packets_of, words_of
from rephase.audio.media.timeline import GapError, Timeline
from rephase.errors import AudioFileError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

LONGEST_FRAME = 2048  # samples, of AAC
TOLD_GAP_SECONDS = 0.02  # less is the inaccuracy of clocks


def read_track(info: AudioInfo, block_frames: int, notices: list[str]) -> Iterator[Float[np.ndarray, "channels time"]]:
    """Reads an audio track from its first sample to its end; gaps are silence.

    Args:
        info: of the track; sample 0 lies at `info.media.start` on the file's clock.
        block_frames: samples a block.
        notices: gets what the user should know at the end, one line each.

    Yields:
        Blocks of samples, full scale ±1, of the type `info.dtype`; the last may be shorter.

    Raises:
        AudioFileError: if the file can't be opened, has changed, or holds a gap of more than an hour.
    """
    assert info.media is not None
    queue = SampleQueue(info.channels, info.dtype)
    with opened(info.path) as container:
        if info.media.stream >= len(container.streams) or container.streams[info.media.stream].type != "audio":
            raise AudioFileError(f"the file changed while it was read; {info.path}; start again once it is complete")
        stream = container.streams.audio[info.media.number - 1]
        timeline = Timeline(float(info.media.start), info.sample_rate, float(stream.time_base or 0))
        source, done = _Frames(info, notices), 0
        try:
            for frame in source.read(container, stream):
                time = None if frame.pts is None or frame.time_base is None else frame.pts * float(frame.time_base)
                for block in timeline.push(_samples(frame, info.dtype), time):
                    queue.append(block)
                    while len(queue) >= block_frames + LONGEST_FRAME:
                        done += block_frames
                        yield queue.take(block_frames)
            for block in timeline.flush():
                queue.append(block)
                while len(queue) >= block_frames + LONGEST_FRAME:
                    done += block_frames
                    yield queue.take(block_frames)
        except GapError as error:
            raise AudioFileError(
                f"its clock jumps: {error}; {info.path}; cut it there, or mend its timestamps first"
            ) from error
        rest = len(queue) - _padding(info, stream, done + len(queue))
    for start in range(0, rest, block_frames):
        yield queue.take(min(block_frames, rest - start))
    _tell(notices, info, timeline)


def _padding(info: AudioInfo, stream: "AudioStream", samples: int) -> int:
    """How many of the decoded samples only fill the last packet: an MP4 says to the sample where its sound ends."""
    assert info.media is not None
    exact = "mov" in info.media.demuxer.split(",") and stream.time_base == Fraction(1, info.sample_rate)
    return samples - info.frames if exact and 0 < samples - info.frames < LONGEST_FRAME else 0


class _Frames:
    """Decodes packets, and brings frames of another rate or layout into those of the first."""

    def __init__(self, info: AudioInfo, notices: list[str]) -> None:
        self._info, self._notices = info, notices
        self._av = load_av()
        self._converter: AudioResampler | None = None
        self._converts: object = None
        self._changed = False
        self._damaged = 0

    def read(self, container: "InputContainer", stream: "AudioStream") -> Iterator["AudioFrame"]:
        """Frames of one stream; all packets are looked at, for the clock's sake."""
        where: float | None = None
        clock = SourceClock()
        packets = packets_of(container)
        while True:
            try:
                packet = next(packets, None)
            except (self._av.error.FFmpegError, ValueError) as error:
                at = "" if where is None else f" at {where:.3f} s"
                self._notices.append(f"the file breaks off{at} ({words_of(error)})")
                packet = None
            if packet is None:
                break
            clock.put_right(packet)
            if packet.stream_index != stream.index or packet.stream.type != "audio":
                continue  # the type too: in a damaged header two streams may have one number
            if packet.pts is not None:
                where = packet.pts * float(packet.time_base or 0)
            try:
                frames = packet.decode()
            except (self._av.error.FFmpegError, ValueError):
                self._damaged += 1
                continue
            for frame in frames:
                yield from self._alike(cast("AudioFrame", frame))
        yield from self._flushed()
        if clock.resets:
            self._notices.append("the file's clock starts anew on its way: what follows is put behind what was before")
        if self._damaged:
            self._notices.append(f"{self._damaged} damaged packets of sound could not be decoded")

    def _alike(self, frame: "AudioFrame") -> Iterator["AudioFrame"]:
        info = self._info
        assert info.media is not None
        kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        if kind == (info.sample_rate, info.media.layout, info.media.sample_format):
            yield from self._flushed()
            yield frame
            return
        if self._converts != kind:
            yield from self._flushed()
            self._converts = kind
            self._converter = self._av.AudioResampler(
                format=info.media.sample_format, layout=info.media.layout, rate=info.sample_rate
            )
            changed = (frame.sample_rate, frame.layout.name) != (info.sample_rate, info.media.layout)
            if changed and not self._changed:
                self._notices.append(
                    f"the track changes to {frame.sample_rate} Hz, {frame.layout.name}, on its way; "
                    f"it stays {info.sample_rate} Hz, {info.media.layout}"
                )
            self._changed |= changed
        assert self._converter is not None
        yield from self._converter.resample(frame)

    def _flushed(self) -> Iterator["AudioFrame"]:
        if self._converter is not None:
            yield from self._converter.resample(None)
            self._converter, self._converts = None, None


def _samples(frame: "AudioFrame", dtype: np.dtype) -> Float[np.ndarray, "channels time"]:
    """A frame's samples, full scale ±1; integers of any width are divided by a power of two."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "u":
        return (samples.astype(dtype) - 128) / 128
    if samples.dtype.kind == "i":
        return samples.astype(dtype) * 2.0 ** (1 - 8 * samples.dtype.itemsize)
    return samples.astype(dtype)


def _tell(notices: list[str], info: AudioInfo, timeline: Timeline) -> None:
    for samples, what in ((timeline.filled, "were missing and are silence now"), (timeline.dropped, "were doubled")):
        if samples > TOLD_GAP_SECONDS * info.sample_rate:
            notices.append(f"{samples / info.sample_rate:.3f} s of sound {what}, so that it stays in time")
