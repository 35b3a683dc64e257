"""`rephase enhance`: files in, clean files out."""

import contextlib
from collections import Counter
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rephase.cli.failures import Verbose, report_failures, shown
from rephase.cli.inputs import keep_unknown, tell_left_out, without_results
from rephase.cli.notices import Notices
from rephase.cli.pipe import PIPE, RawFormat, enhance_through_pipe, tell_report
from rephase.cli.plans import tell_plans, tidy_up
from rephase.cli.progress import ProgressBar
from rephase.cli.run_report import check_report, write_report
from rephase.cli.same_file import identity
from rephase.cli.times import seconds_of

if TYPE_CHECKING:
    from rephase.batch import Outcome

EPILOG = """\b
Examples:
  rephase enhance talk.wav                       writes talk.enhanced.wav beside it
  rephase enhance talk.wav -o clean.flac         writes clean.flac
  rephase enhance recordings/*.wav -o cleaned/   one result for each, in cleaned/
  rephase enhance film.mp4                       the picture stays as it is; needs rephase[media]
  rephase enhance recordings/ -o cleaned/ --recursive   a whole tree; start it again after a stop, it goes on
  rephase enhance talk.wav --strength 0.7        keeps some of the room
  rephase enhance talk.wav --model renet-lite-denoise   takes noise alone: the room and the band stay
  rephase enhance talk.wav --start 1:30 --end 2:00      half a minute of it; the rest stays bit for bit
  rephase enhance recordings/ -o cleaned/ --dry-run     what it would do, how long it would take; writes nothing
  ffmpeg -i talk.mp4 -f wav - | rephase enhance - -o - | ffmpeg -i - talk.ogg   WAV through pipes

\b
Exit codes: 0 all done, 1 some of several inputs failed, 2 wrong usage or input, nothing was done, 130 interrupted,
143 terminated, 141 nobody reads what is piped out.
"""


