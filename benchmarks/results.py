"""Scores the models that ship on the fixed pairs of a data folder and writes docs/results*.md.

    make results DATA=FOLDER

FOLDER/eval holds eval.csv (task, id, snr_db, band_hz, ...), <task>/degraded/<id>.flac and <task>/clean/<id>.flac, and,
where there are scores of other systems on the same pairs, peers.csv. Scoring is `rephase evaluate`; its reports lie in
runs/results*, where a run that was stopped goes on. This file only lays the tables out.
"""

import argparse
import csv
import hashlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

from reports import machine, table, versions, write

from rephase.cli.progress import ProgressBar
from rephase.errors import RephaseError
from rephase.evaluation.catalogue import METRICS, EvaluationError
from rephase.evaluation.items import Item, items_of_list
from rephase.evaluation.report import write_report
from rephase.evaluation.results import Results
from rephase.evaluation.run import Setting, choose_model, evaluate, with_estimates
from rephase.evaluation.scoring import DEGRADED, Scored
from rephase.evaluation.statistics import RESAMPLES
from rephase.runtimes.cores import available_cores
from rephase.weights import ModelFolder, find_model, list_models

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "results.md"
DEFAULT = "renet-lite"  # whose report has the plain name
WORK = ROOT / "runs" / "results"
TABLE = ("pesq_wb", "estoi", "si_sdr_db", "pd_deg", "lsd", "dnsmos_ovrl")  # of every task, and of peers.csv
BANDWIDTH = ("lsd_below", "lsd_above")
LEVELS = tuple(name for name in METRICS if name.startswith("level_"))
LEVEL_SNRS = (10.0, 15.0)  # dB; below, what is left of the noise hides what was taken from the speech
PACKAGES = ("rephase", "numpy", "soundfile", "onnxruntime", "pesq", "pystoi", "speechmos")


@dataclass
class Evaluation:
    """Everything that the report is made of.

    Attributes:
        model: what was scored.
        results: its scores.
        list_hash: SHA-256 of the list of pairs.
        peers: scores of other systems, one a task and system.
    """

    model: ModelFolder
    results: Results
    list_hash: str
    peers: list[dict[str, str]]


@dataclass(frozen=True)
class Job:
    """One report: of which model, where to, and the list of pairs that it names."""

    model: str
    output: Path
    pairs: Path
    work: Path
    command: str


def main() -> int:
    """Runs the script; 2 if the data or a model is not there."""
    parser = argparse.ArgumentParser(description="Score models on a data folder's fixed pairs.")
    parser.add_argument("data", type=Path, help="folder that holds eval/eval.csv")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="default: every model that ships, a report each in docs")
    parser.add_argument("--output", type=Path, metavar="FILE", help="with --model; default: docs/results.md")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="with --model, of the page; default: runs/results")
    arguments = parser.parse_args()
    if arguments.model is None and (arguments.output or arguments.work):
        parser.error("--output and --work are for one model: name it, --model NAME|FOLDER")
    try:
        for job in jobs(arguments.model, arguments.output or REPORT, arguments.work or WORK):
            done = score(arguments.data / "eval", job.model, job.work)
            write_report(done.results, job.work)
            write(job.pairs, pair_list(done.results))
            write(job.output, report(job.command, done, job.pairs.name))
            print(f"wrote {job.output} and {job.pairs}; the page with plots and players is {job.work / 'index.html'}")
    except RephaseError as error:
        print(f"results: {error}", file=sys.stderr)
        return 2
    return 0


def jobs(model: str | None, output: Path, work: Path) -> list[Job]:
    """The report of one model, or those of all that ship: the default's, and others' beside it."""
    pairs = output.with_name(f"{output.stem}-pairs.csv")
    if model is not None:
        command = "python benchmarks/results.py FOLDER --model NAME|FOLDER"
        return [Job(model, output, pairs, work, command)]
    shipped = []
    for name in (bundled.name for bundled in list_models() if bundled.has_weights):
        targets = [path if name == DEFAULT else path.with_stem(f"{path.stem}-{name}") for path in (output, work)]
        shipped.append(Job(name, targets[0], pairs, targets[1], "make results DATA=FOLDER"))
    return shipped


