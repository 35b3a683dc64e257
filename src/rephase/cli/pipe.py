"""`rephase enhance -`: standard input and output in place of files."""

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TextIO

import typer

from rephase.cli.failures import shown
from rephase.cli.notices import Notices

if TYPE_CHECKING:
    from rephase.enhancer import Report

RawFormat = Literal[
    "u8", "s8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be"
]
PIPE = Path("-")


def enhance_through_pipe(
    inputs: list[Path],
    output: str,
    model: tuple[str, str, str],
    options: dict[str, Any],
    raw: tuple[int | None, int, str],
    overwrite: bool,
) -> None:
    """Standard input to standard output, or one of them and a file.

    Args:
        inputs: as the user named them.
        output: where the result goes.
        model: its name, runtime and device.
        options: of `Settings`.
        raw: rate, channels and kind of raw samples; the rate is None where WAV comes.
        overwrite: whether an existing result may be replaced.

    Raises:
        typer.Exit: if nobody reads the result any more; the exit code is 141.
    """
    from rephase.audio.pcm import PcmFormat
    from rephase.audio.waveform import checked_rate
    from rephase.batch import Settings
    from rephase.enhancer import Enhancer
    from rephase.errors import AudioFileError, OutputError
    from rephase.pipes import enhance_pipe
    from rephase.processes import keep_freed_memory

    if len(inputs) > 1:
        raise AudioFileError(f"a pipe holds one recording; {len(inputs)} inputs; call rephase once for each")
    if inputs[0] == PIPE and sys.stdin is None:
        raise AudioFileError("standard input is closed; -; pipe a recording in, or name a file")
    if output == str(PIPE) and sys.stdout is None:
        raise OutputError("standard output is closed; -; name a file (-o clean.wav), or pipe the result on")
    if inputs[0] == PIPE and sys.stdin.isatty():
        raise AudioFileError(
            "nothing is piped in; -; such as: ffmpeg -i INPUT -f wav - | rephase enhance - -o clean.wav"
        )
    if output == str(PIPE) and sys.stdout.isatty():
        raise OutputError("a terminal can't show samples; -; name a file (-o clean.wav), or pipe the result on")
    rate = options["output_rate"]
    options["output_rate"] = None if rate is None else checked_rate(rate, "--output-rate", "Leave it out to keep it")
    pcm = None
    if raw[0] is not None and inputs[0] == PIPE:
        pcm = PcmFormat(checked_rate(raw[0], "--raw-rate", "Name that of the samples"), raw[1], raw[2])
    keep_freed_memory()
    enhancer = Enhancer.from_pretrained(model[0], runtime=model[1], device=model[2])
    try:
        report = enhance_pipe(
            enhancer,
            inputs[0],
            Path(output),
            Settings.of(enhancer, **options),
            stdin=_bytes_of(sys.stdin),
            stdout=_bytes_of(sys.stdout),
            raw=pcm,
            overwrite=overwrite,
        )
    except BrokenPipeError:
        # Who reads has gone, as `head` does when it has enough: nothing to complain about, and nothing left to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(141) from None
    tell_report(report, err=output == str(PIPE))
    Notices(None).tell(report)


def _bytes_of(stream: TextIO | None) -> BinaryIO:
    """What lies below a standard stream; where it is closed, and so not used, something empty in its place."""
    return io.BytesIO() if stream is None else stream.buffer


def tell_report(report: "Report", *, err: bool = False) -> None:
    """One line for what was done.

    Args:
        report: of a recording.
        err: whether it goes to stderr, because samples go to stdout.
    """
    where = f"{shown(report.source)} -> {shown(report.target)}"
    typer.echo(f"{where}  ({report.audio_seconds:.1f} s of audio, RTF {report.rtf:.3f})", err=err)