def enhance(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            # readable: what can't be read fails by itself, and the others go on
            metavar="INPUTS",
            readable=False,
            help="Recordings (WAV, FLAC, MP3, M4A, MP4, MKV ...), or one folder.",
        ),
    ],
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
    track: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The one audio track of a video to enhance, from 1; all by default."),
    ] = None,
    container: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="EXT",
            help="Container of the result, such as flac or m4a; that of the input by default.",
        ),
    ] = None,
    raw_rate: Annotated[
        int | None, typer.Option(metavar="HZ", help="The pipe holds raw samples at this rate, without a header.")
    ] = None,
    raw_format: Annotated[
        RawFormat, typer.Option(help="What raw samples are: signed, unsigned or float, bits, byte order.")
    ] = "s16le",
    raw_channels: Annotated[int, typer.Option(metavar="N", min=1, max=64, help="Channels of raw samples.")] = 1,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Enhance from here on: seconds or h:m:s; before it nothing changes."),
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="TIME", help="Enhance up to here; after it nothing changes.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, in what time and size, and write nothing.")
    ] = False,
    recursive: Annotated[bool, typer.Option("--recursive", help="Take the folders in a folder too.")] = False,
    jobs: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Recordings at a time; 0: for a folder one a core, else one by one."),
    ] = 0,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write what became of each recording, for programs.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist; never an input, nor what is done already.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Make recordings of speech clean.

    Each result keeps its input's length, channels, sample rate and sample format. Files of any length are
    read and written piece by piece. Of a video all audio tracks are enhanced, everything else is copied.
    """
    rate = _parse_rate(output_rate)
    container = container.lower().removeprefix(".") if container else None
    if report == PIPE:
        raise typer.BadParameter("goes into a file: name it", param_hint="--report")
    if dry_run and report is not None:
        raise typer.BadParameter("can't go with --dry-run, which writes nothing", param_hint="--report")
    since, until = seconds_of(start or "0", "--start"), seconds_of(end, "--end") if end is not None else None
    if until is not None and until <= since:
        raise typer.BadParameter(f"must lie after the start, {since:g} s, got {end!r}", param_hint="--end")
    options = {
        "strength": strength, "highband": highband, "output_rate": rate, "track": track, "container": container,
        "start": since, "end": until,
    }  # fmt: skip
    inputs = list(dict.fromkeys(inputs))
    if len(inputs) == 1 and not inputs[0].is_dir():
        _check_container(output, container)
    if PIPE in inputs or output == str(PIPE):
        if dry_run or report is not None:
            raise typer.BadParameter("is for files, not for a pipe", param_hint="--dry-run" if dry_run else "--report")
        enhance_through_pipe(
            inputs,
            output or str(PIPE),
            (model, runtime, device),
            options,
            (raw_rate, raw_channels, raw_format),
            overwrite,
        )
        return
    if raw_rate is not None:
        raise typer.BadParameter("is for samples in a pipe: rephase enhance - ...", param_hint="--raw-rate")
    several = len(inputs) > 1
    from rephase.batch import Settings, run
    from rephase.dry_run import plan
    from rephase.enhancer import Enhancer
    from rephase.folders import look_into
    from rephase.ledger import Job, Ledger, LedgerBeside
    from rephase.processes import keep_freed_memory
    from rephase.runtimes.cores import available_cores

    keep_freed_memory()
    tree = _tree(inputs, output, recursive)
    folder = tree or _output_folder(inputs, output)
    results: list[Path] = []
    if tree is not None:
        found = look_into(inputs[0], tree, recursive=recursive, container=container)
        work, results = found.jobs, found.results
        if found.below is not None:
            typer.echo(f"folders below are left out, such as {shown(found.below)}: --recursive takes them", err=True)
    else:
        if several:
            inputs, results = without_results(inputs, partial(_target, folder=folder, container=container))
        work = [Job(source, target) for source, target in _targets(inputs, output, folder, container).items()]
    workers = min(jobs or (available_cores() if tree is not None else 1), len(work))
    threads = max(1, available_cores() // workers)
    enhancer = Enhancer.from_pretrained(model, runtime=runtime, device=device, threads=threads)
    settings = Settings.of(enhancer, **options)
    ledger: Ledger | LedgerBeside | None = None
    if tree is not None:
        ledger = Ledger(tree, asdict(settings))
    elif several:
        ledger = LedgerBeside(asdict(settings))
    work, unknown = keep_unknown(work, results, ledger, overwrite=overwrite)
    tell_left_out(results, unknown, tree=None if tree is None else inputs[0])
    if dry_run:
        plans = plan(work, enhancer, settings, ledger=ledger, overwrite=overwrite, workers=workers)
        tell_plans(plans, of=len(work), workers=workers)
        return
    if report is not None:
        check_report(report, work)
    if folder is not None and any(_opens(job.source) for job in work):
        _make(folder)
    tidy_up(work)
    outcomes: list[Outcome] = []
    notices = Notices(None if tree is None else inputs[0])
    with ProgressBar(work[0].source.name if len(work) == 1 else f"{len(work)} recordings") as progress:
        ongoing = run(work, enhancer, settings, ledger=ledger, overwrite=overwrite, workers=workers, progress=progress)
        with contextlib.closing(ongoing):
            for outcome in ongoing:
                outcomes.append(outcome)
                progress.wipe()
                if outcome.report is not None:
                    if tree is None:
                        tell_report(outcome.report)
                    notices.tell(outcome.report)
                elif outcome.status == "skipped" and tree is None:
                    typer.echo(f"{shown(outcome.job.source)}: done before, {shown(outcome.job.target)}")
    notices.tell_repeated()
    if report is not None:
        write_report(report, settings, outcomes)
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    if failures and tree is None and len(work) == 1:
        raise failures[0]
    if tree is not None:
        _tell_sum(outcomes)
    report_failures(failures, of=len(work))


def _tree(inputs: list[Path], output: str | None, recursive: bool) -> Path | None:
    """The folder that the results of a folder go into; None where no input is a folder."""
    from rephase.errors import AudioFileError, OutputError

    folders = [path for path in inputs if path.is_dir()]
    if not folders:
        if recursive:
            raise AudioFileError(f"--recursive is for a folder; {inputs[0]} is none; name a folder, or leave it out")
        return None
    if len(inputs) > 1:
        raise AudioFileError(f"a folder is enhanced by itself; {folders[0]}; call rephase once for each folder")
    if output is None:
        raise OutputError(f"the results of a folder need one of their own; {folders[0]}; name it: -o cleaned/")
    if Path(output).exists() and not Path(output).is_dir():
        raise OutputError(f"the output is a file; {output}; name a folder for the results")
    return Path(output)


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
    from rephase.audio.media.containers import MEDIA_SUFFIXES
    from rephase.errors import OutputError

    if folder.suffix.lower() in CONTAINERS.keys() | MEDIA_SUFFIXES and not folder.is_dir() and not output.endswith("/"):
        raise OutputError(
            f"{len(inputs)} results don't fit into one file; {output}; name a folder (if this is one: {output}/)"
        )
    return folder


def _check_container(output: str | None, container: str | None) -> None:
    """Refuses a name that says one container while `--format` says another."""
    from rephase.audio.formats import CONTAINERS
    from rephase.audio.media.containers import CONTAINER_OF

    if output is None or container is None or Path(output).is_dir() or output.endswith("/"):
        return
    kinds = {**CONTAINERS, **{suffix: kind.muxer for suffix, kind in CONTAINER_OF.items()}}
    named, wanted = Path(output).suffix.lower(), f".{container}"
    if named in kinds and wanted in kinds and kinds[named] != kinds[wanted]:
        raise typer.BadParameter(f"{container} contradicts -o {output}; name one of them", param_hint="--format")


def _target(source: Path, folder: Path | None, container: str | None) -> Path:
    """Where the result of a recording goes that is named after it."""
    from rephase.audio.formats import target_suffix
    from rephase.folders import RESULT

    suffix = f".{container}" if container else target_suffix(source)
    return (folder or source.parent) / f"{source.stem}{RESULT}{suffix}"


def _targets(inputs: list[Path], output: str | None, folder: Path | None, container: str | None) -> dict[Path, Path]:
    """Where the result of each input goes; refuses two of one name, and one in place of an input, before any work."""
    from rephase.errors import OutputError

    kept = set(map(identity, inputs))
    sources: dict[Path, Path] = {}
    for source in inputs:
        target = _target(source, folder, container)
        if folder is None and output is not None:
            target = Path(output)
        if identity(target) in kept:
            raise OutputError(
                f"the result of {source} would replace an input; {target}; choose another output, recordings are kept"
            )
        if target in sources:
            raise OutputError(
                f"{sources[target]} and {source} would become one file; {target}; enhance them into two folders"
            )
        sources[target] = source
    return {source: target for target, source in sources.items()}


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
        folder.mkdir(exist_ok=True, parents=True)
    except OSError as error:
        raise OutputError(
            f"can't make the output folder ({error.strerror}); {folder}; make it first: mkdir -p '{folder}'"
        ) from error


def _tell_sum(outcomes: "list[Outcome]") -> None:
    """One line for a whole folder."""
    counts = Counter(outcome.status for outcome in outcomes)
    seconds = sum(outcome.report.audio_seconds for outcome in outcomes if outcome.report is not None)
    parts = [f"{counts['enhanced']} enhanced ({seconds:.1f} s of audio)"]
    parts += [f"{counts['skipped']} done before"] if counts["skipped"] else []
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    typer.echo(", ".join(parts))
