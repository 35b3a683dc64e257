"""Measures `rephase evaluate` on 1,000 pairs of four seconds and writes docs/benchmarks-evaluation.md.

    python benchmarks/evaluation.py

The same metrics in a plain loop (read both files, call each metric, one process) give the yardstick, on the same files
and in turns with it, so that a machine that is busy now and then favours neither. Beside the clock stands the time on
the processors, which says what an idle machine would do.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from reports import machine, table, versions, write

from rephase.evaluation.catalogue import QUICK, chosen_metrics
from rephase.evaluation.items import Item, items_of_folders
from rephase.evaluation.run import Setting, evaluate
from rephase.metrics import MetricError, estoi, pd_deg, pesq_wb, si_sdr_db
from rephase.runtimes.cores import available_cores

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "benchmarks-evaluation.md"
AUDIO = ROOT / "examples" / "audio"
PAIRS, LOOPED, ROUNDS = 1000, 60, 4
PLAIN = (pesq_wb, estoi, si_sdr_db, pd_deg)
SAMPLED_EVERY_S = 0.5
LOAD = os.getloadavg() if hasattr(os, "getloadavg") else ()


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure rephase evaluate.")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--looped", type=int, default=LOOPED, help="pairs of each round of the plain loop")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE")
    arguments = parser.parse_args()
    workers = available_cores()
    loops, runs, memory = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        items = make_pairs(Path(folder), arguments.pairs)
        size = -(-len(items) // ROUNDS)
        for number in range(ROUNDS):
            part = items[number * size : (number + 1) * size]
            loops.append(measured(part[: arguments.looped], plain_loop))
            runs.append(measured(part, lambda some, report=f"report-{number}": memory.append(
                evaluated(some, Path(folder) / report, workers))))  # fmt: skip
    write(arguments.output, text(len(items), loops, runs, memory, workers))
    print(f"wrote {arguments.output}")


@dataclass
class Pace:
    """How fast some pairs were scored.

    Attributes:
        seconds: a pair, by the clock.
        cpu_seconds: a pair, on all processors together.
    """

    seconds: float
    cpu_seconds: float


def measured(items: list[Item], work: Callable[[list[Item]], None]) -> Pace:
    """The pace at which something scores pairs, its own processes included once they have ended."""
    clock, cpu = time.perf_counter(), cpu_seconds()
    work(items)
    return Pace((time.perf_counter() - clock) / len(items), (cpu_seconds() - cpu) / len(items))


def cpu_seconds() -> float:
    """Time of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def make_pairs(folder: Path, count: int) -> list[Item]:
    """As many pairs of four seconds as wanted: the recordings that ship here, each with another gain and shift."""
    pairs = sorted(path.name.removesuffix(".clean.flac") for path in AUDIO.glob("*.clean.flac"))
    recordings = {
        (name, kind): soundfile.read(AUDIO / f"{name}.{kind}.flac", dtype="float32")
        for name in pairs
        for kind in ("clean", "degraded")
    }
    random = np.random.default_rng(0)
    for number in range(count):
        name, gain, shift = pairs[number % len(pairs)], random.uniform(0.5, 0.95), int(random.integers(0, 16000))
        for kind in ("clean", "degraded"):
            waveform, sample_rate = recordings[name, kind]
            target = folder / kind / f"{number:04}.flac"
            target.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(target, gain * np.roll(waveform, shift)[: 4 * sample_rate], sample_rate)
    return items_of_folders(folder / "degraded", folder / "clean")


def plain_loop(items: list[Item]) -> None:
    """Every metric of every pair, one after the other."""
    for item in items:
        reference, sample_rate = soundfile.read(item.reference, dtype="float32")
        estimate, _ = soundfile.read(item.estimate, dtype="float32")
        for metric in PLAIN:
            try:
                metric(reference=reference, estimate=estimate, sample_rate=sample_rate)
            except MetricError:
                continue


def evaluated(items: list[Item], folder: Path, workers: int) -> float:
    """Lets `rephase evaluate` score pairs; gives the largest memory of all its processes together, MB."""
    setting = Setting(tuple(chosen_metrics("quick", has_reference=True)))
    assert [metric.name for metric in setting.metrics] == list(QUICK)
    largest = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLED_EVERY_S):
            largest[0] = max(largest[0], tree_megabytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        evaluate(items, setting, folder, workers=workers)
    finally:
        done.set()
        watcher.join()
    return largest[0]


def tree_megabytes() -> float:
    """Resident memory of this process and those it started (Linux)."""
    parents: dict[int, int] = {}
    sizes: dict[int, float] = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        except OSError:  # it has ended
            continue
        pid = int(fields["Pid"])
        parents[pid] = int(fields["PPid"])
        sizes[pid] = int(fields["VmRSS"].split()[0]) / 1000 if "VmRSS" in fields else 0.0
    family = {os.getpid()}
    for _ in range(4):
        family |= {pid for pid, parent in parents.items() if parent in family}
    return sum(sizes.get(pid, 0.0) for pid in family)


def text(pairs: int, loops: list[Pace], runs: list[Pace], memory: list[float], workers: int) -> str:
    """The report."""
    ratios = [loop.seconds / run.seconds for loop, run in zip(loops, runs)]
    minutes = sum(run.seconds * pairs / len(runs) for run in runs) / 60
    loop_cpu, run_cpu = (float(np.median([pace.cpu_seconds for pace in paces])) for paces in (loops, runs))
    rows = [
        ["plain loop, one process", *(f"{1 / loop.seconds:.2f}" for loop in loops)],
        [f"rephase evaluate, {workers} processes", *(f"{1 / run.seconds:.2f}" for run in runs)],
        ["ratio", *(f"{ratio:.2f}" for ratio in ratios)],
        ["memory of all processes, MB", *(f"{size:.0f}" for size in memory)],
    ]
    return (
        "\n\n".join(
            [
                "# Speed of rephase evaluate",
                "Made by `python benchmarks/evaluation.py`.",
                f"{pairs:,} pairs of four seconds with the metrics of `--metrics quick` (PESQ-WB, ESTOI, SI-SDR, PD) "
                f"took {minutes:.1f} minutes, with starting the processes, hashing, finding the delay and keeping each "
                "value. They were scored in rounds, whose processes start anew, in turns with a plain loop over some "
                "of the same pairs; pairs a second by the clock:",
                table(["", *(f"round {number}" for number in range(1, len(runs) + 1))], rows),
                f"The ratio is {np.median(ratios):.2f} in the middle. On the processors a pair takes "
                f"{1000 * loop_cpu:.0f} ms in the plain loop, whose threads wait for each other busily, and "
                f"{1000 * run_cpu:.0f} ms in rephase evaluate, with one thread a process.",
                f"- Busy with other work when it began: {load()}.\n"
                f"- Versions: {versions(('rephase', 'numpy', 'pesq', 'pystoi'))}.\n- Machine: {machine()}.",
            ]
        )
        + "\n"
    )


def load() -> str:
    """How busy the machine is, where it says so."""
    return f"a load of {LOAD[0]:.1f} over the last minute" if LOAD else "unknown"


if __name__ == "__main__":
    main()
