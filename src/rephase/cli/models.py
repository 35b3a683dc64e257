"""`rephase models`: which models there are, what they cost, and whether their weights ship."""

from typing import TYPE_CHECKING

import typer

from rephase.cli.failures import Verbose

if TYPE_CHECKING:
    from rephase.weights import ModelFolder


def models(verbose: Verbose = False) -> None:
    """List the models, and what each one takes.

    The task is what a model was trained to take away: universal is noise, rooms and narrow bands. GMAC/s are 1e9
    multiply-accumulates for a second of audio, of the network without its transforms (of renet-base and renet-small in
    a clip of one second; longer calls take more); the hash is how the SHA-256 of the model's graph begins. A model
    whose weights do not ship can't enhance: train it and name its folder, --model FOLDER.
    """
    from rephase.weights import list_models

    titles = ("name", "version", "task", "parameters", "GMAC/s", "latency", "licence", "weights", "hash")
    rows = [titles, *(_row(model) for model in list_models())]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def _row(model: "ModelFolder") -> tuple[str, ...]:
    graph = model.files.get("model.onnx")
    return (
        model.name,
        model.version,
        model.task,
        f"{model.parameters:,}",
        f"{model.gmac_per_second:.2f}",
        f"{model.latency_ms:.0f} ms",
        model.licence,
        "ship" if model.has_weights else "none",
        graph.sha256[:12] if graph else "-",
    )
