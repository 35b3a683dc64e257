"""Scores a model on the fixed pairs of a data folder and writes docs/results.md.

    make results DATA=FOLDER

FOLDER/eval holds eval.csv (task, id, snr_db, ...), <task>/degraded/<id>.flac and <task>/clean/<id>.flac, and, where
there are scores of other systems on the same pairs, peers.csv. A metric without a value for a file is counted and
listed with its reason; it is in no mean.
"""

import argparse
import csv
import hashlib
import math
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from reports import machine, table, versions, write

import rephase
from rephase.metrics import MetricError, band_level_db, estoi, lsd, pd_deg, pesq_wb, si_sdr_db
from rephase.weights import ModelFolder

REPORT = Path(__file__).parent.parent / "docs" / "results.md"
METRICS: dict[str, Callable[..., float]] = {
    "pesq_wb": pesq_wb,
    "estoi": estoi,
    "si_sdr_db": si_sdr_db,
    "pd_deg": pd_deg,
    "lsd": lsd,
}
TITLES = {
    "pesq_wb": "PESQ-WB ↑",
    "estoi": "ESTOI ↑",
    "si_sdr_db": "SI-SDR (dB) ↑",
    "pd_deg": "PD (°) ↓",
    "lsd": "LSD ↓",
}
BANDS = ((2000, 4000), (4000, 6000), (6000, 8000))  # Hz
BAND_SNRS = (10.0, 15.0)  # dB; below, what is left of the noise hides what was taken from the speech
RESAMPLES = 10_000


class DataError(Exception):
    """The data folder is not what it must be; the message says what to do."""


@dataclass
class Scores:
    """Scores of one system.

    Attributes:
        values: by task and metric, one for each pair that has one.
        missing: task, id, metric and reason of each that has none.
    """

    values: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    missing: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, pair: dict[str, str], metric: str, score: Callable[[], float]) -> None:
        """Keeps a score, or the reason why there is none."""
        try:
            value = score()
        except MetricError as error:
            self.missing.append((pair["task"], pair["id"], metric, str(error)))
            return
        if math.isfinite(value):
            self.values.setdefault((pair["task"], metric), []).append(value)
        else:
            self.missing.append((pair["task"], pair["id"], metric, f"the value is {value}"))


def main() -> int:
    """Runs the script; 2 if the data or the model is not there."""
    parser = argparse.ArgumentParser(description="Score a model on a data folder's fixed pairs.")
    parser.add_argument("data", type=Path, help="folder that holds eval/eval.csv")
    parser.add_argument("--model", default="renet-lite", metavar="NAME|FOLDER", help="default: renet-lite")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE", help="default: docs/results.md")
    arguments = parser.parse_args()
    try:
        folder = arguments.data / "eval"
        pairs = read_pairs(folder)
        peers = read_peers(folder)
        enhancer = rephase.Enhancer.from_pretrained(arguments.model, runtime="onnx", device="cpu")
        degraded, enhanced = score_all(folder, pairs, enhancer)
    except (DataError, rephase.RephaseError) as error:
        print(f"results: {error}", file=sys.stderr)
        return 2
    default = arguments.model == parser.get_default("model")
    command = "make results DATA=FOLDER" if default else "python benchmarks/results.py FOLDER --model NAME|FOLDER"
    text = report(command, enhancer.model, digest(folder), pairs, {"degraded": degraded, "enhanced": enhanced}, peers)
    write(arguments.output, text)
    print(f"wrote {arguments.output}")
    return 0


# ---------------------------------------------------------------- data
def read_pairs(folder: Path) -> list[dict[str, str]]:
    """Reads the list of pairs."""
    path = folder / "eval.csv"
    if not path.is_file():
        raise DataError(f"no {path}; name the data folder, the one that holds eval/eval.csv: make results DATA=FOLDER")
    pairs = _rows(path, {"task", "id", "snr_db"})
    if not pairs:
        raise DataError(f"{path} lists no pairs")
    return pairs


def read_peers(folder: Path) -> list[dict[str, str]]:
    """Reads the scores of other systems; none if there is no peers.csv."""
    path = folder / "peers.csv"
    return _rows(path, {"task", "system", "n", *METRICS}) if path.is_file() else []


