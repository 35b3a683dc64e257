"""What was done before: a file `.rephase.jsonl` in a folder of results, one line for each of them.

A line holds the SHA-256 of the recording and of the result, and the settings. It is written when the result is whole
and before it gets its name, so that a process may be killed at any moment: a result that has its name has a line, and a
line whose result never got its name stands for nothing.
"""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rephase.errors import AudioFileError, OutputError

LEDGER = ".rephase.jsonl"

State = Literal["done", "ours", "not ours"]


@dataclass(frozen=True)
class Job:
    """One recording and where its result goes.

    Attributes:
        source: the recording.
        target: the result.
    """

    source: Path
    target: Path


class Ledger:
    """What lies in a folder of results and how it came about.

    Args:
        folder: root of the results; the ledger lies in it.
        settings: of this run, as JSON can hold them.

    Raises:
        OutputError: if there is a ledger that can't be read.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder, self._path = folder, folder / LEDGER
        self._settings = json.loads(json.dumps(settings))
        self._lock = threading.Lock()
        self._entries: dict[str, list[Mapping[str, Any]]] = {}
        for entry in _entries(self._path):
            self._entries.setdefault(entry["target"], []).append(entry)

    def state(self, job: Job) -> State:
        """Whether a result is there.

        Args:
            job: whose target is looked at.

        Returns:
            `done`: of this content with these settings. `ours`: none is there, or one of an earlier run that nobody
            has changed, to be replaced. `not ours`: a file is there that no run has left so.
        """
        if not job.target.exists():
            return "ours"
        lines = self._entries.get(self._name(job))
        if not lines:
            return "not ours"
        target_sha256 = _sha256(job.target)
        # Not only the last line: its result may never have got its name.
        lines = [entry for entry in lines if entry.get("target_sha256") == target_sha256]
        if not lines:
            return "not ours"
        same = [entry for entry in lines if entry.get("settings") == self._settings]
        if same and _source_sha256(job) in [entry.get("source_sha256") for entry in same]:
            return "done"
        return "ours"

    def noting(self, job: Job) -> Callable[[Path], None]:
        """Remembers what a recording holds before it is enhanced.

        Args:
            job: that begins.

        Returns:
            What notes the result: to be called with the path of the whole result, before it gets its name.

        Raises:
            AudioFileError: if the recording can't be read.
        """
        source_sha256 = _source_sha256(job)

        def note(whole: Path) -> None:
            self._add({
                "target": self._name(job), "source_sha256": source_sha256, "target_sha256": _sha256(whole),
                "settings": self._settings,
            })  # fmt: skip

        return note

    def _add(self, entry: Mapping[str, Any]) -> None:
        with self._lock:
            self._entries.setdefault(entry["target"], []).append(entry)
            try:
                # A line that was cut off keeps its own line: the new one starts after an end of line in any case.
                with self._path.open("a", encoding="utf-8") as file:
                    file.write("\n" + json.dumps(entry) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise OutputError(
                    f"can't write the ledger ({error.strerror}); {self._path}; check permissions and free space"
                ) from error

    def _name(self, job: Job) -> str:
        return entry_name(self._folder, job.target)


class LedgerBeside:
    """The ledgers of results that lie in several folders: each folder has its own.

    Args:
        settings: of this run, as JSON can hold them.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._ledgers: dict[Path, Ledger] = {}

    def state(self, job: Job) -> State:
        """Whether a result is there: as `Ledger.state`."""
        return self._of(job).state(job)

    def noting(self, job: Job) -> Callable[[Path], None]:
        """Remembers what a recording holds: as `Ledger.noting`."""
        return self._of(job).noting(job)

    def _of(self, job: Job) -> Ledger:
        folder = job.target.parent
        with self._lock:
            if folder not in self._ledgers:
                self._ledgers[folder] = Ledger(folder, self._settings)
            return self._ledgers[folder]


def named_in(folder: Path) -> set[str]:
    """The results that a folder's ledger names, as `entry_name` does, whether they are there or not.

    Args:
        folder: that may hold a ledger.

    Returns:
        Their names; none without a ledger.

    Raises:
        OutputError: if there is a ledger that can't be read.
    """
    return {entry["target"] for entry in _entries(folder / LEDGER)}


def entry_name(folder: Path, path: Path) -> str:
    """What a ledger calls a result; its name may be any bytes.

    Args:
        folder: of the ledger.
        path: of the result, in that folder or below.

    Returns:
        The path from there; what is no UTF-8 is escaped.
    """
    return os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")


def _entries(path: Path) -> Iterator[Mapping[str, Any]]:
    """What a ledger says, line by line."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"can't read the ledger ({error.strerror}); {path}; check its permissions") from error
    for line in lines:
        try:
            entry = json.loads(line)
            if isinstance(entry["target"], str):
                yield entry
        except (ValueError, TypeError, KeyError):  # cut off when the machine went down: that result is done again
            continue


def _source_sha256(job: Job) -> str:
    try:
        return _sha256(job.source)
    except OSError as error:
        raise AudioFileError(
            f"can't read it ({error.strerror}); {job.source}; check its name and permissions"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