# ---------------------------------------------------------------- data
def score(folder: Path, model: str, work: Path) -> Evaluation:
    """Scores what came in and what the model made of it, against the clean recordings."""
    path = folder / "eval.csv"
    if not path.is_file():
        raise EvaluationError(
            f"no {path}; name the data folder, the one that holds eval/eval.csv: make results DATA=FOLDER"
        )
    items = items_of_list(path)
    if problem := next((item.problem for item in items if item.problem), ""):
        raise EvaluationError(f"{problem}; {path} lists it: complete the data folder")
    chosen = tuple(METRICS[name] for name in (*TABLE, *BANDWIDTH, *LEVELS))
    setting = Setting(chosen, model=choose_model(model), with_degraded=True)
    with ProgressBar(f"{len(items)} pairs") as progress:
        scores, _ = evaluate(items, setting, work, workers=min(available_cores(), len(items)), progress=progress)
    described = find_model(model)
    names = [metric.name for metric in chosen]
    about = {"estimates": choose_model(model).label, "pairs": "eval.csv"}
    made = with_estimates(items, setting, work)
    results = Results(described.name, made, scores, names, has_degraded=True, about=about)
    return Evaluation(described, results, hashlib.sha256(path.read_bytes()).hexdigest(), read_peers(folder))


def read_peers(folder: Path) -> list[dict[str, str]]:
    """Reads the scores of other systems; none if there is no peers.csv."""
    path = folder / "peers.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if absent := sorted({"task", "system", "n"} - set(reader.fieldnames or [])):
            raise EvaluationError(
                f"{path} has no column {', '.join(absent)}; it has {', '.join(reader.fieldnames or [])}"
            )
        return list(reader)


