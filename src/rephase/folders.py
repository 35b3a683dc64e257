"""Folders of recordings: what lies in one, and where each result goes in another that mirrors it.

What an earlier run has made is no recording, though its name may look like one: `talk.enhanced.wav` beside `talk.wav`,
and in folders below what the ledger there names.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rephase.audio.formats import CONTAINERS, target_suffix
from rephase.audio.media.containers import MEDIA_SUFFIXES
from rephase.errors import AudioFileError, OutputError
from rephase.ledger import Job, named_in

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

    made: set[Path] = set()
    for root, folders, files in os.walk(folder, onerror=refuse):
        here = Path(root)
        folders[:] = sorted(name for name in folders if recursive and _counts(here / name, output))
        if here != folder:  # its own results may be what is to be enhanced, with another model for instance
            made |= named_in(here)
        names = [name for name in sorted(files) if _is_recording(here / name)]
        stems = {Path(name).stem for name in names}
        for name in names:
            stem = Path(name).stem
            beside = stem.endswith(RESULT) and stem.removesuffix(RESULT) in stems
            yield here / name, beside or here / name in made


def _counts(folder: Path, output: Path) -> bool:
    return not folder.name.startswith(".") and os.path.realpath(folder) != os.path.realpath(output)


def _is_recording(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix.lower() in READABLE and path.is_file()


def _below(folder: Path, output: Path) -> Path | None:
    """The first folder in a folder that holds recordings itself, as far as it may be looked into."""
    for inner in sorted(path for path in folder.iterdir() if path.is_dir() and _counts(path, output)):
        if os.access(inner, os.R_OK | os.X_OK) and any(map(_is_recording, inner.iterdir())):
            return inner
    return None
