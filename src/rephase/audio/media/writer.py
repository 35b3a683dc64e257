"""A media file out: enhanced tracks beside untouched copies of all other streams, whole or not at all.

The header is written first, so a container that can't hold what it should says so before anything is computed. Then
the tracks are encoded, one after the other, and at last their packets and those that are copied are put in order of
time. Copies keep their bytes and times; sound keeps its place on the same clock.
"""

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from pathlib import Path
from types import TracebackType
from typing import Any

from rephase.audio.files import AudioInfo
from rephase.audio.media.codecs import MediaFormat, configured
from rephase.audio.media.copies import Copies, set_id
from rephase.audio.media.encode import TrackEncoder, spool_beside
from rephase.audio.media.library import load_av, opened, words_of
from rephase.audio.media.metadata import container_tags, stream_tags
from rephase.audio.pcm import PIPE
from rephase.audio.safe_target import SafeTarget
from rephase.errors import AudioFileError, OutputError

DISK_ERRORS = {errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}
LARGEST_TIMESCALE = 2**31 - 1
SOUND_LEADS_SECONDS = 0.5  # packets of sound are put this much before the picture that they belong to


@dataclass(frozen=True)
class MediaPlan:
    """What goes into a media file.

    Attributes:
        target: where the result goes.
        source: the recording.
        tracks: its audio tracks that are enhanced, and how each is written.
        copies: whether other streams of the source go along; only media files have such.
        tags: of the whole result, by ffmpeg's names, where the source is none that ffmpeg's libraries read.
        made_by: what made the result, for its tags.
        before_naming: called with the complete result's temporary path, before it gets its name.
    """

    target: Path
    source: Path
    tracks: Sequence[tuple[AudioInfo, MediaFormat]]
    copies: bool
    tags: Mapping[str, str] = field(default_factory=dict)
    made_by: str = ""
    before_naming: Callable[[Path], None] | None = None


