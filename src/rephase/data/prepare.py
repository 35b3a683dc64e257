"""From a corpus as it was downloaded to a folder to train from.

    OUT/speech.csv, noise.csv     manifests of all corpora that were prepared into OUT
    OUT/pairs.csv                 degraded and clean recordings of paired corpora; pairs-test.csv holds their test split
    OUT/CORPUS.json               what was made of what, and how: url, licence, conversion, what differs, bad files
    OUT/speech/CORPUS/...         FLAC of 16 bits, mono, one sample rate (`rephase.data.decoding`), in the corpus's tree

What is done is not done again: a killed run goes on where it was. Changing splits converts nothing.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile
import soxr

from rephase.audio.files import AudioInfo, path_for_libsndfile
from rephase.audio.leftovers import remove_leftovers
from rephase.audio.waveform import checked_rate
from rephase.data.array_file import write_bytes, write_text
from rephase.data.decoding import CONVERSION, SHORTEST_SECONDS, as_flac, converted, converted_length
from rephase.data.errors import BadFiles, CorpusError
from rephase.data.manifest import COLUMNS, read_manifest, write_manifest
from rephase.data.recipes import Recipe
from rephase.data.splits import seeded_splits
from rephase.data.threads import Progress, in_order, usable_cpus
from rephase.data.verify import Found, archive_differences, described, differences, find, sound_differences
from rephase.errors import OutputError

MANIFESTS = {"speech": "speech.csv", "noise": "noise.csv"}
PAIRS, TEST_PAIRS = "pairs.csv", "pairs-test.csv"
PAIR_COLUMNS = ("id", "degraded", "clean", "split", "source", "speaker", "seconds", "noise", "snr_db", "reverb")
WRITERS = 4  # threads a processor: most of their time they wait until the disk has a file for good
Row = dict[str, str]
Stage = Callable[[str], Progress]


@dataclass(frozen=True)
class Choices:
    """What a user may decide.

    Attributes:
        sample_rate: Hz, of what is written.
        partial: go on though the copy differs from what was published.
        checksums: compare archives that lie in the folder with their published sums.
        most_bad: how many recordings may be left out; 1 % or 20 by default, whichever is more.
        shortest_seconds: recordings that are shorter are bad.
        valid_share, test_share: of the speakers, where the corpus names none.
        seed: of those shares.
        jobs: files at a time; 0: as suits the processors.
    """

    sample_rate: int = 16000
    partial: bool = False
    checksums: bool = True
    most_bad: int | None = None
    shortest_seconds: float = SHORTEST_SECONDS
    valid_share: float = 0.05
    test_share: float = 0.0
    seed: int = 0
    jobs: int = 0


@dataclass
class Prepared:
    """What came out.

    Attributes:
        rows: of the manifests that were written, this corpus's only, by file name.
        differences: how the copy differs from what was published.
        bad: recordings that were left out, and why.
        converted, skipped: how many files were written, and how many were there.
        dropped: speakers who are left out, and why.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    bad: list[tuple[Path, str]] = field(default_factory=list)
    converted: int = 0
    skipped: int = 0
    dropped: Mapping[str, str] = field(default_factory=dict)