def _rows(path: Path, columns: set[str]) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if absent := sorted(columns - set(reader.fieldnames or [])):
            raise DataError(f"{path} has no column {', '.join(absent)}; it has {', '.join(reader.fieldnames or [])}")
        return list(reader)


def read_recording(path: Path) -> tuple[np.ndarray, int]:
    """Reads a mono recording."""
    try:
        return soundfile.read(path, dtype="float32")
    except (OSError, soundfile.LibsndfileError) as error:
        raise DataError(f"can't read {path} ({error}); eval.csv lists it: complete the data folder") from error


def digest(folder: Path) -> str:
    """SHA-256 of the list of pairs."""
    return hashlib.sha256((folder / "eval.csv").read_bytes()).hexdigest()


# ---------------------------------------------------------------- scores
def score_all(folder: Path, pairs: list[dict[str, str]], enhancer: rephase.Enhancer) -> tuple[Scores, Scores]:
    """Scores what came in and what the model made of it, against the clean recording."""
    degraded_scores, enhanced_scores = Scores(), Scores()
    for number, pair in enumerate(pairs, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {len(pairs)}", end="\n" * (number == len(pairs)), file=sys.stderr, flush=True)
        name = f"{pair['id']}.flac"
        degraded, sample_rate = read_recording(folder / pair["task"] / "degraded" / name)
        clean, clean_rate = read_recording(folder / pair["task"] / "clean" / name)
        if clean_rate != sample_rate:
            raise DataError(f"{pair['task']}/{name}: degraded has {sample_rate} Hz and clean {clean_rate}")
        enhanced = enhancer.enhance(degraded, sample_rate)
        score_pair(degraded_scores, pair, clean, degraded, sample_rate)
        score_pair(enhanced_scores, pair, clean, enhanced, sample_rate)
    return degraded_scores, enhanced_scores


def score_pair(
    scores: Scores, pair: dict[str, str], reference: np.ndarray, estimate: np.ndarray, sample_rate: int
) -> None:
    """Adds all scores of a recording."""
    signals = {"reference": reference, "estimate": estimate, "sample_rate": sample_rate}
    for metric, function in METRICS.items():
        scores.add(pair, metric, partial(function, **signals))
    if has_band_level(pair):
        for band in BANDS:
            scores.add(pair, band_title(band), partial(band_level_db, **signals, band_hz=band))


def has_band_level(pair: dict[str, str]) -> bool:
    """Whether the band level of a pair says something: noise alone, and little of it."""
    return pair["task"] == "denoise" and pair["snr_db"] != "" and float(pair["snr_db"]) in BAND_SNRS


def band_title(band: tuple[int, int]) -> str:
    """Names a band: "2–4 kHz"."""
    return f"{band[0] / 1000:g}–{band[1] / 1000:g} kHz"


def interval(values: list[float]) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean (percentiles; always the same resamples)."""
    resamples = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.asarray(values)[resamples].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


# ---------------------------------------------------------------- report
def report(
    command: str,
    model: ModelFolder,
    eval_hash: str,
    pairs: list[dict[str, str]],
    scores: dict[str, Scores],
    peers: list[dict[str, str]],
) -> str:
    """Writes the report."""
    hashes = ", ".join(f"{name} `{file.sha256}`" for name, file in sorted(model.files.items()))
    parts = [
        "# Results",
        f"Made by `{command}`. Means over fixed pairs of degraded and clean recordings; behind the means of "
        f"{model.name} stands the 95 % interval ({RESAMPLES:,} bootstrap resamples of the pairs). Every score compares "
        "with the clean recording; how each is defined stands in `rephase.metrics`.",
        f"- Model: {model.name} {model.version}, trained for: {model.task}. SHA-256: {hashes}.\n"
        f"- Pairs: {len(pairs)}; SHA-256 of `eval.csv`: `{eval_hash}`.\n"
        f"- Versions: {versions(('rephase', 'numpy', 'soundfile', 'onnxruntime', 'pesq', 'pystoi'))}.\n"
        f"- Machine: {machine()}.\n"
        f"- Missing: {missing_summary(scores)}",
    ]
    if peers:
        parts.append(
            "The other systems ran with their published weights; their scores come from `eval/peers.csv`. "
            + agreement(pairs, scores["degraded"], peers)
        )
    for task in dict.fromkeys(pair["task"] for pair in pairs):
        parts += [f"## {task}", task_table(task, pairs, model.name, scores, peers)]
    parts += band_section(pairs, model.name, scores)
    if any(system.missing for system in scores.values()):
        parts += ["## Missing values", missing_table(model.name, scores)]
    return "\n\n".join(parts) + "\n"


def task_table(
    task: str, pairs: list[dict[str, str]], model: str, scores: dict[str, Scores], peers: list[dict[str, str]]
) -> str:
    """The systems of a task, one a row."""
    count = sum(pair["task"] == task for pair in pairs)
    rows = [
        ["degraded", str(count)] + [cell(scores["degraded"], task, metric, count) for metric in METRICS],
        [f"**{model}**", str(count)] + [cell(scores["enhanced"], task, metric, count, True) for metric in METRICS],
    ]
    for peer in peers:
        if peer["task"] == task and peer["system"] != "degraded":
            figures = [f"{float(peer[metric]):.3f}" if peer[metric] else "missing" for metric in METRICS]
            rows.append([peer["system"], peer["n"], *figures])
    return table(["system", "pairs", *TITLES.values()], rows)


def band_section(pairs: list[dict[str, str]], model: str, scores: dict[str, Scores]) -> list[str]:
    """How loud the bands of speech are beside the clean recording."""
    count = sum(map(has_band_level, pairs))
    if not count:
        return []
    titles = [band_title(band) for band in BANDS]
    rows = [
        ["degraded"] + [cell(scores["degraded"], "denoise", title, count) for title in titles],
        [f"**{model}**"] + [cell(scores["enhanced"], "denoise", title, count, True) for title in titles],
    ]
    snrs = " and ".join(f"{snr:g}" for snr in BAND_SNRS)
    return [
        "## Band level",
        f"Energy beside the clean recording in dB, mean over the {count} pairs of denoise with {snrs} dB of "
        "signal-to-noise ratio. 0 is right; below, speech was taken with the noise; above, noise is left.",
        table(["system", *titles], rows),
    ]


def cell(scores: Scores, task: str, metric: str, count: int, with_interval: bool = False) -> str:
    """A mean, its interval, and how many pairs it is of where some are missing."""
    values = scores.values.get((task, metric), [])
    if not values:
        return "missing"
    text = f"{np.mean(values):.3f}"
    if with_interval:
        low, high = interval(values)
        text += f" [{low:.3f}, {high:.3f}]"
    return text if len(values) == count else f"{text} ({len(values)} of {count})"


def agreement(pairs: list[dict[str, str]], degraded: Scores, peers: list[dict[str, str]]) -> str:
    """Whether both toolchains give `degraded` the same means."""
    counts = Counter(pair["task"] for pair in pairs)
    differences = [
        abs(float(np.mean(degraded.values[peer["task"], metric])) - float(peer[metric]))
        for peer in peers
        for metric in METRICS
        if peer["system"] == "degraded"
        and int(peer["n"]) == len(degraded.values.get((peer["task"], metric), [])) == counts[peer["task"]]
    ]
    if not differences:
        return "They are means over other pairs than these."
    return (
        f"Its {len(differences)} means of `degraded` and ours, computed apart from each other, differ by at most "
        f"{max(differences):.4f}."
    )


def missing_summary(scores: dict[str, Scores]) -> str:
    """Counts values that could not be computed."""
    counts = [f"{len(system.missing)} of {name}" for name, system in scores.items()]
    total = sum(len(system.missing) for system in scores.values())
    return f"{' and '.join(counts)}; in no mean, listed below." if total else "none; every score has a value."


def missing_table(model: str, scores: dict[str, Scores]) -> str:
    """Lists values that could not be computed."""
    names = {"degraded": "degraded", "enhanced": model}
    rows = [[names[name], *entry] for name, system in scores.items() for entry in system.missing]
    return table(["system", "task", "pair", "metric", "reason"], rows)


if __name__ == "__main__":
    sys.exit(main())
