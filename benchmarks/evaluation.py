"""Measures `rephase evaluate` on 1,000 pairs of four seconds and writes docs/benchmarks-evaluation.md.

    python benchmarks/evaluation.py

The same metrics in a plain loop (read both files, call each metric, one process) give the yardstick, in the same run
and on the same files: before, between and after, so that a machine that is busy now and then favours neither.
"""

import argparse
import os
import tempfile
import threading
import time
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
PAIRS, LOOPED = 1000, 50
PLAIN = (pesq_wb, estoi, si_sdr_db, pd_deg)
SAMPLED_EVERY_S = 0.5


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure rephase evaluate.")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--looped", type=int, default=LOOPED, help="pairs of each of three plain loops")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        items = make_pairs(Path(folder), arguments.pairs)
        workers = available_cores()
        half = len(items) // 2
        plain = [plain_rate(items[: arguments.looped])]
        rates, memory = [], []
        for part, report in ((items[:half], "first"), (items[half:], "second")):
            rate, peak = evaluated(part, Path(folder) / report, workers)
            rates.append((rate, len(part)))
            memory.append(peak)
            plain.append(plain_rate(part[: arguments.looped]))
        whole, peak = sum(count / rate for rate, count in rates), memory
    write(arguments.output, text(len(items), whole, float(np.median(plain)), plain, peak, workers))
    print(f"wrote {arguments.output}")


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


def plain_rate(items: list[Item]) -> float:
    """Pairs a second in a plain loop."""
    start = time.perf_counter()
    for item in items:
        reference, sample_rate = soundfile.read(item.reference, dtype="float32")
        estimate, _ = soundfile.read(item.estimate, dtype="float32")
        for metric in PLAIN:
            try:
                metric(reference=reference, estimate=estimate, sample_rate=sample_rate)
            except MetricError:
                continue
    return len(items) / (time.perf_counter() - start)


def evaluated(items: list[Item], folder: Path, workers: int) -> tuple[float, list[float]]:
    """Pairs a second of `rephase evaluate`, starting its processes included, and its memory at each quarter, MB."""
    setting = Setting(tuple(chosen_metrics("quick", has_reference=True)))
    assert [metric.name for metric in setting.metrics] == list(QUICK)
    samples: list[tuple[float, float]] = []
    share = [0.0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLED_EVERY_S):
            samples.append((share[0], tree_megabytes()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    try:
        evaluate(items, setting, folder, workers=workers, progress=lambda now, of: share.__setitem__(0, now / of))
        seconds = time.perf_counter() - start
    finally:
        done.set()
        watcher.join()
    quarters = [[size for at, size in samples if low <= at < low + 0.25] for low in (0.0, 0.25, 0.5, 0.75)]
    return len(items) / seconds, [max(quarter, default=float("nan")) for quarter in quarters]


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


def text(pairs: int, seconds: float, loop: float, loops: list[float], memory: list[list[float]], workers: int) -> str:
    """The report."""
    rate = pairs / seconds
    rows = [
        ["plain loop, one process", f"{loop:.2f}", "1.00"],
        [f"rephase evaluate, {workers} processes", f"{rate:.2f}", f"{rate / loop:.2f}"],
    ]
    cells = [f"{value:.0f}" for half in memory for value in half]
    spread = f"{min(loops):.2f} to {max(loops):.2f}"
    return (
        "\n\n".join(
            [
                "# Speed of rephase evaluate",
                "Made by `python benchmarks/evaluation.py`.",
                f"{pairs:,} pairs of four seconds with the metrics of `--metrics quick` (PESQ-WB, ESTOI, SI-SDR, PD) "
                f"took {seconds / 60:.1f} minutes, with starting the processes, hashing, finding the delay and keeping "
                f"each value. The plain loop ran three times in the same run, {spread} pairs a second; the middle one "
                "counts.",
                table(["", "pairs a second", "ratio"], rows),
                "Memory of all its processes together, the largest in each eighth of the run, MB:",
                table([f"{number}/8" for number in range(1, 9)], [cells]),
                f"- Versions: {versions(('rephase', 'numpy', 'pesq', 'pystoi'))}.\n- Machine: {machine()}.",
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
