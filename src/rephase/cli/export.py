"""`rephase export`: a model as one ONNX file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from rephase.cli.failures import Verbose

EPILOG = """\b
Examples:
  rephase export renet-lite -o renet-lite.onnx
  rephase export runs/mine/model -o mine.onnx
"""


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's name, or its folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE.onnx", help="Where the graph goes.")],
    random: Annotated[bool, typer.Option("--random", help="Take random weights: for models that ship none.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    verbose: Verbose = False,
) -> None:
    """Write a model as an ONNX graph: waveform in, waveform out, any length, any batch.

    The graph maps `degraded` to `enhanced`, float32 [batch, time] at the model's sample rate, and expects speech at
    about -26 dBFS. It is written only if it is proven to give what the network gives in torch, on real speech among
    others. Takes about a minute and needs rephase[torch].
    """
    from rephase.errors import ModelError

    try:
        from rephase.export.standalone import export_file
    except ModuleNotFoundError as error:
        raise ModelError(
            f"export needs the package {error.name}, which is not installed; model {model}; "
            f"install it: pip install 'rephase[torch]'"
        ) from error
    parity = export_file(model, output, random=random, overwrite=overwrite)
    typer.echo(
        f"{model} -> {output}  ({output.stat().st_size / 1e6:.1f} MB, proven on {parity.cases} signals: "
        f"off by {parity.sample_error:.0e} of the peak, {parity.phase_error:.0e} rad)"
    )
