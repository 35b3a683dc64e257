"""Tables in Markdown, figures in text, and files that are whole or not there."""

import contextlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rephase.errors import OutputError


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Writes a table; the first column is text, the others are figures.

    Args:
        header: names of the columns.
        rows: cells.

    Returns:
        Lines of Markdown.

    >>> print(markdown_table(["system", "n"], [["a|b", "3"]]))
    | system | n |
    | --- | ---: |
    | a\|b | 3 |
    """
    lines = [
        header,
        ["---"] + ["---:"] * (len(header) - 1),
        *([cell.replace("|", "\\|") for cell in row] for row in rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float, *, signed: bool = False) -> str:
    """A value with as many digits as are worth reading; `missing` where there is none.

    >>> number(2.19532), number(-12.7811), number(0.6981, signed=True), number(math.nan)
    ('2.195', '-12.78', '+0.698', 'missing')
    """
    if math.isnan(value):
        return "missing"
    return f"{value:{'+' if signed else ''}.{2 if abs(value) >= 9.9995 else 3}f}"


def with_interval(mean: float, low: float, high: float, *, signed: bool = False) -> str:
    """A mean and its interval: `2.195 [1.983, 2.418]`."""
    if math.isnan(mean):
        return "missing"
    return f"{number(mean, signed=signed)} [{number(low, signed=signed)}, {number(high, signed=signed)}]"


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file, whole or not at all.

    Args:
        path: of the file.
        content: text or bytes.

    Raises:
        OutputError: if it can't be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise OutputError(
            f"can't write it ({error.strerror}); {path}; check the folder and the space on the disk"
        ) from error


def without_nan(value: Any) -> Any:
    """What JSON can hold of nested lists and dictionaries: NaN and infinity become None."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
