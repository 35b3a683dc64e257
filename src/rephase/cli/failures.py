"""Errors as a user sees them: one line that says what, where, and what to do; the chain behind it with `--verbose`."""

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
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


def usage_line(error: Exception, command: str, arguments: Sequence[str]) -> str:
    """What to say of a command line that can't be understood.

    Args:
        error: click's usage error, with the context in which it arose, if it was known there.
        command: that was called.
        arguments: all of the command line.

    Returns:
        One line; the help itself where the command line was empty.
    """
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else command
    message = getattr(error, "format_message", lambda: str(error))()
    if context is not None and message == context.get_help():
        return message
    message = " ".join(_with_value(message, error).split()).rstrip(".")
    option = getattr(error, "option_name", None)
    files = [name for name in arguments if option and name.startswith(option) and Path(name).exists()]
    hint = f"name the file as ./{files[0]}, or see" if files else "see"
    return shown(f"rephase: {message[:1].lower()}{message[1:]}; in the command {command}; {hint} {command} --help")


def _with_value(message: str, error: Exception) -> str:
    """The message, with the value that was refused where typer has only pydantic's words for what it should be."""
    details = getattr(error.__cause__, "errors", None)
    wanted = getattr(getattr(error, "param", None), "type_descriptor", None)
    if details is None or wanted is None:
        return message
    if wanted.annotation not in (int, float):
        return message.replace("Value error, ", "", 1)
    words = "must be a number" if wanted.annotation is float else "must be a whole number"
    for word, limit in (("from", wanted.parameter_info.min), ("to", wanted.parameter_info.max)):
        words += "" if limit is None else f" {word} {limit:g}"
    (refused, *_) = details()
    return message.replace(refused["msg"], f"{words}, got {refused['input']!r}")


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
