"""`rephase analyze`: what a network has learned."""

from pathlib import Path
from typing import Annotated

import typer

from rephase.cli.failures import Verbose

EPILOG = """\b
Examples:
  rephase analyze renet-lite talk.wav -o analysis/
  rephase analyze runs/mine/model talk.wav -o analysis/
  rephase analyze renet-small talk.wav --random -o analysis/    as it is before training
"""


def analyze(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's name, or its folder.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A recording of speech.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report goes.")],
    seconds: Annotated[
        float, typer.Option(metavar="S", min=0.25, max=8.0, help="How much of it: its loudest part.")
    ] = 2.0,
    angles: Annotated[int, typer.Option(metavar="N", min=1, help="At how many random angles layers are turned.")] = 3,
    random: Annotated[bool, typer.Option("--random", help="Take random weights: for models that ship none.")] = False,
    verbose: Verbose = False,
) -> None:
    """Look inside a network while it hears a recording.

    Measures how exactly each layer turns with its phase input, the rhythm of its phase features along time and
    frequency, what the gates let pass and where attention looks. Writes index.html (one file, no network),
    summary.json and each plot as PNG. Takes seconds for renet-lite and minutes for renet-base; needs
    rephase[torch,plot].
    """
    from rephase.errors import ModelError, OutputError

    try:
        from rephase.analysis.probe import probe
        from rephase.analysis.report import PAGE, analyse, verdict, write_analysis
    except ModuleNotFoundError as error:
        raise ModelError(
            f"analyze needs the package {error.name}, which is not installed; model {model}; "
            f"install it: pip install 'rephase[torch,plot]'"
        ) from error
    if output.exists() and not output.is_dir():
        raise OutputError(f"the output is a file; {output}; name a folder")
    if output.is_dir() and any(output.iterdir()) and not (output / PAGE).exists():
        raise OutputError(f"this folder holds other files and no report; {output}; choose an empty or a new one")
    analysis = analyse(probe(model, file, seconds=seconds, random=random), file, angles=angles)
    write_analysis(analysis, output)
    typer.echo(verdict(analysis.errors))
    typer.echo(f"report: {output / PAGE}")