class MediaWriter:
    """Writes one media file; a context manager that leaves a whole file or none.

    Args:
        plan: what goes into it.

    Attributes:
        tracks: what samples are written to, one for each enhanced track, in the plan's order.
        notices: what the user should know, one line each.

    Raises:
        OutputError: if the container can't hold it, or the file can't be written, also from its methods.
    """

    def __init__(self, plan: MediaPlan) -> None:
        self._plan = plan
        self.notices: list[str] = []
        self.tracks: list[TrackEncoder] = []
        self._output: Any = None
        self._copies: Copies | None = None
        self._safe = SafeTarget(plan.target, None if plan.source == PIPE else plan.source, plan.before_naming)
        self._stack = ExitStack()
        self._stack.callback(self._safe.remove)
        try:
            self._input = None
            if plan.copies:
                self._input = self._stack.enter_context(opened(plan.source, options={"fflags": "+genpts"}))
            self._start()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> "MediaWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._stack:
            if kind is None:
                self._finish()

    # ---------------------------------------------------------------- before: the header
    def _start(self) -> None:
        av = load_av()
        leave_out: set[str] = set()
        while True:
            try:
                self._open(leave_out)
                self._output.start_encoding()
                break
            except OutputError:
                self._close_quietly()
                raise
            except (av.error.FFmpegError, ValueError) as error:
                self._close_quietly()
                if getattr(error, "errno", None) in DISK_ERRORS:
                    raise self._safe.failed(words_of(error)) from error
                # Streams of data are made by cameras for their own programs; few containers take those of others.
                if "data" in leave_out or self._input is None or not self._input.streams.data:
                    raise OutputError(
                        f"{self._plan.target.suffix} can't hold this ({words_of(error)}); {self._plan.target}; "
                        f"choose a .mkv target"
                    ) from error
                leave_out.add("data")
                self.notices.append("streams of data are left out, because the container can't hold them")
        self._stack.callback(self._close_quietly)
        for (info, media_format), stream in zip(self._plan.tracks, self._encoded):
            spool = self._stack.enter_context(spool_beside(self._safe.temporary.parent))
            self.tracks.append(TrackEncoder(stream, media_format, self._start_of(info), spool, self._safe))

    def _open(self, leave_out: set[str]) -> None:
        container = self._plan.tracks[0][1].container
        options = dict(container.options) | {"strict": "experimental"}
        if container.muxer in ("mp4", "mov", "3gp", "3g2"):
            # Edit lists count in this unit; at the usual 1000 a second they would round where the sound begins.
            rates = lcm(*(media_format.sample_rate for _, media_format in self._plan.tracks))
            options["movie_timescale"] = str(rates if rates <= LARGEST_TIMESCALE else 1_000_000)
        tags = container_tags(self._input, self._plan, options)
        self._output = load_av().open(
            f"file:{self._safe.temporary}",
            "w",
            format=container.muxer,
            container_options=options,
            metadata_errors="surrogateescape",
        )
        self._output.metadata.update(tags)
        self._encoded: list[Any] = [None] * len(self._plan.tracks)
        if self._input is None:
            for index in range(len(self._plan.tracks)):
                self._add_encoded(index, None)
            return
        enhanced = {info.media.stream: index for index, (info, _) in enumerate(self._plan.tracks) if info.media}
        copies = Copies(self._input, self._output, container, self._plan.target, self.notices)
        for stream in self._input.streams:
            if stream.index in enhanced:
                self._add_encoded(enhanced[stream.index], stream)
            elif stream.type not in leave_out:
                copies.add(stream)
        self._output.set_chapters(copies.chapters())
        self._copies = copies

    def _add_encoded(self, index: int, like: Any) -> None:
        media_format = self._plan.tracks[index][1]
        stream = self._output.add_stream(media_format.encoder, rate=media_format.sample_rate)
        configured(
            media_format.encoder,
            media_format.layout,
            media_format.sample_format,
            media_format.sample_rate,
            media_format.bit_rate,
            stream.codec_context,
        )
        stream.time_base = Fraction(1, media_format.sample_rate)
        if like is not None:
            stream.metadata.update(stream_tags(like))
            stream.disposition = like.disposition
            set_id(stream, like, self._output)
        stream.metadata["encoder"] = self._plan.made_by
        self._encoded[index] = stream

    def _start_of(self, info: AudioInfo) -> Fraction:
        if info.media is None or self._plan.tracks[0][1].container.clock == "counts":
            return Fraction(0)  # silence before the track, if any, is a part of its samples
        return info.media.start - (self._copies.offset if self._copies is not None else 0)

    # ---------------------------------------------------------------- after: all packets in order
    def _finish(self) -> None:
        av = load_av()
        for track in self.tracks:
            track.finish()
        try:
            for packet in self._in_order():
                self._output.mux_one(packet)
            self._output.close()
        except OSError as error:
            raise self._safe.failed(words_of(error)) from error
        except (av.error.FFmpegError, ValueError) as error:
            raise OutputError(
                f"{self._plan.target.suffix} can't take what is copied ({words_of(error)}); {self._plan.target}; "
                f"choose a .mkv target"
            ) from error
        self._check()
        self._safe.finish()

    def _in_order(self) -> Iterator[Any]:
        """Copied packets in the source's order, and before each the sound that is heard up to then."""
        waiting = [_Peek(track.packets()) for track in self.tracks]
        for packet, now in self._copies.packets() if self._copies is not None else ():
            if now is not None:
                for peek in waiting:
                    yield from peek.up_to(now + SOUND_LEADS_SECONDS)
            yield packet
        while True:
            rest = [peek for peek in waiting if peek.time is not None]
            if not rest:
                return
            first = min(rest, key=lambda peek: peek.time or 0)
            yield from first.up_to((first.time or 0) + SOUND_LEADS_SECONDS)

    def _check(self) -> None:
        """Reads back what was written, as far as its header: all streams must be there."""
        try:
            with opened(self._safe.temporary) as written:
                streams = len(written.streams)
        except AudioFileError as error:
            raise self._safe.failed("what was written can't be read back; is the disk full?") from error
        expected = len(self._encoded) + (len(self._copies.streams) if self._copies is not None else 0)
        if streams < expected:
            raise self._safe.failed(f"{streams} of {expected} streams arrived")

    def _close_quietly(self) -> None:
        av = load_av()
        try:
            if self._output is not None:
                self._output.close()
        except (av.error.FFmpegError, ValueError, OSError):
            return  # after a failure the file is thrown away


class _Peek:
    """Packets, with a look at the time of the next."""

    def __init__(self, packets: Iterator[Any]) -> None:
        self._packets = packets
        self._next = next(packets, None)

    @property
    def time(self) -> float | None:
        """Of the next packet, s; None at the end."""
        if self._next is None:
            return None
        time = self._next.dts if self._next.dts is not None else self._next.pts
        return (time or 0) * float(self._next.time_base)

    def up_to(self, end: float) -> Iterator[Any]:
        """The packets before a time, and those without any."""
        while self._next is not None and (self.time or 0) <= end:
            packet, self._next = self._next, next(self._packets, None)
            yield packet
