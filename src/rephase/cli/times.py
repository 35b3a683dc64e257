"""Times on the command line: `90`, `1:30` and `0:01:30.5` are the same to a second."""

import re

import typer

TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?)")


def seconds_of(text: str, option: str) -> float:
    """Reads a time.

    Args:
        text: seconds, or minutes:seconds, or hours:minutes:seconds; the seconds may have a fraction.
        option: that it was given to, for the message.

    Returns:
        Seconds.

    Raises:
        typer.BadParameter: if it is none.

    Example:
        >>> seconds_of("90.5", "--start"), seconds_of("1:02:03", "--start")
        (90.5, 3723.0)
    """
    found = TIME.fullmatch(text.strip())
    if found is None:
        raise typer.BadParameter(
            f"must be seconds or h:m:s, such as 90.5 or 0:01:30.5, got {text!r}", param_hint=option
        )
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    if (found[1] and minutes >= 60) or (found[2] and seconds >= 60):
        raise typer.BadParameter(f"minutes and seconds after a colon must be below 60, got {text!r}", param_hint=option)
    return 3600 * hours + 60 * minutes + seconds


def spoken(seconds: int | float) -> str:
    """A duration that was estimated, as people say it.

    Args:
        seconds: at least 0.

    Returns:
        One unit.

    Example:
        >>> spoken(0.3), spoken(75), spoken(4000)
        ('under 1 s', 'about 75 s', 'about 67 min')
    """
    if seconds < 1:
        return "under 1 s"
    if seconds < 120:
        return f"about {seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"
