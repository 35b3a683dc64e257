"""The streams of a media file that aren't enhanced: which of them go along, and their packets on the result's clock."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any

from rephase.audio.media.clock import SourceClock
from rephase.audio.media.codecs import supported_codecs
from rephase.audio.media.containers import Container
from rephase.audio.media.library import load_av, packets_of, words_of
from rephase.audio.media.metadata import stream_tags
from rephase.audio.media.probe import is_picture
from rephase.errors import OutputError

ALSO_IN_MP4 = {"mjpeg", "png", "bmp"}  # covers, which the muxer takes though it doesn't list them
NO_TEXT = bytes(2)


class Copies:
    """Streams that go from one container to another as they are.

    Args:
        source: the opened recording.
        output: the opened result, before its header.
        container: of the result.
        target: where the result goes, for messages.
        notices: gets what is left out, one line each.

    Attributes:
        streams: of the output, by the index of the source's.
    """

    def __init__(self, source: Any, output: Any, container: Container, target: Path, notices: list[str]) -> None:
        self._source, self._output, self._container = source, output, container
        self._target, self.notices = target, notices
        self._takes, self._holds = supported_codecs(container.muxer), container.holds
        self.streams: dict[int, Any] = {}

    def add(self, like: Any) -> None:
        """Adds a stream to the output, if it goes along.

        Args:
            like: of the source.

        Raises:
            OutputError: if it is the picture, and the container can't hold it.
        """
        if not self._goes_along(like):
            return
        name = like.codec_context.codec.name if like.codec_context is not None else None
        canonical = like.codec_context.codec.canonical_name if like.codec_context is not None else None
        fits = name is None or (canonical in self._holds if self._holds else bool({name, canonical} & self._takes))
        if not fits and not (canonical in ALSO_IN_MP4 and self._output.format.name in ("mp4", "mov", "ipod")):
            if like.type == "video" and is_picture(like):
                raise OutputError(
                    f"{self._target.suffix} can't hold video in {canonical}; {self._target}; "
                    f"choose a .mkv target, or the input's own extension"
                )
            self.notices.append(
                f"stream {like.index} ({like.type}, {canonical}) is left out: the container can't hold it"
            )
            return
        if name is None and like.type not in ("data", "attachment"):
            self.notices.append(f"stream {like.index} ({like.type}) is left out: nothing here knows its codec")
            return
        stream = self._output.add_stream_from_template(like, opaque=True)
        stream.metadata.clear()
        stream.metadata.update(stream_tags(like))
        stream.disposition = like.disposition
        if name is not None and self._same_family():
            _keep_tag(stream, like)
        set_id(stream, like, self._output)
        self.streams[like.index] = stream

    def _goes_along(self, stream: Any) -> bool:
        if stream.discard.name == "all" or not self._container.several:
            return False  # what is discarded is a track of chapters, which are written anew
        if self._container.sound_only and stream.type in ("video", "subtitle", "data"):
            return stream.type == "video" and not is_picture(stream)
        return True

    @property
    def offset(self) -> Fraction:
        """What is taken off all times: nothing in the source's own kind of file, else its beginning, s."""
        if self._same_family():
            return Fraction(0)
        return Fraction(self._source.start_time or 0, 1_000_000)

    def _same_family(self) -> bool:
        """Whether the result's container is the source's, so that its four-letter codes mean the same."""
        return self._output.format.name in self._source.format.name.split(",")

    def chapters(self) -> list[Any]:
        """The source's chapters, on the result's clock.

        Returns:
            Chapters as PyAV takes them.
        """
        chapters: list[Any] = []
        for chapter, number in zip(self._source.chapters(), count()):
            shift = round(self.offset / (chapter["time_base"] or 1))
            chapters.append(chapter | {"id": number, "start": chapter["start"] - shift, "end": chapter["end"] - shift})
        return chapters

    def packets(self) -> Iterator[tuple[Any, float | None]]:
        """Packets of the copied streams, in the source's order, ready for the muxer.

        Yields:
            A packet and its time, s; None if it has none.
        """
        if not self.streams:
            return
        av = load_av()
        last: dict[int, int] = {}
        clock = SourceClock()
        wanted = [stream for stream in self._source.streams if stream.index in self.streams]
        # In MP4 and its like a pause between two subtitles is a subtitle without text, which the muxer makes by itself.
        is_mov_text = {
            stream.index: stream.codec_context and stream.codec_context.name == "mov_text" for stream in wanted
        }
        packets = packets_of(self._source)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, ValueError) as error:
                self.notices.append(f"the file breaks off ({words_of(error)}): what was copied ends there")
                return
            if packet is None:
                return
            if packet.dts is None and packet.pts is None and not packet.size:
                continue  # the end of a stream
            clock.put_right(packet)
            if packet.stream_index not in self.streams:
                continue
            if is_mov_text.get(packet.stream_index) and bytes(packet) == NO_TEXT:
                continue
            yield self._timed(packet, last)

    def _timed(self, packet: Any, last: dict[int, int]) -> tuple[Any, float | None]:
        tick = float(packet.time_base or 0)
        index = packet.stream_index
        shift = round(float(self.offset) / tick) if self.offset and tick else 0
        if packet.pts is not None:
            packet.pts -= shift
        if packet.dts is not None:
            packet.dts -= shift
            if packet.dts <= last.get(index, packet.dts - 1):  # muxers refuse a clock that goes back
                packet.dts = last[index] + 1
                if packet.pts is not None:
                    packet.pts = max(packet.pts, packet.dts)
            last[index] = packet.dts
        time = packet.dts if packet.dts is not None else packet.pts
        packet.stream = self.streams[index]
        return packet, None if time is None else time * tick


def _keep_tag(stream: Any, like: Any) -> None:
    """Keeps the four-letter code of a codec: players tell `hvc1` from `hev1`."""
    try:
        tag = like.codec_context.codec_tag
        if tag.isprintable() and "\0" not in tag:
            stream.codec_context.codec_tag = tag
    except (UnicodeError, ValueError):
        return


def set_id(stream: Any, like: Any, output: Any) -> None:
    """Keeps a stream's number where that means something.

    Args:
        stream: of the output.
        like: of the source.
        output: the opened result.
    """
    if output.format.name in ("mpegts", "mp4", "mov"):  # elsewhere the muxer counts by itself
        stream.id = like.id
