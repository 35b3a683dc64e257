"""`rephase enhance`: files in, clean files out."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rephase.cli.failures import Verbose, report_failures
from rephase.cli.progress import ProgressBar

if TYPE_CHECKING:
    from rephase.enhancer import Report

EPILOG = """\b
Examples:
  rephase enhance talk.wav                       writes talk.enhanced.wav beside it
  rephase enhance talk.wav -o clean.flac         writes clean.flac
  rephase enhance recordings/*.wav -o cleaned/   one result for each, in cleaned/
  rephase enhance talk.wav --strength 0.7        keeps some of the room

\b
Exit codes: 0 all done, 1 some of several inputs failed, 2 nothing was done, 130 interrupted, 143 terminated.
"""


def enhance(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUTS", help="Recordings: WAV, FLAC, OGG, MP3, AIFF ...")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE|FOLDER", help="Where the result goes; several inputs need a folder."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME|FOLDER", help="A model that `rephase models` lists, or the folder of one.")
    ] = "renet-lite",
    strength: Annotated[
        float,
        typer.Option(metavar="0..1", min=0.0, max=1.0, help="How much of the result: 0 leaves the input as it is."),
    ] = 1.0,
    highband: Annotated[
        Literal["follow", "keep", "drop"],
        typer.Option(
            help="What lies above the model's band: attenuated like the band below it, untouched, or removed."
        ),
    ] = "follow",
    runtime: Annotated[
        Literal["auto", "onnx", "torch"],
        typer.Option(help="What runs the network; auto takes torch for a GPU, and for a model without a graph."),
    ] = "auto",
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="What it runs on.")] = "auto",
    output_rate: Annotated[
        str, typer.Option(metavar="input|HZ", help="Sample rate of the result: that of the input, or a number.")
    ] = "input",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    verbose: Verbose = False,
) -> None:
    """Make recordings of speech clean.

    Each result keeps its input's length, channels, sample rate and sample format. Files of any length are
    read and written piece by piece.
    """
    rate = _parse_rate(output_rate)
    inputs = list(dict.fromkeys(inputs))
    folder = _output_folder(inputs, output)
    targets = _targets(inputs, output, folder)
    from rephase.enhancer import Enhancer

    enhancer = Enhancer.from_pretrained(model, runtime=runtime, device=device)
    if folder is not None and any(map(_opens, inputs)):
        _make(folder)
    failures: list[Exception] = []
    for source, target in targets.items():
        try:
            with ProgressBar(source.name) as progress:
                report = enhancer.enhance_file(
                    source,
                    target,
                    strength=strength,
                    highband=highband,
                    output_rate=rate,
                    overwrite=overwrite,
                    progress=progress,
                )
        except Exception as error:  # a failing input doesn't stop the others
            if len(inputs) == 1:
                raise
            failures.append(error)
        else:
            _tell(report)
    report_failures(failures, of=len(inputs))


def _parse_rate(output_rate: str) -> int | None:
    if output_rate == "input":
        return None
    try:
        return int(output_rate)
    except ValueError:
        raise typer.BadParameter(
            f"must be 'input' or a number of Hz, got {output_rate!r}", param_hint="--output-rate"
        ) from None


def _output_folder(inputs: list[Path], output: str | None) -> Path | None:
    """The folder that `--output` names; None where it names a file, or nothing."""
    if output is None or (len(inputs) == 1 and not Path(output).is_dir() and not output.endswith("/")):
        return None
    folder = Path(output)
    from rephase.audio.formats import CONTAINERS
    from rephase.errors import OutputError

    if folder.suffix.lower() in CONTAINERS and not folder.is_dir() and not output.endswith("/"):
        raise OutputError(
            f"{len(inputs)} results don't fit into one file; {output}; name a folder (if this is one: {output}/)"
        )
    return folder


def _targets(inputs: list[Path], output: str | None, folder: Path | None) -> dict[Path, Path]:
    """Where the result of each input goes; refuses two of one name, and one in place of an input, before any work."""
    from rephase.audio.formats import target_suffix
    from rephase.errors import OutputError

    kept = set(map(_identity, inputs))
    sources: dict[Path, Path] = {}
    for source in inputs:
        target = (folder or source.parent) / f"{source.stem}.enhanced{target_suffix(source)}"
        if folder is None and output is not None:
            target = Path(output)
        if _identity(target) in kept:
            raise OutputError(
                f"the result of {source} would replace an input; {target}; choose another output, recordings are kept"
            )
        if target in sources:
            raise OutputError(
                f"{sources[target]} and {source} would become one file; {target}; enhance them into two folders"
            )
        sources[target] = source
    return {source: target for target, source in sources.items()}


def _identity(path: Path) -> object:
    """What two paths of one file have in common, whatever links lead there."""
    try:
        status = path.stat()
    except OSError:  # no such file yet
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _opens(source: Path) -> bool:
    from rephase.audio.files import audio_info
    from rephase.errors import AudioFileError

    try:
        audio_info(source)
    except AudioFileError:
        return False
    return True


def _make(folder: Path) -> None:
    from rephase.errors import OutputError

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"can't make the output folder ({error.strerror}); {folder}; make it first: mkdir -p '{folder}'"
        ) from error


def _tell(report: "Report") -> None:
    typer.echo(f"{report.source} -> {report.target}  ({report.audio_seconds:.1f} s of audio, RTF {report.rtf:.3f})")
    for notice in report.notices:
        typer.echo(f"{report.source.name}: {notice}", err=True)