def prepare(
    recipe: Recipe, src: Path, out: Path, choices: Choices | None = None, stage: Stage | None = None
) -> Prepared:
    """Verifies a corpus, converts it, splits it and writes manifests.

    Args:
        recipe: of the corpus.
        src: where it was unpacked.
        out: where the result goes; manifests keep the rows of other corpora.
        choices: what a user may decide.
        stage: called with what is done next, gives what is called with what is done of it and what there is.

    Returns:
        What came out.

    Raises:
        ValueError: If the sample rate is none, or the shares leave nothing to train.
        CorpusError: If the corpus is not there; if it differs from what was published and `partial` is not chosen; if
            too many recordings are bad; or if the result would go into the corpus.
        OutputError: If the result can't be written.
    """
    choices, stage = choices or Choices(), stage or (lambda label: lambda done, total: None)
    checked_rate(choices.sample_rate)
    if out.resolve().is_relative_to(src.resolve()):
        raise CorpusError(f"the result can't go into the corpus; {out}; choose a folder outside of {src}")
    found = find(src, recipe)
    result = Prepared(differences=differences(recipe, found))
    if choices.checksums:
        result.differences += archive_differences(recipe, src, stage("archives"))
    _check(result.differences, recipe, src, choices)  # before all headers are read, which takes a while
    present = {file.speaker for file in found}
    result.dropped = {name: why for name, why in recipe.dropped.items() if name in present}
    bad = BadFiles(len(found), src, choices.most_bad)
    files = described([file for file in found if file.speaker not in recipe.dropped], bad, choices.jobs, stage("check"))
    result.differences += sound_differences(files)
    _check(result.differences, recipe, src, choices)
    splits = _splits(recipe, [file for file, _ in files], choices)
    rows = _convert(recipe, files, splits, out, choices, bad, result, stage("convert"))
    bad.check_rest()
    for kind, name in MANIFESTS.items():
        if chosen := [row for file, row in rows if file.part.kind == kind]:
            result.rows[name] = chosen
            _merge(out / name, recipe.name, chosen, COLUMNS)
    if pairs := _pairs(rows, _logs(recipe, src), src, bad):
        result.rows[PAIRS] = pairs
        _merge(out / PAIRS, recipe.name, pairs, PAIR_COLUMNS)
        _merge(out / TEST_PAIRS, recipe.name, [row for row in pairs if row["split"] == "test"], PAIR_COLUMNS)
    result.bad = bad.found
    write_text(out / f"{recipe.name}.json", json.dumps(_facts(recipe, src, choices, result), indent=1))
    return result


def _check(told: Sequence[str], recipe: Recipe, src: Path, choices: Choices) -> None:
    if told and not choices.partial:
        raise CorpusError(
            f"this is not {recipe.title} as it was published: {'; '.join(told)}; {src}; {recipe.where}: "
            "get what is missing, or go on with what is there: --partial"
        )


def _splits(recipe: Recipe, files: Sequence[Found], choices: Choices) -> dict[tuple[str, str], str]:
    """The split of each file that its part doesn't tell, by kind and group."""
    groups = {(file.part.kind, _group(file)) for file in files if file.part.split is None}
    if not recipe.by_share:
        return {
            (kind, name): "valid" if name in recipe.valid else "test" if name in recipe.test else "train"
            for kind, name in groups
        }
    shares: dict[str, Any] = {"valid": choices.valid_share, "test": choices.test_share, "seed": choices.seed}
    splits: dict[tuple[str, str], str] = {}
    for kind in sorted({kind for kind, _ in groups}):
        by_name = seeded_splits(sorted(name for other, name in groups if other == kind), **shares)
        splits |= {(kind, name): split for name, split in by_name.items()}
    return splits


def _group(file: Found) -> str:
    """What must not be torn apart: a speaker. A file of noise, or of nobody knows whom, stands for itself."""
    return file.speaker if file.speaker and file.part.kind != "noise" else f"{file.part.folder}/{file.name}"


# ---------------------------------------------------------------- conversion
def _convert(
    recipe: Recipe, files: Sequence[tuple[Found, AudioInfo]], splits: Mapping[tuple[str, str], str], out: Path,
    choices: Choices, bad: BadFiles, result: Prepared, progress: Progress,
) -> list[tuple[Found, Row]]:  # fmt: skip
    """Writes all files that are not there yet; a row for each good one."""
    targets: dict[Path, tuple[Found, AudioInfo]] = {}
    for file, info in files:
        inner = Path(file.part.kind, recipe.name, file.part.folder, file.name).with_suffix(".flac")
        if inner in targets:
            raise CorpusError(
                f"{targets[inner][1].path.name} and {info.path.name} would become one file; {info.path}; leave one out"
            )
        targets[inner] = (file, info)
    for folder in {(out / inner).parent for inner in targets}:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)

    def work(inner: Path) -> tuple[int, bool]:
        return _written(targets[inner][1], out / inner, choices)

    rows = []
    for number, (inner, done) in enumerate(in_order(work, targets, choices.jobs or WRITERS * usable_cpus()), 1):
        file, info = targets[inner]
        if isinstance(done, OutputError):  # it is the disk that is bad
            raise done
        if isinstance(done, Exception):
            bad.add(info.path, done)
        else:
            samples, new = done
            result.converted, result.skipped = result.converted + new, result.skipped + (not new)
            row = {
                "path": inner.as_posix(),
                "split": file.part.split or splits[file.part.kind, _group(file)],
                "source": recipe.name,
                "speaker": file.speaker if file.part.kind != "noise" else "",
                "seconds": f"{samples / choices.sample_rate:.3f}",
            }
            rows.append((file, row))
        progress(float(number), float(len(targets)))
    return rows


