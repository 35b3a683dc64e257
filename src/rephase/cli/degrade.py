"""`rephase degrade`: clean recordings in, pairs to train on or to measure with out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rephase.cli.failures import Verbose, report_failures
from rephase.cli.progress import ProgressBar

if TYPE_CHECKING:
    from rephase.degradations.chain import Chain

TASKS = ("denoise", "dereverb", "bandwidth", "universal", "phase-retrieval")
EPILOG = """\b
Examples:
  rephase degrade clean/ pairs/ --task denoise --noise noises/ --snr 0,15
  rephase degrade clean/ pairs/ --task dereverb --rooms measured/
  rephase degrade clean/ pairs/ --task bandwidth --rates 2000,4000,8000
  rephase degrade clean/ pairs/ --task universal --codec opus,mp3 --kbps 12,32
  rephase evaluate --model renet-lite --pairs pairs/pairs.csv -o report/

\b
Whole recordings of 0.1 s or more become 16 kHz mono files in pairs/degraded/ and pairs/clean/, in the tree of their
folder. pairs.csv lists them and what was done to each. The same seed gives the same bytes, whatever the order, the
number of jobs and the other files of the folder. What each degradation is, in equations: docs/degradations.md.

\b
Exit codes: 0 done, 1 some recordings were left out (they are listed), 2 nothing was done, 130 interrupted.
"""


def degrade(
    clean: Annotated[Path, typer.Argument(metavar="CLEAN", help="Folder of clean recordings.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the pairs.")],
    task: Annotated[str, typer.Option(metavar="TASK", help=f"What is done to them: {', '.join(TASKS)}.")],
    seed: Annotated[int, typer.Option(metavar="N", help="Of everything random.")] = 1,
    noise: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Recordings of noise; without it, noise is made.")
    ] = None,
    talkers: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Speech of others: half of the noise becomes babble of them.")
    ] = None,
    rooms: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Measured room responses; without it, rooms are simulated.")
    ] = None,
    snr: Annotated[str | None, typer.Option(metavar="LOW,HIGH", help="Signal-to-noise ratio, dB. [-5,15]")] = None,
    rates: Annotated[
        str | None, typer.Option(metavar="RATES", help="Sampling rates that the band is limited to. [4000,8000]")
    ] = None,
    band: Annotated[
        str | None,
        typer.Option(metavar="LOW,HIGH", help="Hz where the band ends, by any resampler; instead of --rates."),
    ] = None,
    colour: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Power of the frequency that noise is made with. [-2,2]")
    ] = None,
    early: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Of a room that the clean one keeps after the direct sound.")
    ] = None,
    speed: Annotated[str | None, typer.Option(metavar="LOW,HIGH", help="Speed of the speech, such as 0.9,1.1.")] = None,
    clip: Annotated[str | None, typer.Option(metavar="LOW,HIGH", help="Clip so many dB below the peak.")] = None,
    codec: Annotated[str | None, typer.Option(metavar="NAMES", help="Through a codec: opus, mp3 or opus,mp3.")] = None,
    kbps: Annotated[str | None, typer.Option(metavar="LOW,HIGH", help="Its bit rate, kbit/s. [8,64]")] = None,
    file_format: Annotated[str, typer.Option("--format", metavar="flac|wav", help="Of the files, 16 bits.")] = "flac",
    jobs: Annotated[int, typer.Option(metavar="N", min=0, help="Recordings at a time; 0: one a core.")] = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Allow an output folder that is not empty.")] = False,
    verbose: Verbose = False,
) -> None:
    """Make pairs of degraded and clean recordings, reproducibly."""
    from rephase.errors import RephaseError

    try:
        from rephase.data.degraded_folder import LIST, degrade_folder, folder_or_none
        from rephase.data.degraded_item import FORMATS, Setting
        from rephase.data.materials import open_folder
        from rephase.runtimes.cores import available_cores
    except ModuleNotFoundError as error:
        raise RephaseError(
            f"degrading needs the package {error.name}, not installed here; install: pip install 'rephase[train]'"
        ) from error
    if file_format not in FORMATS:
        raise typer.BadParameter(f"must be one of {', '.join(FORMATS)}, got {file_format!r}", param_hint="--format")
    ranges = {
        "snr_db": _range(snr, "--snr"),
        "band_hz": _range(band, "--band"),
        "colour": _range(colour, "--colour"),
        "speed": _range(speed, "--speed"),
        "clip_db": _range(clip, "--clip"),
        "codec_kbps": _range(kbps, "--kbps"),
        "early_seconds": early,
        "band_rates": None if rates is None else tuple(int(rate) for rate in _numbers(rates, "--rates")),
        "codecs": None if codec is None else _codecs(codec),
    }
    chain = _chain(task, ranges, made=noise is None, babbles=talkers is not None)
    setting = Setting(
        chain, seed, clean, output, folder_or_none(noise), folder_or_none(talkers), folder_or_none(rooms), file_format
    )
    for line in _told(chain, setting.noise is None, setting.talkers is not None, setting.rooms is None):
        typer.echo(line, err=True)
    count = len(open_folder(clean).files)
    with ProgressBar(f"{count} recordings") as progress:
        made = degrade_folder(setting, jobs=jobs or available_cores(), overwrite=overwrite, progress=progress)
    if made.pairs:
        typer.echo(f"{len(made.pairs)} pairs: {output / LIST}")
    report_failures(made.failures, of=count)


def _chain(task: str, ranges: dict[str, Any], *, made: bool, babbles: bool) -> "Chain":
    """The task's chain with what the command line asks for."""
    from dataclasses import replace

    from rephase.degradations.presets import PUBLISHED

    if task not in PUBLISHED:
        raise typer.BadParameter(f"must be one of {', '.join(PUBLISHED)}, got {task!r}", param_hint="--task")
    changes = {name: value for name, value in ranges.items() if value is not None}
    if "band_hz" in changes and "band_rates" in changes:
        raise typer.BadParameter("can't go with --rates", param_hint="--band")
    if "band_hz" in changes:
        changes |= {"band_rates": (), "p_resampler": 1.0, "resamplers": ("brick", "gentle", "alias")}
    changes |= {
        chance: 1.0
        for chance, value in (("p_speed", "speed"), ("p_clip", "clip_db"), ("p_codec", "codecs"))
        if value in changes
    }
    changes["p_babble"] = 0.5 if babbles else 0.0
    changes["p_coloured"] = 1.0 - changes["p_babble"] if made else 0.0
    return replace(PUBLISHED[task], **changes)


def _told(chain: "Chain", made: bool, babbles: bool, simulated: bool) -> list[str]:
    """What the user did not name, and what is taken instead."""
    lines = []
    if chain.p_noise and made:
        also = ", half of it babble" if babbles else "; --talkers FOLDER adds babble"
        lines.append(f"no --noise is named: coloured noise is made{also}")
    if chain.p_room and simulated:
        lines.append("no --rooms are named: each recording gets a simulated room of its own")
    return lines


def _codecs(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not set(names) <= {"opus", "mp3"}:
        raise typer.BadParameter(f"must be opus, mp3 or opus,mp3, got {text!r}", param_hint="--codec")
    return names


def _range(text: str | None, option: str) -> tuple[float, float] | None:
    if text is None:
        return None
    values = _numbers(text, option)
    if len(values) > 2:
        raise typer.BadParameter(f"must be LOW,HIGH or one number, got {text!r}", param_hint=option)
    return values[0], values[-1]


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"must be numbers with commas between, got {text!r}", param_hint=option) from None
