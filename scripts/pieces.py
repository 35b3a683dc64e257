"""Files of any size as pieces of a largest size, with a manifest that tells the SHA-256 of each. Needs Python alone.

A parcel is a folder with manifest.json and pieces. A file that is small enough stays one piece under its own name; of a
larger one, `name.000`, `name.001`, ... are the parts in order.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

MANIFEST = "manifest.json"
CHUNK = 1 << 20
MB = 10**6


class PieceError(ValueError):
    """A parcel that can't be opened, or can't be made: what; where; what to do."""


def cut(source: Path | bytes, name: str, folder: Path, most_bytes: int) -> dict[str, Any]:
    """Writes one file as pieces.

    Args:
        source: path of the file, or what is in it.
        name: of the file in the parcel, with / between folders.
        folder: of the parcel's pieces.
        most_bytes: of a piece.

    Returns:
        What the manifest says of the file.
    """
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    whole, pieces = hashlib.sha256(), []
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as given:
        for number in range(max(1, -(-size // most_bytes))):
            piece = name if size <= most_bytes else f"{name}.{number:03d}"
            target, part, length = folder / piece, hashlib.sha256(), 0
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                while chunk := given.read(min(CHUNK, most_bytes - length)):
                    file.write(chunk)
                    part.update(chunk)
                    whole.update(chunk)
                    length += len(chunk)
            pieces.append({"name": piece, "bytes": length, "sha256": part.hexdigest()})
    return {"bytes": size, "sha256": whole.hexdigest(), "pieces": pieces}


def write_manifest(folder: Path, files: Mapping[str, Any], **facts: Any) -> None:
    """Writes the manifest of a parcel, as the last of its files.

    Args:
        folder: of the parcel.
        files: what `cut` gave, by name.
        facts: whatever else is to be said.
    """
    part = folder / (MANIFEST + ".part")
    part.write_text(json.dumps({**facts, "files": dict(files)}, indent=1) + "\n")
    part.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a parcel.

    Raises:
        PieceError: If there is none, or it is damaged.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        names = [
            *manifest["files"],
            *(piece["name"] for file in manifest["files"].values() for piece in file["pieces"]),
        ]
    except OSError as error:
        raise PieceError(
            f"can't read the manifest ({error.strerror}); {folder / MANIFEST}; name the folder that has it"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise PieceError(
            f"the manifest is damaged ({error}); {folder / MANIFEST}; copy the folder once more"
        ) from error
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise PieceError(
                f"a file lies outside of its folder ({name}); {folder / MANIFEST}; don't trust this folder"
            )
    return manifest


def join(folder: Path, target: Path, *, pieces_in: str = "") -> None:
    """Makes the files of a parcel whole and checks every one; files that are whole already stay as they are.

    Args:
        folder: of the parcel.
        target: folder for the files.
        pieces_in: folder of the pieces within the parcel.

    Raises:
        PieceError: If a piece is missing or damaged; nothing of its file is left.
    """
    for name, file in read_manifest(folder)["files"].items():
        whole = target / name
        if whole.is_file() and whole.stat().st_size == file["bytes"] and sha256_of(whole) == file["sha256"]:
            continue
        whole.parent.mkdir(parents=True, exist_ok=True)
        part = whole.with_name(whole.name + ".part")
        try:
            with part.open("wb") as out:
                for piece in file["pieces"]:
                    _append(folder / pieces_in / piece["name"], piece, out)
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)


def _append(path: Path, piece: Mapping[str, Any], out: Any) -> None:
    """Adds a piece to its file, once it is known to be what was cut."""
    if not path.is_file():
        raise PieceError(f"a piece is missing; {path}; copy the folder once more")
    if path.stat().st_size != piece["bytes"] or sha256_of(path) != piece["sha256"]:
        raise PieceError(f"a piece is damaged: its SHA-256 is another one; {path}; copy it once more")
    with path.open("rb") as file:
        shutil.copyfileobj(file, out, CHUNK)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
