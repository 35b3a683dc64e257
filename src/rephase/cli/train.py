"""`rephase train`: an experiment from a YAML file to a model folder."""

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from rephase.cli.failures import Verbose, unmute

EPILOG = """\b
Examples:
  rephase train --list
  rephase train renet-lite --data corpora --minutes 60
  rephase train configs/denoise-voicebank.yaml --data voicebank-16k batch.items=2 optimizer.clip=5
  rephase train --resume --run runs/renet-lite --minutes 120

\b
Exit codes: 0 the model is written, 2 nothing could be done, 130 interrupted, 143 terminated; what was reached then is
saved, and --resume goes on.
"""


def train(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EXPERIMENT] [KEY=VALUE]...", help="A file or the name of one that ships; changes."),
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Short for data.folder=FOLDER.")] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Short for budget.minutes=N: of training in all.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="FOLDER", help="What the run leaves; runs/NAME if not given.")
    ] = None,
    begin: Annotated[
        str | None, typer.Option("--begin", metavar="MODEL", help="Model to begin with; a renet-lite may grow.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint of the run.")] = False,
    stop_after: Annotated[
        float | None,
        typer.Option("--stop-after", metavar="MINUTES", help="End this start then; --resume goes on."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option("--devices", min=1, help="How many work together.")] = 1,
    show_list: Annotated[bool, typer.Option("--list", help="Name the experiments that ship.")] = False,
    verbose: Verbose = False,
) -> None:
    """Train a network: every number of it stands in one YAML file and can be changed by key=value.

    A run leaves its experiment and environment, checkpoints, metrics.csv, TensorBoard's files (tensorboard --logdir
    RUN) and, at its end, RUN/model for `rephase enhance --model RUN/model`. Needs rephase[train].
    """
    from rephase.errors import ModelError

    try:
        from rephase.training.engine import train as run_experiment
        from rephase.training.experiment_file import experiments, find_experiment, read_experiment
        from rephase.training.progress import Progress
        from rephase.training.stop_after import StopAfter
        from rephase.weights.registry import find_model
    except ModuleNotFoundError as error:
        raise ModelError(
            f"train needs the package {error.name}, which is not installed; install it: pip install 'rephase[train]'"
        ) from error
    if show_list:
        shipped = {name: read_experiment(path).summary for name, path in experiments().items()}
        width = max(map(len, shipped))
        for name, summary in shipped.items():
            typer.echo(f"{name:{width}}  {summary}")
        return
    _calm_libraries(verbose)
    if devices > 1:
        unmute()  # what goes wrong in another process must be seen
    named = [word for word in words or [] if "=" not in word]
    changes = [word for word in words or [] if "=" in word]
    changes += [f"data.folder={json.dumps(str(data))}"] if data is not None else []
    changes += [f"budget.minutes={minutes}"] if minutes is not None else []
    if len(named) > 1 or (not named and not (resume and run)):
        raise typer.BadParameter("name one experiment, or resume a run: rephase train --list; --resume --run FOLDER")
    path = find_experiment(named[0]) if named else run / "experiment.yaml"  # type: ignore[operator]
    folder = run or Path("runs") / path.stem
    bar = (Progress(),) if sys.stderr.isatty() else ()
    instalment = (StopAfter(stop_after),) if stop_after is not None else ()
    model = run_experiment(
        read_experiment(path, changes),
        folder,
        begin=find_model(begin) if begin else None,
        resume=resume,
        device=device,
        devices=devices,
        callbacks=(*bar, *instalment),
    )
    if model is not None:
        typer.echo(f"{model.path}: rephase enhance FILE --model {model.path}")


def _calm_libraries(verbose: bool) -> None:
    """Tells what the run does where no bar can, and keeps what its libraries say of themselves for `--verbose`."""
    if verbose:
        return
    warnings.filterwarnings("ignore")
    for chatty in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
