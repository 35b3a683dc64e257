"""What a media file holds: its streams, and of each audio track what its decoder really gives.

Headers lie: an HE-AAC track may name half its rate, and a stream's start time leaves out what an edit list cuts off. So
the first frame of each audio track is decoded, and rate, channels, sample format and start are those of that frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rephase.audio.checks import check_channels, check_rate
from rephase.audio.files import AudioInfo
from rephase.audio.media.library import load_av, opened, packets_of, words_of
from rephase.audio.media.track import MediaTrack
from rephase.errors import AudioFileError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.stream import Stream

PACKETS_LOOKED_AT = 3000  # for the first frame of each track
PACKETS_MEASURED = 150  # for the bit rate of a track whose file doesn't say it
TIME_BASE = 1_000_000  # of a container, ticks a second
SUBTYPE_OF_PCM = {
    "pcm_u8": "PCM_U8", "pcm_s8": "PCM_S8", "pcm_alaw": "ALAW", "pcm_mulaw": "ULAW", "pcm_f32": "FLOAT",
    "pcm_f64": "DOUBLE", "pcm_s16": "PCM_16", "pcm_u16": "PCM_16", "pcm_s24": "PCM_24", "pcm_u24": "PCM_24",
    "pcm_s32": "PCM_32", "pcm_u32": "PCM_32", "pcm_s64": "DOUBLE", "pcm_f16": "FLOAT", "pcm_f24": "FLOAT",
}  # fmt: skip
READ_AS = {"s64": "dbl", "s64p": "dblp"}  # 64-bit integers don't fit into numpy's way through PyAV
SUBTYPE_OF_SAMPLES = {"u8": "PCM_U8", "s16": "PCM_16", "s32": "PCM_24", "flt": "FLOAT", "dbl": "DOUBLE"}
SAYS_LENGTH = {"mov", "matroska", "asf", "avi", "ogg", "wav", "caf", "flac", "mxf", "aiff"}


@dataclass(frozen=True)
class StreamSummary:
    """A stream of a media file, for people.

    Attributes:
        index: among all streams of the file.
        kind: `video`, `audio`, `subtitle`, `attachment` or `data`.
        words: codec, size, rate and the like.
    """

    index: int
    kind: str
    words: str


@dataclass(frozen=True)
class MediaFile:
    """What a media file holds.

    Attributes:
        path: the file.
        tracks: its audio tracks.
        streams: all its streams.
        chapters: how many there are.
        tags: of the whole file, by ffmpeg's names.
    """

    path: Path
    tracks: list[AudioInfo]
    streams: list[StreamSummary]
    chapters: int
    tags: Mapping[str, str]


def probe(path: Path, reason: str = "") -> MediaFile:
    """Says what a media file holds.

    Args:
        path: the file.
        reason: why libsndfile refused it, for the message.

    Returns:
        Its streams.

    Raises:
        AudioFileError: if it can't be read, has no sound, or none of its audio tracks can be decoded.
    """
    with opened(path, reason) as container:
        audio = list(container.streams.audio)
        if not audio:
            raise AudioFileError(f"there is no sound in it; {path}; name a recording, or a video with an audio track")
        if all(stream.codec_context is None for stream in audio):
            raise AudioFileError(
                f"PyAV's ffmpeg has no decoder for its sound; {path}; convert it first with a program that reads it"
            )
        frames, sizes = _first_frames(container, path)
        if not frames:
            raise AudioFileError(f"nothing in it can be decoded; {path}; the file is damaged: fetch it again")
        origin = Fraction(container.start_time or 0, TIME_BASE)
        tracks = [
            _described(container, stream, number, frames.get(stream.index), origin, sizes.get(stream.index, 0))
            for number, stream in enumerate(audio, 1)
        ]
        for track in tracks:
            check_rate(track.sample_rate, path)
            check_channels(track.channels, path)
        return MediaFile(
            path=path,
            tracks=tracks,
            streams=[StreamSummary(stream.index, stream.type, _words(stream)) for stream in container.streams],
            chapters=len(container.chapters()),
            tags=dict(container.metadata),
        )


def _first_frames(container: "InputContainer", path: Path) -> tuple[dict[int, "AudioFrame"], dict[int, int]]:
    """The first frame of each audio track, and its bit rate as measured on its first packets."""
    av = load_av()
    streams = [stream for stream in container.streams.audio if stream.codec_context is not None]
    missing = {stream.index for stream in streams}
    frames: dict[int, AudioFrame] = {}
    measured: dict[int, tuple[int, int, Fraction]] = {}  # packets, bytes, seconds
    try:
        for looked_at, packet in enumerate(packets_of(container, streams)):
            index = packet.stream_index
            if index in missing and packet.stream.type == "audio":
                try:
                    decoded = packet.decode()
                except av.error.FFmpegError:
                    decoded = []
                if decoded:
                    frames[index] = cast("AudioFrame", decoded[0])
                    missing.discard(index)
            count, size, seconds = measured.get(index, (0, 0, Fraction(0)))
            if count < PACKETS_MEASURED and packet.duration:
                measured[index] = count + 1, size + packet.size, seconds + packet.duration * (packet.time_base or 0)
            enough = all(measured.get(stream.index, (0,))[0] >= PACKETS_MEASURED for stream in streams)
            if looked_at >= PACKETS_LOOKED_AT or (not missing and enough):
                break
    except (av.error.FFmpegError, ValueError) as error:
        if not frames:
            raise AudioFileError(
                f"nothing in it can be decoded ({words_of(error)}); {path}; the file is damaged: fetch it again"
            ) from error
    rates = {index: round(8 * size / seconds) for index, (_, size, seconds) in measured.items() if seconds}
    return frames, rates


def _described(
    container: "InputContainer",
    stream: "AudioStream",
    number: int,
    frame: "AudioFrame | None",
    origin: Fraction,
    measured_rate: int,
) -> AudioInfo:
    context = stream.codec_context
    path = Path(container.name.removeprefix("file:"))
    if context is None:
        raise AudioFileError(f"PyAV's ffmpeg has no decoder for audio track {number}; {path}; take another: --track N")
    source = frame if frame is not None else context
    rate = frame.sample_rate if frame is not None else context.sample_rate
    sample_format = source.format.name if source.format is not None else "fltp"
    sample_format = READ_AS.get(sample_format, sample_format)
    demuxer = container.format.name
    start = origin
    if frame is not None and frame.pts is not None and frame.time_base is not None:
        start = frame.pts * Fraction(frame.time_base)
    elif stream.start_time is not None and stream.time_base is not None:
        start = stream.start_time * Fraction(stream.time_base)
    seconds = _seconds(container, stream, float(start - origin))
    return AudioInfo(
        path=path,
        format=(path.suffix[1:] or demuxer.split(",")[0]).upper(),
        subtype=_subtype(context.codec.canonical_name, sample_format, context.codec.lossless),
        sample_rate=rate,
        channels=source.layout.nb_channels,
        frames=round(seconds * rate),
        media=MediaTrack(
            stream=stream.index,
            number=number,
            of=len(container.streams.audio),
            demuxer=demuxer,
            codec=context.codec.canonical_name,
            profile=context.profile or "",
            layout=source.layout.name,
            sample_format=sample_format,
            bit_rate=context.bit_rate or measured_rate,
            start=start,
            origin=origin,
            has_video=any(is_picture(other) for other in container.streams.video),
            exact=bool(SAYS_LENGTH & set(demuxer.split(","))),
        ),
    )


def is_picture(stream: "Stream") -> bool:
    """Whether a video stream moves; cover art doesn't.

    Args:
        stream: of a container.

    Returns:
        True for video.
    """
    return "attached_pic" not in (stream.disposition.name or "")


def _seconds(container: "InputContainer", stream: "AudioStream", late: float) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return max(0.0, (container.duration or 0) / TIME_BASE - late)  # that of the whole file


def _subtype(codec: str, sample_format: str, lossless: bool) -> str:
    """The sample format in libsndfile's words, or the codec's name."""
    for prefix, subtype in SUBTYPE_OF_PCM.items():
        if codec.startswith(prefix):
            return subtype
    samples = SUBTYPE_OF_SAMPLES.get(sample_format.removesuffix("p"))
    return samples if lossless and samples else codec.upper()


def _words(stream: "Stream") -> str:
    """A stream in a few words: codec, what it holds, language, title."""
    context: Any = stream.codec_context
    words = [context.codec.canonical_name if context is not None else (getattr(stream, "name", None) or "unknown")]
    if stream.type == "audio" and context is not None:
        words += [f"{context.sample_rate} Hz", context.layout.name]
        words += [f"{context.bit_rate / 1000:.0f} kbit/s"] if context.bit_rate else []
    elif stream.type == "video" and context is not None:
        words += [f"{context.width} x {context.height}"]
        words += [f"{float(stream.average_rate):.6g} frames/s"] if stream.average_rate and is_picture(stream) else []
        words += [] if is_picture(stream) else ["cover"]
    tags = stream.metadata
    words += [tags[key] for key in ("language", "title", "filename") if tags.get(key) and tags[key] != "und"]
    return ", ".join(words)
