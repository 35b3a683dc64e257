"""From a recording's tracks to a result: which are enhanced, how each is written, and by what.

There are two writers with the same face (`Result`): `AudioWriter` (libsndfile, one track) and, for media files,
`MediaWriter` (PyAV, any number of tracks beside copies of other streams). The target's name decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from rephase.audio.files import AudioInfo, audio_tracks, tags_of
from rephase.audio.formats import CONTAINERS, AudioFormat, choose_format
from rephase.audio.pcm import PIPE
from rephase.audio.writer import AudioWriter
from rephase.errors import AudioFileError, OutputError

# libsndfile's names of ffmpeg's tags.
SNDFILE_NAMES = {"track": "tracknumber", "encoder": "software", "author": "artist", "year": "date"}


@runtime_checkable
class TrackFormat(Protocol):
    """How a track is written."""

    @property
    def notice(self) -> str:
        """What the user should know about the choice; may be empty."""
        ...

    @property
    def words(self) -> str:
        """Container and codec."""
        ...

    @property
    def lossy_codec(self) -> str:
        """The codec, where it is a lossy one; else empty."""
        ...

    @property
    def has_headroom(self) -> bool:
        """Whether samples beyond full scale survive."""
        ...

    @property
    def top(self) -> float:
        """The largest sample that fits where there is no headroom."""
        ...


@runtime_checkable
class Sink(Protocol):
    """Where the samples of one track go."""

    def write(self, block: Float[np.ndarray, "channels time"]) -> None:
        """Takes the next samples, full scale ±1."""
        ...


@runtime_checkable
class Result(Protocol):
    """A result while it is written; a context manager that leaves a whole file or none."""

    @property
    def tracks(self) -> Sequence[Sink]:
        """One for each planned track."""
        ...

    def __enter__(self) -> "Result": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True)
class PlannedTrack:
    """An audio track that is enhanced.

    Attributes:
        info: of the recording.
        format: how it is written.
        sample_rate: of the result, Hz.
        lead: samples of silence before it, at the recording's rate: where the result has no clock of its own, they hold
            the track's place beside the picture.
    """

    info: AudioInfo
    format: TrackFormat
    sample_rate: int
    lead: int = 0


@dataclass(frozen=True)
class ResultPlan:
    """What a result will be.

    Attributes:
        source: the recording.
        target: where the result goes.
        tracks: those that are enhanced.
        copies: whether other streams of the recording go along.
        notices: what the user should know, one line each.
    """

    source: Path
    target: Path
    tracks: Sequence[PlannedTrack]
    copies: bool = False
    notices: list[str] = field(default_factory=list)

    def open(self, made_by: str, before_naming: Callable[[Path], None] | None = None) -> "Result":
        """Starts writing.

        Args:
            made_by: what makes the result, for its tags.
            before_naming: called with the complete result's temporary path, before it gets its name.

        Returns:
            The writer.

        Raises:
            OutputError: if the result can't be written there.
        """
        first = self.tracks[0]
        if isinstance(first.format, AudioFormat):
            tags = {**_tags(self.source, first.info), "software": made_by}
            return AudioWriter(
                self.target,
                first.sample_rate,
                first.info.channels,
                first.format,
                like=None if self.source == PIPE else self.source,
                tags=tags,
                before_naming=before_naming,
            )
        from rephase.audio.media.codecs import MediaFormat
        from rephase.audio.media.writer import MediaPlan, MediaWriter

        tracks = [(track.info, track.format) for track in self.tracks if isinstance(track.format, MediaFormat)]
        known = {} if self.copies else _tags(self.source, first.info)
        plan = MediaPlan(self.target, self.source, tracks, self.copies, known, made_by, before_naming)
        writer = MediaWriter(plan)
        self.notices.extend(writer.notices)
        writer.notices = self.notices
        return writer


def plan_result(
    source: Path,
    target: Path,
    *,
    output_rate: int | None = None,
    track: int | None = None,
    container: str | None = None,
    tracks: list[AudioInfo] | None = None,
) -> ResultPlan:
    """Decides how a recording's result is written.

    Args:
        source: the recording.
        target: where the result goes; its extension names the container.
        output_rate: of the result, Hz; the recording's own by default.
        track: number of the one audio track that is enhanced, from 1; all of them by default.
        container: an extension without its dot, in place of the target's.
        tracks: of the recording, where they are known and it is no file.

    Returns:
        The plan.

    Raises:
        AudioFileError: if the recording can't be read, or has no such track.
        OutputError: if the target's container can't be written, or can't hold the result.
    """
    tracks = tracks or audio_tracks(source)
    if track is not None and not 1 <= track <= len(tracks):
        raise AudioFileError(
            f"there is no audio track {track}; {source}; it has {len(tracks)}: --track 1 to {len(tracks)}"
        )
    chosen = tracks if track is None else [tracks[track - 1]]
    named = target if container is None else target.with_suffix(f".{container}")
    if named.suffix.lower() not in CONTAINERS:
        plan = _media_plan(source, target, named, chosen, output_rate)
        if plan is not None:
            return plan
    info = chosen[0]
    rate = output_rate or info.sample_rate
    plan = ResultPlan(source, target, [PlannedTrack(info, choose_format(info, named, rate), rate, _lead(info))])
    _tell_of_others(plan, chosen)
    return plan


def _media_plan(
    source: Path, target: Path, named: Path, chosen: list[AudioInfo], output_rate: int | None
) -> ResultPlan | None:
    """The plan for a media file; None where the extension is none of one."""
    from rephase.audio.media.codecs import choose_media_format
    from rephase.audio.media.containers import container_of, true_container
    from rephase.audio.media.library import EXTRA, has_av

    muxer = container_of(named)
    if muxer is None:
        return None
    if not has_av():
        raise OutputError(f"{named.suffix} is written with PyAV, which is not installed; {target}; install it: {EXTRA}")
    if chosen[0].media is not None and named.suffix.lower() == source.suffix.lower():
        muxer = true_container(muxer, chosen[0].media.demuxer)
    planned = []
    for info in chosen if muxer.several else chosen[:1]:
        media_format = choose_media_format(
            info, muxer, named, output_rate or info.sample_rate, rate_asked_for=output_rate is not None
        )
        lead = _lead(info) if muxer.clock == "counts" else 0
        planned.append(PlannedTrack(info, media_format, media_format.sample_rate, lead))
    plan = ResultPlan(source, target, planned, copies=chosen[0].media is not None)
    if not muxer.several:
        _tell_of_others(plan, chosen)
    return plan


def _tell_of_others(plan: ResultPlan, chosen: list[AudioInfo]) -> None:
    if len(chosen) > 1:
        plan.notices.append(
            f"audio track 1 of {len(chosen)} is in the result, which holds no more; for another: --track N"
        )


def _lead(info: AudioInfo) -> int:
    """Samples from the file's beginning to the track's; 0 where nothing else runs beside it."""
    if info.media is None or not info.media.has_video:
        return 0
    return max(0, round((info.media.start - info.media.origin) * info.sample_rate))


def _tags(source: Path, info: AudioInfo) -> Mapping[str, str]:
    if source == PIPE:
        return {}
    if info.media is None:
        return tags_of(source)
    from rephase.audio.media.probe import probe

    tags = {name.lower(): value for name, value in probe(source).tags.items()}
    return {SNDFILE_NAMES.get(name, name): value for name, value in tags.items()}
