"""Values that are known already, by the content of the files: so a run goes on after a stop.

`.scores.jsonl` in the report's folder has one line for each item that was scored. A value is taken again if its files
have the same SHA-256, the settings are the same, and its metric has the same version, own and of its packages; a line
that was cut off when the machine went down is left aside.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rephase.evaluation.catalogue import EvaluationError, metric_version
from rephase.evaluation.scoring import DEGRADED, Scored

FILENAME = ".scores.jsonl"
FACTS = ("seconds", "channels", "delay_ms", "level_db", "degraded_delay_ms", "notes")
NOTHING: tuple[object, ...] = (None, [])  # a run that computed other columns may not know a fact


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content.

    Args:
        path: of the file.

    Returns:
        In hexadecimal digits.

    Raises:
        OSError: if it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def version_of(column: str) -> str:
    """The version of a column's metric."""
    return metric_version(column.removeprefix(DEGRADED))


class Cache:
    """Scores of earlier runs in a folder.

    Args:
        folder: of the report.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILENAME
        self._known: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            entry = self._known.setdefault(line["key"], {"columns": {}, "facts": {}})
            entry["columns"] |= line["columns"]
            entry["facts"] |= {
                name: fact for name, fact in line["facts"].items() if name in FACTS and fact not in NOTHING
            }

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return
        except OSError as error:
            raise EvaluationError(f"can't read {self._path} ({error.strerror}); check its permissions") from error
        for text in lines:
            try:
                line = json.loads(text)
                if (
                    isinstance(line["key"], str)
                    and isinstance(line["columns"], dict)
                    and isinstance(line["facts"], dict)
                ):
                    yield line
            except (ValueError, TypeError, KeyError):
                continue

    def known(self, key: str, name: str) -> Scored:
        """What is known of an item, of the versions that are installed.

        Args:
            key: of its content and settings.
            name: of the item.

        Returns:
            Values and reasons, perhaps none.
        """
        scored = Scored(name)
        entry = self._known.get(key)
        if entry is None:
            return scored
        for column, (made_with, value, reason) in entry["columns"].items():
            try:
                current = version_of(column) == made_with
            except KeyError:  # of another version of this program
                continue
            if current and reason is None:
                scored.values[column] = value
            elif current:
                scored.missing[column] = reason
        for fact, value in entry["facts"].items():
            setattr(scored, fact, value)
        return scored

    def add(self, key: str, scored: Scored) -> None:
        """Keeps what was computed, at once.

        Args:
            key: of the item's content and settings.
            scored: what was computed now.
        """
        columns: dict[str, list[Any]] = {
            column: [version_of(column), value, None] for column, value in scored.values.items()
        }
        columns |= {column: [version_of(column), None, reason] for column, reason in scored.missing.items()}
        facts = {name: getattr(scored, name) for name in FACTS}
        # What was cut off keeps its own line: a new one starts after an end of line in any case.
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps({"key": key, "columns": columns, "facts": facts}) + "\n")


def content_key(hashes: Mapping[str, str], settings: Mapping[str, object]) -> str:
    """One key for files and settings.

    Args:
        hashes: SHA-256 by kind of file.
        settings: what else decides about the values.

    Returns:
        In hexadecimal digits.
    """
    return hashlib.sha256(json.dumps([dict(hashes), dict(settings)], sort_keys=True).encode()).hexdigest()
