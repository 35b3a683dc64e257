"""`rephase info`: what a recording is."""

from pathlib import Path
from typing import Annotated

import typer

from rephase.cli.failures import Verbose, report_failures

EPILOG = """\b
Exit codes: 0 all read, 1 some of several files could not be read, 2 nothing was read, 130 interrupted,
143 terminated.
"""


def info(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", readable=False, help="Recordings: WAV, FLAC, OGG, MP3, AIFF ...")
    ],
    verbose: Verbose = False,
) -> None:
    """Show what recordings are: format, levels, bandwidth.

    Levels are in dB of full scale. The bandwidth is an estimate of how far up the sound itself reaches: a telephone
    call stays a telephone call in a 48 kHz file.
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
            typer.echo("\n".join(f"{label:>11}  {value}" for label, value in facts.items()) + "\n")
    report_failures(failures, of=len(files))


def _facts(path: Path) -> dict[str, str]:
    from rephase.audio.files import audio_info, read_blocks
    from rephase.audio.summary import summarise

    about = audio_info(path)
    sound = summarise(read_blocks(about), about.sample_rate)
    minutes, seconds = divmod(about.seconds, 60)
    return {
        "file": str(path),
        "format": f"{about.format}, {about.subtype}",
        "sample rate": f"{about.sample_rate} Hz",
        "channels": str(about.channels),
        "duration": f"{minutes:.0f}:{seconds:06.3f} ({about.frames} samples)",
        "peak": f"{sound.peak_db:.1f} dBFS",
        "RMS": f"{sound.rms_db:.1f} dBFS",
        "bandwidth": f"about {sound.bandwidth_hz / 1000:.1f} kHz" if sound.bandwidth_hz else "silence",
    }
