"""Manifests: CSV files that say which recordings there are, of which split, source and speaker.

Columns: `path` (relative to the CSV), `split` (train, valid, test), `source` (the corpus, whose licence travels with
what is trained on it), and where they are known `speaker` and `seconds`. More columns are left alone.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from rephase.data.array_file import write_text
from rephase.data.errors import CorpusError

NEEDED = ("path", "split", "source")
COLUMNS = ("path", "split", "source", "speaker", "seconds")
ESC_CUT = re.compile(r"_\d-(\d+)-[A-Z]$")  # ESC-10 names its files fold-recording-cut


def read_manifest(path: Path, needed: Iterable[str] = NEEDED) -> list[dict[str, str]]:
    """Reads a manifest.

    Args:
        path: of the CSV file.
        needed: columns that it must have.

    Returns:
        A row a recording, by column.

    Raises:
        CorpusError: If it is missing, empty or lacks a column.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            rows = [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"can't read the manifest ({reason}); {path}; name a folder that has it") from error
    missing = set(needed) - set(rows[0] if rows else ())
    if missing:
        raise CorpusError(f"the manifest lacks {', '.join(sorted(missing))}; {path}; add the column and its values")
    return rows


def rows_of_split(manifest: Path, split: str) -> list[dict[str, str]]:
    """The recordings of one split.

    Args:
        manifest: path of the CSV file.
        split: which rows to take; `train` leaves out other cuts of a recording that another split holds.

    Returns:
        Rows by column, sorted by source and path.

    Raises:
        CorpusError: If the manifest can't be read, or no row has that split.
    """
    rows = read_manifest(manifest)
    held_out = {_recording(row["path"]) for row in rows if row["split"] != "train"} if split == "train" else set()
    chosen = [row for row in rows if row["split"] == split and _recording(row["path"]) not in held_out]
    if not chosen:
        raise _no_such_split(manifest, split, rows)
    return sorted(chosen, key=lambda row: (row["source"], row["path"]))


def pairs_of_split(pairs: Path, split: str) -> list[dict[str, str]]:
    """The pairs of degraded and clean recordings of one split.

    Args:
        pairs: path of a CSV file with the columns `degraded` (or `noisy`), `clean` and `split`.
        split: which rows to take.

    Returns:
        Rows by column, sorted by source and path; `degraded` and `source` are always there.

    Raises:
        CorpusError: If the list can't be read, or no row has that split.
    """
    rows = read_manifest(pairs, {"clean", "split"})
    if "degraded" not in rows[0] and "noisy" not in rows[0]:
        raise CorpusError(f"the list of pairs lacks degraded; {pairs}; add the column and its values")
    chosen = [{"source": "", "degraded": row.get("noisy", ""), **row} for row in rows if row["split"] == split]
    if not chosen:
        raise _no_such_split(pairs, split, rows)
    return sorted(chosen, key=lambda row: (row["source"], row["degraded"]))


def _no_such_split(path: Path, split: str, rows: Iterable[Mapping[str, str]]) -> CorpusError:
    splits = ", ".join(sorted({row["split"] for row in rows}))
    return CorpusError(f"split must be one of {splits}; got {split!r}; {path}; mark some of its files {split}")


def write_manifest(path: Path, rows: Iterable[Mapping[str, str]], columns: Iterable[str] = COLUMNS) -> None:
    """Writes a manifest, whole or not at all.

    Args:
        path: of the CSV file.
        rows: by column; a column that a row lacks is empty.
        columns: in this order.

    Raises:
        OutputError: If it can't be written.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns), restval="", extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(path, text.getvalue())


def _recording(path: str) -> str:
    """What a file was cut from: the recording's number where the name tells it, else the file itself."""
    cut = ESC_CUT.search(Path(path).stem)
    return cut[1] if cut else path
