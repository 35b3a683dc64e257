"""Folders of recordings: what lies in one, and where each result goes in another that mirrors it.

What an earlier run has made is no recording, though its name may look like one: `talk.enhanced.wav` beside `talk.wav`,
and in folders below what the ledger there names.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rephase.audio.formats import CONTAINERS, target_suffix
from rephase.audio.media.containers import MEDIA_SUFFIXES
from rephase.errors import AudioFileError, OutputError
from rephase.ledger import Job, entry_name, named_in

READABLE = (
    CONTAINERS.keys() | MEDIA_SUFFIXES | {".sph", ".nist", ".voc", ".ircam", ".sf", ".avr", ".paf", ".htk", ".pvf"}
)
RESULT = ".enhanced"  # ends the name of a result that lies beside its recording


@dataclass(frozen=True)
class Found:
    """What lies in a folder.

    Attributes:
        jobs: its recordings and where their results go, by name.
        results: what is left out because an earlier run has made it.
        below: a folder in it that holds recordings too and was not looked at; None if there is none.
    """

    jobs: list[Job]
    results: list[Path]
    below: Path | None = None


def look_into(folder: Path, output: Path, *, recursive: bool = False, container: str | None = None) -> Found:
    """The recordings of a folder and their places in another, where results have the recordings' names.

    Files are recordings by their extension; hidden ones and those in `output` are none. Links to folders are not
    followed.

    Args:
        folder: with recordings.
        output: root of the results.
        recursive: whether folders in it count too.
        container: an extension without its dot that every result gets; that of its recording by default.

    Returns:
        The jobs, and what was left out.

    Raises:
        AudioFileError: if there is no recording.
        OutputError: if the output is the folder itself, or two recordings would become one file.
    """
    if os.path.realpath(folder) == os.path.realpath(output):
        raise OutputError(f"the output is the input folder itself; {folder}; choose another one, recordings are kept")
    sources: dict[Path, Path] = {}
    results: list[Path] = []
    for source, is_result in _recordings(folder, output, recursive):
        if is_result:
            results.append(source)
            continue
        suffix = f".{container}" if container else target_suffix(source)
        target = output / source.relative_to(folder).with_suffix(suffix)
        if target in sources:
            raise OutputError(
                f"{sources[target]} and {source} would become one file; {target}; enhance one of them by its name"
            )
        sources[target] = source
    if not sources:
        hint = "name its recordings" if recursive else "those in folders below count with --recursive"
        hint = "what is in it was made by an earlier run: name files to enhance them again" if results else hint
        raise AudioFileError(f"there is no recording in this folder; {folder}; {hint}")
    jobs = [Job(source, target) for target, source in sources.items()]
    return Found(jobs, results, None if recursive else _below(folder, output))


def _recordings(folder: Path, output: Path, recursive: bool) -> Iterator[tuple[Path, bool]]:
    """Recordings by their names, and of each whether an earlier run has made it."""

    def refuse(error: OSError) -> None:
        raise AudioFileError(f"can't look into a folder ({error.strerror}); {error.filename}; check its permissions")

    ledgers: dict[Path, set[str]] = {}
    for root, folders, files in os.walk(folder, onerror=refuse):
        here = Path(root)
        folders[:] = sorted(name for name in folders if recursive and _counts(here / name, output))
        # Not of `folder` itself: its results may be what is to be enhanced, with another model.
        if here != folder and (made := named_in(here)):
            ledgers[here] = made
        yield from _told_apart(here, files, ledgers)


def _told_apart(here: Path, files: Iterable[str], ledgers: Mapping[Path, set[str]]) -> Iterator[tuple[Path, bool]]:
    """The recordings among the files of a folder, and of each whether an earlier run has made it."""
    paths = [here / name for name in sorted(files) if _is_recording(here / name)]
    stems = {path.stem for path in paths}
    for path in paths:
        beside = path.stem.endswith(RESULT) and path.stem.removesuffix(RESULT) in stems
        named = any(path.is_relative_to(root) and entry_name(root, path) in made for root, made in ledgers.items())
        yield path, beside or named


def _counts(folder: Path, output: Path) -> bool:
    return not folder.name.startswith(".") and os.path.realpath(folder) != os.path.realpath(output)


def _is_recording(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix.lower() in READABLE and path.is_file()


def _below(folder: Path, output: Path) -> Path | None:
    """The first folder in a folder that holds recordings itself; what can't be looked into doesn't count."""
    for inner in sorted(folder.iterdir()):
        with contextlib.suppress(OSError, OutputError):
            if inner.is_symlink() or not inner.is_dir() or not _counts(inner, output):
                continue
            found = _told_apart(inner, (path.name for path in inner.iterdir()), {inner: named_in(inner)})
            if any(not is_result for _, is_result in found):
                return inner
    return None
