"""Which files belong together: by a tree of the same names, by names alone, or by a list in a CSV file.

A list has one line for each item. Files stand in the columns `reference` (or `clean`), `estimate` (`enhanced`) and
`degraded` (`noisy`), relative to the list; or an item has an `id`, and perhaps a `task`, and its files lie beside the
list: TASK/clean/ID.flac and TASK/degraded/ID.flac. All other columns are conditions, such as `snr_db` and `room`, by
which a report breaks its means down. `band_hz` says where the band of the degraded recording ends.
"""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from rephase.audio.checks import not_a_folder
from rephase.audio.formats import CONTAINERS
from rephase.evaluation.catalogue import EvaluationError

COLUMNS = {
    "reference": ("reference", "clean"),
    "estimate": ("estimate", "enhanced"),
    "degraded": ("degraded", "noisy"),
}
RESULT_MARK = ".enhanced"  # `rephase enhance talk.wav` writes talk.enhanced.wav


@dataclass(frozen=True)
class Item:
    """Files that belong together.

    Attributes:
        name: unique in its report, with `/` between folders.
        estimate: to be scored; None if it is not there, or a model is to make it.
        reference: clean; None if there is none.
        degraded: what the estimate was made of; None if there is none.
        conditions: by name.
        problem: why nothing of it can be scored; empty if it can.
    """

    name: str
    estimate: Path | None = None
    reference: Path | None = None
    degraded: Path | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def cut_off_hz(self) -> float | None:
        """Where the band of the degraded recording ends, if the conditions say so."""
        try:
            return float(self.conditions.get("band_hz", ""))
        except ValueError:
            return None


def items_of_folders(estimate: Path, reference: Path | None = None, degraded: Path | None = None) -> list[Item]:
    """Matches the files of folders.

    A file belongs to the one of the same path and name in the other folder, whatever their extensions; else to the only
    one of the same name in any folder of it. `.enhanced` at the end of a name doesn't count.

    Args:
        estimate: folder of what is to be scored.
        reference: folder of clean recordings; without one, each estimate is an item.
        degraded: folder of what the estimates were made of.

    Returns:
        One item for each reference and for each estimate without one; those that lack a file say so.

    Raises:
        EvaluationError: if a folder is missing or empty, or two files of one name are in it.
    """
    estimates, tops = _Tree(estimate), _Tree(reference) if reference else None
    inputs = _Tree(degraded) if degraded else None
    items = []
    used: set[Path] = set()
    for name, path in (tops or estimates).files.items():
        found = estimates.find(name)
        used |= {found} if found else set()
        item = Item(name, found, path if tops else None, inputs.find(name) if inputs else None, _folder_of(name))
        if found is None:
            item = replace(item, problem=f"there is no estimate of this name in {estimate}")
        elif inputs and item.degraded is None:
            item = replace(item, problem=f"there is no degraded recording of this name in {degraded}")
        items.append(item)
    for name, path in estimates.files.items():
        if tops and path not in used:
            items.append(
                Item(name if name not in tops.files else f"{name} (estimate)", path, conditions=_folder_of(name),
                     problem=f"there is no reference of this name in {reference}")
            )  # fmt: skip
    return _with_useful_folders(items)


