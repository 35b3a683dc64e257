"""The command `rephase`: one file a command; what a command needs is imported inside it, so that help comes at once.

Nothing above `main` prints a traceback: an error becomes one line on stderr, and `--verbose` shows what led to it.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, Any

import typer

from rephase import __version__
from rephase.cli import analyze, compare, data, degrade, doctor, enhance, evaluate, export, info, models, train
from rephase.cli.failures import one_line, usage_line

EPILOG = """\b
Start with: rephase enhance talk.wav

\b
Exit codes: 0 done, 1 some of several inputs failed, 2 wrong usage or input, nothing was done, 130 interrupted,
143 terminated, 141 nobody reads what is piped out. What went wrong stands on stderr, in one line: what; where; what
to do.
"""
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # typer brings its own click, older ones need click itself

# Plain help: drawing boxes with rich would take longer than everything else that `--help` does.
app = typer.Typer(
    name="rephase",
    help="Makes degraded speech clean: removes noise and reverberation, and widens narrow bands.",
    epilog=EPILOG,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=enhance.EPILOG)(enhance.enhance)
app.command(epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command(epilog=compare.EPILOG)(compare.compare)
app.command()(models.models)
app.command(epilog=info.EPILOG)(info.info)
app.command(epilog=export.EPILOG)(export.export)
app.command(epilog=analyze.EPILOG)(analyze.analyze)
app.add_typer(data.app, name="data")
app.command(epilog=train.EPILOG)(train.train)
app.command(epilog=degrade.EPILOG)(degrade.degrade)
app.command()(doctor.doctor)


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"rephase {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def _stop(number: int, frame: FrameType | None) -> None:
    """Turns a signal into an orderly exit, so that what is half done is cleaned up."""
    signal.signal(number, signal.SIG_IGN)  # a second one doesn't disturb that
    sys.exit(128 + number)


def _mute_libraries() -> None:
    """Keeps libraries in C off stdout and stderr, where some tell of damage by themselves: our one line says it.

    They write to the descriptors 1 and 2; our own words go to others of the same terminal or file. `--verbose` lets
    them speak.
    """
    sys.stdout, sys.stderr = _moved(sys.stdout, 1), _moved(sys.stderr, 2)


def _moved(stream: Any, number: int) -> Any:
    """The same stream on another descriptor, while nothing more comes out of its own."""
    try:
        if stream.fileno() != number:
            return stream
    except (AttributeError, OSError, ValueError):  # there is none, or it is none of the system's
        return stream
    stream.flush()
    lines = number == 2 or stream.isatty()
    moved = os.fdopen(os.dup(number), "w", encoding=stream.encoding, errors="backslashreplace")
    moved.reconfigure(line_buffering=lines)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
    return moved


def _called(arguments: Sequence[str]) -> str:
    """The command that a command line calls, with the words before it."""
    command: Any = typer.main.get_command(app)
    words = ["rephase"]
    for word in arguments:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        words.append(word)
    return " ".join(words)


def main() -> None:
    """Runs the command line and exits.

    0 done, 1 some of several inputs failed, 2 wrong usage or nothing could be done, 130 interrupted, 143 terminated,
    141 nobody reads what is piped out.
    """
    signal.signal(signal.SIGTERM, _stop)
    _mute_libraries()
    try:
        sys.exit(app(prog_name="rephase", standalone_mode=False))
    except UsageError as error:
        typer.echo(usage_line(error, _called(sys.argv[1:]), sys.argv[1:]), err=True)
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - the one place where every error turns into a line for the user
        typer.echo(f"rephase: {one_line(error)}", err=True)
        sys.exit(2)
