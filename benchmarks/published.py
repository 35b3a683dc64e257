"""Measures the published networks against a plain re-statement of them, and writes docs/benchmarks-published.md.

    make bench

Each configuration runs in a process of its own; the two kinds take turns, round after round, so that whatever else the
machine does meets both alike. Reported are medians and their ratio.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from dataclasses import astuple, dataclass
from pathlib import Path

from reports import machine, table, versions, write

from rephase.export.cost import gmac_of_clip
from rephase.models.architectures import build
from rephase.models.presets import PRESETS

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "benchmarks-published.md"
MODELS, MODES, THREADS, LENGTHS = ("renet-small", "renet-base"), ("forward", "training"), (1, 2), (1, 2, 4)
KINDS = ("pairs", "complex")
GOALS = {"time": 0.5, "memory": 0.6}


@dataclass(frozen=True)
class Configuration:
    """What is measured, of either kind."""

    model: str
    mode: str
    threads: int
    seconds: int


Figures = dict[str, list[float]]  # seconds, peak_bytes, matmul


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure the published networks.")
    parser.add_argument("--rounds", type=int, default=1, help="how often each configuration takes its turn; default: 1")
    parser.add_argument("--repeats", type=int, default=1, help="calls in one process after a warm-up; default: 1")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE", help=f"default: {REPORT.name} in docs")
    arguments = parser.parse_args()
    found: dict[tuple[Configuration, str], Figures] = {}
    choices = [Configuration(*choice) for choice in itertools.product(MODELS, MODES, THREADS, LENGTHS)]
    for number, configuration, kind in itertools.product(range(arguments.rounds), choices, KINDS):
        print(f"round {number + 1} of {arguments.rounds}: {kind}, {configuration}", file=sys.stderr)
        figures = found.setdefault((configuration, kind), {"seconds": [], "peak_bytes": [], "matmul": []})
        result = measure(configuration, kind, arguments.repeats)
        figures["seconds"] += result["seconds"]
        figures["matmul"] += result["matmul"]
        figures["peak_bytes"].append(result["peak_bytes"])
    write(arguments.output, report(found, choices, arguments.rounds, arguments.repeats))
    print(f"wrote {arguments.output}")


def measure(configuration: Configuration, kind: str, repeats: int) -> dict:
    """Measures one kind in a process of its own."""
    model, mode, threads, seconds = map(str, astuple(configuration))
    command = [
        sys.executable, str(ROOT / "benchmarks" / "published_step.py"), "--model", model, "--kind", kind,
        "--pass", mode, "--threads", threads, "--seconds", seconds, "--repeats", str(repeats),
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"published: {kind}, {configuration}: {done.stderr}")
    return json.loads(done.stdout)


def report(
    found: dict[tuple[Configuration, str], Figures], choices: list[Configuration], rounds: int, repeats: int
) -> str:
    """Writes the report."""
    networks = {name: build(PRESETS[name]).eval() for name in MODELS}
    operations = {(name, seconds): gmac_of_clip(networks[name], seconds) for name in MODELS for seconds in LENGTHS}
    rows, ratios = [], {"time": [], "memory": []}
    for choice in choices:
        ours, theirs = found[choice, "pairs"], found[choice, "complex"]
        time, plain_time = statistics.median(ours["seconds"]), statistics.median(theirs["seconds"])
        memory, plain_memory = statistics.median(ours["peak_bytes"]), statistics.median(theirs["peak_bytes"])
        ratios["time"].append(time / plain_time)
        ratios["memory"].append(memory / plain_memory)
        share = ""
        if choice.mode == "forward":
            done = operations[choice.model, choice.seconds] * choice.seconds / time
            share = f"{100 * done / statistics.median(ours['matmul']):.0f} %"
        threads = "1 thread" if choice.threads == 1 else f"{choice.threads} threads"
        rows.append(
            [
                f"{choice.model}, {choice.mode}, {threads}, {choice.seconds} s",
                f"{time:.2f}",
                f"{plain_time:.2f}",
                f"{time / plain_time:.2f}",
                f"{memory / 1e6:.0f}",
                f"{plain_memory / 1e6:.0f}",
                f"{memory / plain_memory:.2f}",
                share,
            ]
        )
    verdicts = []
    for kind, values in ratios.items():
        median, met = statistics.median(values), sum(value <= GOALS[kind] for value in values)
        verdicts.append(
            f"- {kind}: median ratio {median:.2f}, from {min(values):.2f} to {max(values):.2f}; the goal of at most "
            f"{GOALS[kind]:g} is met in {met} of {len(values)} rows"
        )
    header = ["what", "s", "plain (s)", "ratio", "MB", "plain (MB)", "ratio", "of peak"]
    counts = [[name, *(f"{operations[name, seconds]:.2f}" for seconds in LENGTHS)] for name in MODELS]
    parts = [
        "# Benchmarks of the published networks",
        "Made by `make bench` (`python benchmarks/published.py`), all figures in one run.",
        f"- Machine: {machine()}.\n- Versions: {versions(('rephase', 'torch'))}.",
        "*Plain* is `benchmarks/complex_renet.py`: the same network with the same weights in complex64 tensors and "
        "with the two streams' attentions side by side. A row is the median of "
        f"{rounds * repeats} call(s), {repeats} after a warm-up in each process, the two kinds taking turns; of single "
        "calls on a shared machine, ratios that differ by less than a fifth are equal. "
        "`forward` is without gradients, `training` forward and backward, batch 1. MB is what the process needs beyond "
        "Python, libraries and weights at its peak. *Of peak* is the share of the multiply-accumulates that a float32 "
        "matrix product of 1024 × 1024 makes in the same time on as many threads, measured between the calls.",
        "\n".join(verdicts),
        table(header, rows),
        "## Operations",
        "1e9 multiply-accumulates for a second of audio, by torch's counter (`rephase.export.cost`); published: 22.89 "
        "for renet-small. They grow with the clip because each frame's attention along time scores every frame of the "
        "call.",
        table(["clip", *(f"{seconds} s" for seconds in LENGTHS)], counts),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
