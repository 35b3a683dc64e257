"""The command `rephase`: one file a command; what a command needs is imported inside it, so that help comes at once.

Nothing above `main` prints a traceback: an error becomes one line on stderr, and `--verbose` shows what led to it.
"""

import io
import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

from rephase import __version__
from rephase.cli import enhance, export, info, models
from rephase.cli.failures import one_line, usage_line

EPILOG = """\b
Start with: rephase enhance talk.wav

\b
Exit codes: 0 done, 1 some of several inputs failed, 2 wrong usage or input, nothing was done, 130 interrupted,
143 terminated. What went wrong stands on stderr, in one line: what; where; what to do.
"""
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # typer brings its own click, older ones need click itself

# Plain help: drawing boxes with rich would take longer than everything else that `--help` does.
app = typer.Typer(
    name="rephase",
    help="Makes degraded speech clean: removes noise from recordings of speech.",
    epilog=EPILOG,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=enhance.EPILOG)(enhance.enhance)
app.command()(models.models)
app.command(epilog=info.EPILOG)(info.info)
app.command(epilog=export.EPILOG)(export.export)


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
    """Keeps libraries in C off stderr, where some tell of damage by themselves: our one line says it.

    They write to the descriptor 2; our own words go to another one of the same terminal or file. `--verbose` undoes it.
    """
    try:
        if sys.stderr.fileno() != 2:
            return
    except (AttributeError, OSError, ValueError):  # there is no stderr, or it is none of the system's
        return
    own = os.dup(2)
    sys.stderr = open(own, "w", buffering=1, encoding=sys.stderr.encoding, errors=sys.stderr.errors)  # noqa: PTH123, SIM115 - for good
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)


def main() -> None:
    """Runs the command line and exits.

    0 done, 1 some of several inputs failed, 2 wrong usage or nothing could be done, 130 interrupted, 143 terminated.
    """
    signal.signal(signal.SIGTERM, _stop)
    _mute_libraries()
    if isinstance(sys.stdout, io.TextIOWrapper):  # as stderr does: names of files need not fit the terminal's encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.exit(app(prog_name="rephase", standalone_mode=False))
    except UsageError as error:
        typer.echo(usage_line(error), err=True)
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - the one place where every error turns into a line for the user
        typer.echo(f"rephase: {one_line(error)}", err=True)
        sys.exit(2)
