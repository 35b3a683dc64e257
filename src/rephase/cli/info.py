"""`rephase info`: what a recording is."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rephase.cli.failures import Verbose, report_failures

if TYPE_CHECKING:
    from rephase.audio.files import AudioInfo

EPILOG = """\b
Exit codes: 0 all read, 1 some of several files could not be read, 2 nothing was read, 130 interrupted,
143 terminated.
"""


def info(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES", readable=False, help="Recordings: WAV, FLAC, MP3, M4A, MP4, MKV ..."),
    ],
    verbose: Verbose = False,
) -> None:
    """Show what recordings are: format, levels, bandwidth.

    Levels are in dB of full scale. The bandwidth is an estimate of how far up the sound itself reaches: a telephone
    call stays a telephone call in a 48 kHz file. Of videos and other media files all streams are listed, and each audio
    track is measured.
    """
    failures = []
    for path in files:
        try:
            facts = _facts(path)
        except Exception as error:  # a broken file doesn't stop the others
            if len(files) == 1:
                raise
            failures.append(error)
        else:
            typer.echo("\n".join(f"{label:>11}  {value}" for label, value in facts) + "\n")
    report_failures(failures, of=len(files))


def _facts(path: Path) -> list[tuple[str, str]]:
    from rephase.audio.files import audio_tracks

    tracks = audio_tracks(path)
    facts = [("file", str(path)), *(_streams(path) if tracks[0].media is not None else [])]
    for track in tracks:
        facts += [("audio track", f"{track.media.number} of {len(tracks)}")] if track.media and len(tracks) > 1 else []
        facts += _measured(track)
    return facts


def _streams(path: Path) -> list[tuple[str, str]]:
    """What lies in a media file beside and around its sound."""
    from rephase.audio.media.probe import probe

    media = probe(path)
    facts = [(f"stream {stream.index}", f"{stream.kind}: {stream.words}") for stream in media.streams]
    facts += [("chapters", str(media.chapters))] if media.chapters else []
    return facts + [(name, value) for name, value in media.tags.items() if name in ("title", "artist", "comment")]


def _measured(track: "AudioInfo") -> list[tuple[str, str]]:
    from rephase.audio.files import read_blocks
    from rephase.audio.summary import summarise

    notices: list[str] = []
    if track.cut_off:
        notices.append(f"the file breaks off: its header says it holds {track.stated_seconds:.3f} s")
    sound = summarise(read_blocks(track, notices=notices), track.sample_rate)
    minutes, seconds = divmod(track.seconds, 60)
    length = f"{minutes:.0f}:{seconds:06.3f} ({track.frames} samples)" if track.frames else "the file doesn't say"
    codec = (
        track.subtype
        if track.media is None
        else f"{track.media.codec}, {track.subtype}".removesuffix(f", {track.media.codec.upper()}")
    )
    return [
        ("format", f"{track.format}, {codec}"),
        ("sample rate", f"{track.sample_rate} Hz"),
        ("channels", str(track.channels)),
        ("duration", length),
        ("peak", f"{sound.peak_db:.1f} dBFS"),
        ("RMS", f"{sound.rms_db:.1f} dBFS"),
        ("bandwidth", f"about {sound.bandwidth_hz / 1000:.1f} kHz" if sound.bandwidth_hz else "silence"),
        *(("note", notice) for notice in notices),
    ]
