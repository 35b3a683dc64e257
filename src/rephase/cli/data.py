"""`rephase data`: corpora for training: verified, converted, split, packed into shards."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rephase.cli.failures import Verbose, shown
from rephase.cli.progress import ProgressBar

if TYPE_CHECKING:
    from rephase.data.prepare import Prepared, Row

PREPARE_EPILOG = """\b
Examples:
  rephase data prepare voicebank-demand downloads/DS_10283_2791/ data/
  rephase data prepare librispeech LibriSpeech/ data/
  rephase data prepare folder my-noises/ data/ --kind noise --name street

\b
Corpora: voicebank-demand, librispeech, vctk, dns, and folder: recordings of your own, a folder a speaker. Several may
go into one OUT. docs/data.md says what is expected of each, where it is, and how it is split.

\b
Exit codes: 0 done (recordings that were left out are told), 2 nothing could be done, 130 interrupted; the same command
goes on where it was.
"""
SHARD_EPILOG = """\b
Examples:
  rephase data shard data/speech.csv shards/speech/
  rephase data shard data/noise.csv shards/noise/ --split valid
"""
STAGES = {"archives": "sums of archives", "check": "reading headers", "convert": "converting"}

app = typer.Typer(
    help="Prepare corpora to train on.", rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
)
Jobs = Annotated[int, typer.Option(metavar="N", min=0, help="Files at a time; 0: as suits the processors.")]
MaxBad = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, help="How many bad recordings to leave out; 1 % or 20 by default, what is more."),
]


@app.command(epilog=PREPARE_EPILOG)
def prepare(
    corpus: Annotated[
        Literal["voicebank-demand", "librispeech", "vctk", "dns", "folder"], typer.Argument(metavar="CORPUS")
    ],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Where the corpus was unpacked.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Where the result goes.")],
    rate: Annotated[int, typer.Option(metavar="HZ", help="Sample rate of the result.")] = 16000,
    partial: Annotated[
        bool, typer.Option("--partial", help="Go on though the copy differs from what was published.")
    ] = False,
    max_bad: MaxBad = None,
    kind: Annotated[Literal["speech", "noise"], typer.Option(help="What a folder holds.")] = "speech",
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What a folder is called; by default its own.")
    ] = None,
    valid_share: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Of dns and folder: speakers who choose checkpoints.")
    ] = 0.05,
    test_share: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Of dns and folder: speakers for reporting.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(metavar="N", help="Of these shares.")] = 0,
    no_checksums: Annotated[
        bool, typer.Option("--no-checksums", help="Don't compare archives in SRC with their published sums.")
    ] = False,
    jobs: Jobs = 0,
    verbose: Verbose = False,
) -> None:
    """Verify, convert and split a corpus that you downloaded, and write manifests.

    Checks counts, speakers, sample rates, hours and sums of archives against what was published. Everything becomes
    mono FLAC of 16 bits at one rate, by one fixed resampler (soxr VHQ). Splits are by speaker. OUT/speech.csv,
    noise.csv and pairs.csv are what training and `rephase evaluate --pairs` read.
    """
    from rephase.data.prepare import Choices, Stage
    from rephase.data.prepare import prepare as run
    from rephase.data.recipes import RECIPES, folder_recipe

    if corpus == "folder":
        recipe = folder_recipe(name or source.resolve().name, kind)
    elif name is not None or kind != "speech":
        raise typer.BadParameter("--name and --kind belong to the corpus `folder`")
    else:
        recipe = RECIPES[corpus]
    choices = Choices(
        sample_rate=rate, partial=partial, checksums=not no_checksums, most_bad=max_bad, valid_share=valid_share,
        test_share=test_share, seed=seed, jobs=jobs,
    )  # fmt: skip
    bars: list[ProgressBar] = []

    def stage(label: str) -> ProgressBar:
        for bar in bars:
            bar.wipe()
        bars.append(ProgressBar(STAGES[label]))
        return bars[-1]

    starting: Stage = stage
    try:
        result = run(recipe, source, output, choices, starting)
    finally:
        for bar in bars:
            bar.wipe()
    _tell(result, output, recipe.licence)


def _tell(result: "Prepared", output: Path, licence: str) -> None:
    for difference in result.differences:
        typer.echo(f"differs from what was published: {difference}", err=True)
    for speaker, reason in result.dropped.items():
        typer.echo(f"speaker {speaker} is left out: {reason}", err=True)
    for name, rows in result.rows.items():
        typer.echo(f"{shown(output / name)}: {_counts(rows)}")
    if not any(row["split"] == "valid" for rows in result.rows.values() for row in rows):
        typer.echo("no recording is marked valid: training needs some to choose its checkpoint", err=True)
    if result.bad:
        typer.echo(f"{len(result.bad)} recordings are left out; OUT's JSON file lists them", err=True)
    done = f"{result.converted} files converted" + (f", {result.skipped} were there" if result.skipped else "")
    typer.echo(f"{done}; licence: {licence}")


def _counts(rows: "list[Row]") -> str:
    told = []
    for split in ("train", "valid", "test"):
        chosen = [row for row in rows if row["split"] == split]
        speakers = len({row["speaker"] for row in chosen if row["speaker"]})
        if chosen:
            hours = sum(float(row["seconds"]) for row in chosen) / 3600
            told.append(
                f"{split} {len(chosen)} files" + (f" of {speakers} speakers" if speakers else "") + f", {hours:.2f} h"
            )
    return "; ".join(told)


@app.command(epilog=SHARD_EPILOG)
def shard(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="speech.csv or noise.csv.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the shards.")],
    split: Annotated[str, typer.Option(metavar="NAME", help="Which of its recordings.")] = "train",
    shard_mb: Annotated[float, typer.Option(metavar="MB", min=0.001, help="About how large a shard becomes.")] = 200,
    rate: Annotated[int, typer.Option(metavar="HZ", help="Sample rate of the result.")] = 16000,
    max_bad: MaxBad = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the order.")] = 0,
    jobs: Jobs = 0,
    verbose: Verbose = False,
) -> None:
    """Write recordings as WebDataset shards, for corpora that are read over a network or from slow disks.

    Recordings are FLAC with a JSON file each, in random order. OUT/SPLIT.json lists the shards: training takes it
    where it takes a manifest, from a folder or any fsspec URL.
    """
    from rephase.errors import RephaseError

    try:
        from rephase.data.shard_writer import write_shards
    except ModuleNotFoundError as error:
        raise RephaseError(
            f"shards need the package {error.name}, not installed here; install: pip install 'rephase[train]'"
        ) from error
    with ProgressBar("writing shards") as progress:
        index = write_shards(
            manifest, output, split=split, shard_mb=shard_mb, sample_rate=rate, most_bad=max_bad, seed=seed, jobs=jobs,
            progress=progress,
        )  # fmt: skip
    typer.echo(
        f"{shown(index.path)}: {index.recordings} recordings, {index.hours:.2f} h, in {len(index.shards)} shards of "
        f"{index.bytes / 1e6 / len(index.shards):.1f} MB on average"
    )
