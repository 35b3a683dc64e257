"""Errors as a user sees them: one line that says what, where, and what to do; the chain behind it with `--verbose`."""

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

log = logging.getLogger(__name__)


def unmute() -> None:
    """Lets libraries in C, and processes that this one starts, speak on stderr again."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        if sys.stderr.fileno() != 2:
            os.dup2(sys.stderr.fileno(), 2)
            os.dup2(sys.stderr.fileno(), 1)


def _log_everything(wanted: bool) -> bool:
    if wanted:
        unmute()
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("rephase").setLevel(logging.DEBUG)
    return wanted


Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        callback=_log_everything,
        is_eager=True,
        help="Show what is done and, on failure, all that led to it.",
    ),
]


def one_line(error: Exception) -> str:
    """The line for the user; with `--verbose` the whole chain is logged before it.

    Args:
        error: what went wrong; a message of its own for our errors and the system's, else its kind is named too.

    Returns:
        One line without an end.
    """
    log.debug("the errors that led to this:", exc_info=error)
    if isinstance(error, OSError) and error.strerror:
        where = f"; {error.filename}" if error.filename else ""
        message = f"{error.strerror.lower()}{where}; check the path, its permissions and the space on the disk"
    elif isinstance(error, ValueError | ImportError | MemoryError):
        message = str(error) or type(error).__name__
    else:
        message = f"unexpected {type(error).__name__}: {error}; this is a fault of rephase: --verbose shows where"
    return shown(" ".join(message.split()))


def usage_line(error: Exception) -> str:
    """What to say of a command line that can't be understood.

    Args:
        error: click's usage error, with the context in which it arose.

    Returns:
        One line; the help itself where the command line was empty.
    """
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "rephase"
    message = getattr(error, "format_message", lambda: str(error))()
    if context is not None and message == context.get_help():
        return message
    message = " ".join(message.split()).rstrip(".")
    return f"rephase: {message[:1].lower()}{message[1:]}; in the command {command}; see {command} --help"


def report_failures(failures: list[Exception], *, of: int) -> None:
    """Lists on stderr which of several inputs failed and why, and ends the command.

    Args:
        failures: what was raised; none, and nothing happens.
        of: how many inputs there were.

    Raises:
        typer.Exit: if something failed; the exit code is 1 if some succeeded, else 2.
    """
    if failures:
        typer.echo(f"rephase: {len(failures)} of {of} inputs failed:", err=True)
        for error in failures:
            typer.echo(f"  {one_line(error)}", err=True)
        raise typer.Exit(1 if len(failures) < of else 2)


def shown(path: Path | str) -> str:
    r"""A path, or a message with one in it, as it is told: names may hold ends of lines and what steers a terminal.

    Args:
        path: of a file, or a message.

    Returns:
        One line; what can't be printed is written as Python writes it.

    Example:
        >>> shown(Path("two\nlines.wav"))
        'two\\nlines.wav'
    """
    text = str(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