def _written(info: AudioInfo, target: Path, choices: Choices) -> tuple[int, bool]:
    """Converts a recording unless that was done before: its samples, and whether it was new."""
    if (known := _known(info, target, choices)) is not None:
        return known, False
    samples = converted(info, choices.sample_rate, choices.shortest_seconds)
    write_bytes(target, as_flac(samples, choices.sample_rate))
    return len(samples), True


def _known(info: AudioInfo, target: Path, choices: Choices) -> int | None:
    """How many samples a file has that was made of this recording before; None if it must be made."""
    try:
        if target.stat().st_mtime < info.path.stat().st_mtime:
            return None
        with soundfile.SoundFile(path_for_libsndfile(target)) as sound:
            samples = int(sound.frames)
            if sound.samplerate != choices.sample_rate or sound.channels != 1 or sound.subtype != "PCM_16":
                return None
    except (OSError, soundfile.SoundFileError):
        return None
    return samples if samples == converted_length(info, choices.sample_rate) else None


# ---------------------------------------------------------------- what is told of it
def _merge(path: Path, source: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Puts a corpus's rows in a manifest, in place of those it had."""
    others = [row for row in read_manifest(path, {"source"}) if row["source"] != source] if path.exists() else []
    known = list(dict.fromkeys([*columns, *(key for row in others for key in row)]))
    ordered = sorted([*others, *rows], key=lambda row: (row["source"], row.get("path", ""), row.get("degraded", "")))
    if ordered:
        write_manifest(path, ordered, [key for key in known if key in COLUMNS or any(row.get(key) for row in ordered)])


def _pairs(
    rows: Sequence[tuple[Found, Row]], logs: Mapping[str, tuple[str, str]], src: Path, bad: BadFiles
) -> list[Row]:
    """Degraded recordings and the clean ones they were made of."""
    clean = {_pair_key(file): row for file, row in rows if file.part.kind == "speech" and file.id}
    pairs = []
    for file, row in rows:
        if file.part.kind != "degraded":
            continue
        partner = clean.get(_pair_key(file))
        if partner is None or partner["seconds"] != row["seconds"]:
            reason = "no clean recording belongs to it" if partner is None else "its clean recording has another length"
            bad.add(file.path, CorpusError(reason))
            continue
        noise, snr_db = logs.get(file.id, ("", ""))
        label = file.part.label
        pairs.append(
            {
                "id": f"{label}/{file.id}" if label else file.id,
                "degraded": row["path"],
                "clean": partner["path"],
                "split": row["split"],
                "source": row["source"],
                "speaker": row["speaker"],
                "seconds": row["seconds"],
                "noise": noise,
                "snr_db": snr_db,
                "reverb": label,
            }
        )
    return pairs


def _pair_key(file: Found) -> tuple[str, str, str]:
    return file.part.split or "", file.part.label, file.id


def _logs(recipe: Recipe, src: Path) -> dict[str, tuple[str, str]]:
    """Noise and SNR of pairs, where the corpus's logs are there: lines of id, noise, SNR in dB."""
    known = {}
    for name in recipe.logs:
        for path in [*src.glob(name), *src.glob(f"*/{name}")][:1]:
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                words = line.split()
                if len(words) == 3:
                    known[words[0].removesuffix(".wav")] = (words[1], _number(words[2]))
    return known


def _number(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _facts(recipe: Recipe, src: Path, choices: Choices, result: Prepared) -> dict[str, Any]:
    return {
        "corpus": recipe.title,
        "url": recipe.url,
        "licence": recipe.licence,
        "made_from": str(src.resolve()),
        "sample_rate": choices.sample_rate,
        "conversion": CONVERSION,
        "soxr": f"{soxr.__version__} ({soxr.__libsoxr_version__})",
        "libsndfile": soundfile.__libsndfile_version__,
        "files": {
            name: {split: sum(row["split"] == split for row in rows) for split in ("train", "valid", "test")}
            for name, rows in result.rows.items()
        },
        "shares": {"valid": choices.valid_share, "test": choices.test_share, "seed": choices.seed}
        if recipe.by_share
        else {},
        "differs_from_what_was_published": result.differences,
        "speakers_left_out": dict(result.dropped),
        "left_out": [{"path": str(path), "reason": reason} for path, reason in result.bad],
    }
