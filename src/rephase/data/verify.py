"""Is this the corpus that was published, and all of it? Counts, speakers, rates, hours, and sums of its archives."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rephase.audio.files import AudioInfo, audio_info
from rephase.data.errors import BadFiles, CorpusError
from rephase.data.recipes import Part, Recipe
from rephase.data.threads import Progress, in_order

HOURS_OFF = 0.08  # publications round, and count other editions now and then


@dataclass(frozen=True)
class Found:
    """A file of a corpus.

    Attributes:
        part: what it belongs to.
        path: of the file.
        name: its path below the part's folder.
        speaker: who speaks, or empty.
        id: what pairs it, or empty.
    """

    part: Part
    path: Path
    name: str
    speaker: str
    id: str


def find(src: Path, recipe: Recipe) -> list[Found]:
    """Finds the files of a corpus.

    Args:
        src: where it was unpacked.
        recipe: of the corpus.

    Returns:
        Its files, sorted.

    Raises:
        CorpusError: If there is no such folder, or none of the corpus's folders, or one that it can't be without.
    """
    if src.is_file():
        raise CorpusError(f"this is a file, not a folder; {src}; unpack it, and name the folder of what was in it")
    if not src.is_dir():
        raise CorpusError(f"there is no such folder; {src}; {recipe.advice}")
    folders = {part: _folder(src, part.folder) for part in recipe.parts}
    gone = [part for part, folder in folders.items() if part.needed and folder is None]
    if gone or not any(folders.values()):
        lacking = gone or recipe.parts[:3]
        packed = [part.archive for part in lacking if part.archive and (src / part.archive).is_file()]
        hint = f"unpack {', '.join(packed)}" if packed else recipe.advice
        raise CorpusError(f"this folder lacks {', '.join(part.folder for part in lacking)}; {src}; {hint}")
    found = [file for part, folder in folders.items() if folder is not None for file in _files(part, folder)]
    if not found:
        raise CorpusError(f"there is no recording of {recipe.title} in this folder; {src}; {recipe.advice}")
    return found


def _folder(src: Path, folder: str) -> Path | None:
    if (src / folder).is_dir():
        return src / folder
    below = [path for path in sorted(src.glob(f"*/{folder}")) if path.is_dir()]
    return below[0] if below else None


def _files(part: Part, folder: Path) -> list[Found]:
    pattern = re.compile(part.pattern)
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            inner = path.relative_to(folder).as_posix()
            if not name.startswith(".") and (match := pattern.fullmatch(inner)):
                groups = match.groupdict()
                found.append(Found(part, path, inner, groups.get("speaker") or "", groups.get("id") or ""))
    return found


def differences(recipe: Recipe, found: Sequence[Found]) -> list[str]:
    """What the names alone tell of how a copy differs from what was published.

    Args:
        recipe: of the corpus.
        found: its files.

    Returns:
        A few words each; none if the copy is whole.
    """
    told = []
    speakers = {file.speaker for file in found if file.part.kind == "speech" and file.part.split is None}
    if recipe.speakers is not None and len(speakers) != recipe.speakers:
        told.append(f"{len(speakers)} speakers, published are {recipe.speakers}")
    named = {*recipe.valid, *recipe.test}
    if gone := sorted(named - speakers):
        told.append(f"no recording of the held-out speakers {', '.join(gone)}")
    for part in _parts(found):
        count = sum(file.part is part for file in found)
        if part.files is not None and count != part.files:
            told.append(f"{count} files in {part.folder}, published are {part.files}")
    return told


def described(
    found: Sequence[Found], bad: BadFiles, jobs: int = 0, progress: Progress | None = None
) -> list[tuple[Found, AudioInfo]]:
    """Reads the headers of all files.

    Args:
        found: files.
        bad: gets those that can't be read.
        jobs: files that are opened at a time; 0: one a processor.
        progress: called with the number of files that are done and that there are.

    Returns:
        The readable ones.

    Raises:
        CorpusError: If too many can't be read.
    """
    readable = []
    for number, (file, info) in enumerate(in_order(lambda file: audio_info(file.path), found, jobs), 1):
        if isinstance(info, Exception):
            bad.add(file.path, info)
        else:
            readable.append((file, info))
        if progress:
            progress(float(number), float(len(found)))
    return readable


def sound_differences(files: Sequence[tuple[Found, AudioInfo]]) -> list[str]:
    """What the headers tell of how a copy differs from what was published.

    Args:
        files: with their descriptions.

    Returns:
        A few words each; none if the copy is whole.
    """
    told = []
    for part in _parts([file for file, _ in files]):
        infos = [info for file, info in files if file.part is part]
        rates = sorted({info.sample_rate for info in infos})
        if part.sample_rate is not None and rates != [part.sample_rate]:
            told.append(
                f"{' and '.join(map(str, rates))} Hz in {part.folder}, published are {part.sample_rate} Hz: "
                "somebody has converted it"
            )
        hours = sum(info.seconds for info in infos) / 3600
        if part.hours is not None and abs(hours - part.hours) > HOURS_OFF * part.hours:
            told.append(f"{hours:.2f} hours in {part.folder}, published are {part.hours:g}")
    return told


def archive_differences(recipe: Recipe, src: Path, progress: Progress | None = None) -> list[str]:
    """Compares the archives that still lie in the folder with the sums that their hosts publish.

    Args:
        recipe: of the corpus.
        src: where the archives may lie.
        progress: called with the bytes that are read and that there are.

    Returns:
        A few words for each that differs.
    """
    there = [part for part in recipe.parts if part.md5 and part.archive and (src / part.archive).is_file()]
    total = sum((src / part.archive).stat().st_size for part in there)
    told, done = [], 0
    for part in there:
        digest = hashlib.md5(usedforsecurity=False)
        with (src / part.archive).open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
                done += len(block)
                if progress:
                    progress(float(done), float(total))
        if digest.hexdigest() != part.md5:
            told.append(f"{part.archive} is not what was published (MD5 {digest.hexdigest()}, not {part.md5})")
    return told


def _parts(found: Sequence[Found]) -> list[Part]:
    return list(dict.fromkeys(file.part for file in found))