def pair_list(results: Results) -> str:
    """The pairs and the SHA-256 of their recordings, as CSV."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["item", "clean_sha256", "degraded_sha256"])
    for scored in results.scores:
        lines.writerow([scored.name, scored.hashes["reference"], scored.hashes["degraded"]])
    return text.getvalue()


# ---------------------------------------------------------------- report
def report(command: str, done: Evaluation, pairs: str) -> str:
    """Writes the report."""
    model, results = done.model, done.results
    hashes = ", ".join(f"{name} `{file.sha256}`" for name, file in sorted(model.files.items()))
    parts = [
        "# Results",
        f"Made by `{command}`. Means over fixed pairs of degraded and clean recordings; behind the means of "
        f"{model.name} stands the 95 % interval ({RESAMPLES:,} bootstrap resamples of the pairs). Every score but "
        "DNSMOS compares with the clean recording; how each is defined stands in `rephase.metrics`.",
        f"- Model: {model.name} {model.version}, trained for: {model.task}. SHA-256: {hashes}.\n"
        f"- Pairs: {len(results.items)}, listed with their hashes in [{pairs}]({pairs}); "
        f"SHA-256 of `eval.csv`: `{done.list_hash}`.\n"
        f"- Versions: {versions(PACKAGES)}.\n"
        f"- Machine: {machine()}.\n"
        f"- Missing: {missing_summary(results)}",
    ]
    tasks = by_task(results)
    if done.peers:
        parts.append(
            "The other systems ran with their published weights; their scores come from `eval/peers.csv`. "
            + agreement(tasks, results, done.peers)
        )
    for task, scores in tasks.items():
        parts += [f"## {task}", task_table(task, scores, results, done.peers)]
    parts += bandwidth_section(tasks, results) + level_section(results)
    if results.missing:
        parts += ["## Missing values", missing_table(results)]
    return "\n\n".join(parts) + "\n"


def by_task(results: Results) -> dict[str, list[Scored]]:
    """The scores of each task, in the order of the list."""
    tasks: dict[str, list[Scored]] = {}
    for item, scored in zip(results.items, results.scores):
        tasks.setdefault(item.conditions.get("task", "all"), []).append(scored)
    return tasks


def task_table(task: str, scores: list[Scored], results: Results, peers: list[dict[str, str]]) -> str:
    """The systems of a task, one a row."""
    rows = two_rows(TABLE, scores, results)
    for peer in peers:
        if peer["task"] == task and peer["system"] != "degraded":
            rows.append([peer["system"], peer["n"], *(peer_cell(peer, name) for name in TABLE)])
    return table(["system", "pairs", *titles(TABLE)], rows)


def peer_cell(peer: dict[str, str], name: str) -> str:
    """A mean of another system; a dash where nobody computed it."""
    if name not in peer:
        return "–"
    return f"{float(peer[name]):.3f}" if peer[name] else "missing"


def two_rows(names: tuple[str, ...], scores: list[Scored], results: Results) -> list[list[str]]:
    """What came in, and what the model made of it."""
    count = str(len(scores))
    return [
        ["degraded", count, *(cell(DEGRADED + name, scores, results) for name in names)],
        [f"**{results.system}**", count, *(cell(name, scores, results, with_interval=True) for name in names)],
    ]


def cell(column: str, scores: list[Scored], results: Results, *, with_interval: bool = False) -> str:
    """A mean, its interval, and how many pairs it is of where some are missing."""
    found = results.summary(column, scores)
    if not found.count:
        return "missing"
    text = f"{found.mean:.3f}" + (f" [{found.low:.3f}, {found.high:.3f}]" if with_interval else "")
    return text if found.count == len(scores) else f"{text} ({found.count} of {len(scores)})"


def titles(names: tuple[str, ...]) -> list[str]:
    """Heads of columns: "PESQ-WB ↑"."""
    return [f"{METRICS[name].title} {METRICS[name].arrow}" for name in names]


def bandwidth_section(tasks: dict[str, list[Scored]], results: Results) -> list[str]:
    """LSD on both sides of the cut-off, of the tasks in which the band ends early."""
    parts = []
    narrow = {item.name for item in results.items if item.cut_off_hz is not None}
    for task, scores in tasks.items():
        if chosen := [scored for scored in scores if scored.name in narrow]:
            rows = two_rows(BANDWIDTH, chosen, results)
            parts += [f"LSD of {task}:", table(["system", "pairs", *titles(BANDWIDTH)], rows)]
    text = "The band of these recordings ends at the cut-off: what lies below came in, what lies above was lost."
    return ["## Below and above the cut-off", text, *parts] if parts else []


def has_level(item: Item) -> bool:
    """Whether the band level of a pair says something: noise alone, and little of it."""
    snr = item.conditions.get("snr_db", "")
    return item.conditions.get("task") == "denoise" and snr != "" and float(snr) in LEVEL_SNRS


def level_section(results: Results) -> list[str]:
    """How loud the bands of speech are beside the clean recording."""
    scores = [scored for item, scored in zip(results.items, results.scores) if has_level(item)]
    if not scores:
        return []
    snrs = " and ".join(f"{snr:g}" for snr in LEVEL_SNRS)
    return [
        "## Band level",
        f"Energy beside the clean recording in dB, mean over the {len(scores)} pairs of denoise with {snrs} dB of "
        "signal-to-noise ratio. 0 is right; below, speech was taken with the noise; above, noise is left.",
        table(["system", "pairs", *titles(LEVELS)], two_rows(LEVELS, scores, results)),
    ]


def agreement(tasks: dict[str, list[Scored]], results: Results, peers: list[dict[str, str]]) -> str:
    """Whether both toolchains give `degraded` the same means, metric by metric."""
    differences: dict[str, list[float]] = {}
    for peer in peers:
        for name in TABLE:
            scores = tasks.get(peer["task"], [])
            found = results.summary(DEGRADED + name, scores)
            if peer["system"] == "degraded" and peer.get(name) and int(peer["n"]) == found.count == len(scores):
                differences.setdefault(name, []).append(abs(found.mean - float(peer[name])))
    if not differences:
        return "They are means over other pairs than these."
    count = sum(map(len, differences.values()))
    largest = ", ".join(f"{METRICS[name].title} {max(values):.4f}" for name, values in differences.items())
    told = "computed apart from each other, differ by at most"
    return f"Its {count} means of `degraded` and ours, {told}: {largest}."


def missing_summary(results: Results) -> str:
    """Counts values that could not be computed."""
    of_degraded = sum(column.startswith(DEGRADED) for _, column, _ in results.missing)
    if not results.missing:
        return "none; every score has a value."
    return f"{of_degraded} of degraded and {len(results.missing) - of_degraded} of enhanced; in no mean, listed below."


def missing_table(results: Results) -> str:
    """Lists values that could not be computed."""
    rows = []
    for item, column, reason in results.missing:
        system = "degraded" if column.startswith(DEGRADED) else results.system
        rows.append([system, item, column.removeprefix(DEGRADED), reason])
    return table(["system", "pair", "metric", "reason"], rows)


if __name__ == "__main__":
    sys.exit(main())