def items_of_list(path: Path, estimate: Path | None = None) -> list[Item]:
    """Reads a list of items.

    Args:
        path: of the CSV file.
        estimate: folder of estimates, which lie in it by the items' names; without one, the list may name them.

    Returns:
        One item for each line; those whose files are missing say so.

    Raises:
        EvaluationError: if the list can't be read, lacks a column, is empty, or names an item twice.
    """
    rows = _rows(path)
    columns = {kind: next((name for name in names if name in rows[0]), None) for kind, names in COLUMNS.items()}
    if not columns["reference"] and not columns["degraded"] and not columns["estimate"] and "id" not in rows[0]:
        raise EvaluationError(
            f"the list names no files; {path}; it needs the columns reference and degraded (or estimate), or id; "
            f"it has {', '.join(rows[0])}"
        )
    estimates = _Tree(estimate) if estimate else None
    taken = {name for name in columns.values() if name} | {"id", "name", "seconds"}
    items: dict[str, Item] = {}
    for number, row in enumerate(rows, 2):
        if (row.get("id") or "").startswith("/") or ".." in (row.get("id") or "").split("/"):
            raise EvaluationError(f"an id can't be {row['id']}; {path}, line {number}; ids are paths below a folder")
        files = {kind: _listed(path.parent, row, kind, column) for kind, column in columns.items()}
        name = _name(row, files)
        if not name:
            raise EvaluationError(f"line {number} names no file; {path}; fill it or take it out")
        if name.startswith("/") or ".." in name.split("/"):
            raise EvaluationError(
                f"an item can't be called {name}; {path}, line {number}; names are paths below a folder"
            )
        if name in items:
            raise EvaluationError(f"two items are called {name}; {path}, line {number}; give them an id each")
        if estimates:
            files["estimate"] = estimates.find(name)
        conditions = {key: value for key, value in row.items() if key not in taken and value}
        gone = [f"there is no {kind} file {file}" for kind, file in files.items() if file and not file.is_file()]
        problem = gone[0] if gone else ""
        if estimates and files["estimate"] is None:
            problem = f"there is no estimate of this name in {estimate}"
        items[name] = Item(name, **files, conditions=conditions, problem=problem)
    return list(items.values())


# ---------------------------------------------------------------- folders
class _Tree:
    """The recordings in a folder and those below it, by path without extension."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise EvaluationError(not_a_folder(folder))
        self.files: dict[str, Path] = {}
        self._by_name: dict[str, list[Path]] = {}
        for path in sorted(_recordings(folder)):
            name = path.relative_to(folder).with_suffix("").as_posix().removesuffix(RESULT_MARK)
            if name in self.files:
                raise EvaluationError(
                    f"{self.files[name].name} and {path.name} have the same name; {path.parent}; leave one of them"
                )
            self.files[name] = path
            self._by_name.setdefault(name.rpartition("/")[2], []).append(path)
        if not self.files:
            raise EvaluationError(f"there is no recording in this folder; {folder}; name one that holds some")

    def find(self, name: str) -> Path | None:
        """The file of this path, or the only one of this name; None if there is none or more than one."""
        if name in self.files:
            return self.files[name]
        alike = self._by_name.get(name.rpartition("/")[2], [])
        return alike[0] if len(alike) == 1 else None


def _recordings(folder: Path) -> list[Path]:
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(root, name) for name in files if not name.startswith(".") and Path(name).suffix.lower() in CONTAINERS
        ]
    return found


def _folder_of(name: str) -> dict[str, str]:
    return {"folder": name.rpartition("/")[0] or "."}


def _with_useful_folders(items: list[Item]) -> list[Item]:
    """Without the condition `folder` where all items lie in one."""
    if len({item.conditions["folder"] for item in items}) > 1:
        return items
    return [replace(item, conditions={}) for item in items]


# ---------------------------------------------------------------- lists
def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise EvaluationError(f"there is no such list of items; {path}; check the name") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = str(error.strerror).lower() if isinstance(error, OSError) else "it is no table in UTF-8"
        raise EvaluationError(f"can't read the list of items ({reason}); {path}; name a CSV file") from error
    if not rows:
        raise EvaluationError(f"the list holds no items; {path}; it needs a line of column names and one for each item")
    return rows


def _listed(folder: Path, row: dict[str, str], kind: str, column: str | None) -> Path | None:
    if column:
        return folder / row[column] if row[column] else None
    if "id" not in row or kind == "estimate":
        return None
    stem = folder / row.get("task", "") / {"reference": "clean"}.get(kind, kind) / row["id"]
    beside = sorted(stem.parent.iterdir()) if stem.parent.is_dir() else []
    return next(
        (file for file in beside if file.stem == stem.name and file.suffix.lower() in CONTAINERS),
        stem.with_name(f"{stem.name}.flac"),
    )


def _name(row: dict[str, str], files: Mapping[str, Path | None]) -> str:
    if row.get("name"):
        return row["name"]
    if row.get("id"):
        return "/".join(part for part in (row.get("task", ""), row["id"]) if part)
    file = files["degraded"] or files["reference"] or files["estimate"]
    return file.stem if file else ""
