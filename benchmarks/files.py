"""Measures whole files: rephase against a plain loop, the cost around the model, memory against length.

    make bench

Writes docs/benchmarks-files.md and its plot. The folder and the long file are timed from the start of a process to its
end, rephase and the loop (`plain_loop.py`) taking turns; ratios are of one run.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import soxr
from matplotlib.figure import Figure
from measure import speech
from reports import machine, table, versions, write

from rephase.reporting.plots import as_svg
from rephase.weights import ModelFolder, find_model

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "benchmarks-files.md"
PLOT = ROOT / "docs" / "images" / "memory-length.svg"
SHORT_FILES, SHORT_SECONDS = 500, (1.0, 4.0)
LONG_SECONDS, PIECE_SECONDS = 3600, 10
MEMORY_MINUTES = (1, 5, 20, 60)
KINDS = {  # rate, channels, extension
    "WAV, 16 kHz, mono": (16000, 1, "wav"),
    "FLAC, 44.1 kHz, mono": (44100, 1, "flac"),
    "MP3, 44.1 kHz, stereo": (44100, 2, "mp3"),
    "M4A (AAC), 48 kHz, stereo": (48000, 2, "m4a"),
    "WAV, 48 kHz, stereo": (48000, 2, "wav"),
    "WAV, 96 kHz, stereo": (96000, 2, "wav"),
}
KIND_SECONDS = 60
RATIO_GOAL, OVERHEAD_GOAL, MEMORY_GOAL = 1.5, 0.2, 500e6


@dataclass
class Race:
    """Seconds of whole processes, rephase and the plain loop."""

    title: str
    audio_seconds: float
    goal: float | None
    rephase: list[float] = field(default_factory=list)
    loop: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times faster rephase is."""
        return statistics.median(self.loop) / statistics.median(self.rephase)


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure folders, long files and memory.")
    parser.add_argument("--model", default="renet-lite", metavar="NAME|FOLDER", help="default: renet-lite")
    parser.add_argument("--rounds", type=int, default=2, help="how often the folder takes its turn; default: 2")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE", help=f"default: {REPORT.name} in docs")
    parser.add_argument("--plot", type=Path, default=PLOT, metavar="FILE", help=f"default: {PLOT.name} in docs/images")
    parser.add_argument("--short-files", type=int, default=SHORT_FILES, help="in the folder")
    parser.add_argument("--long-seconds", type=int, default=LONG_SECONDS, help="length of the long file")
    parser.add_argument("--memory-minutes", type=int, nargs="+", default=MEMORY_MINUTES, help="lengths to look at")
    arguments = parser.parse_args()
    arguments.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    model = find_model(arguments.model)
    with tempfile.TemporaryDirectory() as name:
        races = measure_races(Path(name), model, arguments)
        print("CPU time around the model", file=sys.stderr, flush=True)
        costs = {title: measure_cost(Path(name), arguments.model, *kind) for title, kind in KINDS.items()}
        peaks = {minutes: measure_peak(Path(name), arguments.model, minutes) for minutes in arguments.memory_minutes}
    arguments.plot.parent.mkdir(exist_ok=True)
    write(arguments.plot, plot(peaks) + "\n")
    write(arguments.output, report(model, arguments, races, costs, peaks))
    print(f"wrote {arguments.output} and {arguments.plot}")


# ---------------------------------------------------------------- rephase and the plain loop
def measure_races(folder: Path, model: ModelFolder, arguments: argparse.Namespace) -> list[Race]:
    """Times a folder of short files and one long file."""
    short, long = folder / "short", folder / "long.flac"
    short_seconds = make_short_files(short, arguments.short_files)
    make_file(long, arguments.long_seconds, 44100, 1)
    races = [
        Race(f"a folder of {arguments.short_files} files", short_seconds, RATIO_GOAL),
        Race(f"one file of {arguments.long_seconds / 60:g} min", arguments.long_seconds, None),
    ]
    for race, inputs, pieces, rounds in (
        (races[0], short, [], arguments.rounds),
        (races[1], long, [f"--piece-seconds={PIECE_SECONDS}"], 1),
    ):
        for number in range(rounds):
            print(f"{race.title}, round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=folder) as output:  # gone after each turn: an hour of audio is large
                target = Path(output) / (inputs.name if inputs.is_file() else "enhanced")
                command = ["-m", "rephase", "enhance", str(inputs), "-o", str(target), f"--model={arguments.model}"]
                race.rephase.append(timed(command))
                graph = str(model.path / "model.onnx")
                script = str(ROOT / "benchmarks" / "plain_loop.py")
                race.loop.append(timed([script, graph, str(Path(output) / "loop"), str(inputs), *pieces]))
    return races


def timed(command: list[str]) -> float:
    """Seconds of a process."""
    start = time.perf_counter()
    run(command)
    return time.perf_counter() - start


def run(command: list[str]) -> str:
    """What a process of Python prints; its last words where it fails."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        sys.exit(f"files: {Path(command[0]).name} failed: {reason}")
    return done.stdout


# ---------------------------------------------------------------- one process, one file
def measure_cost(folder: Path, model: str, rate: int, channels: int, extension: str) -> dict:
    """CPU time of the model and of everything around it."""
    path = folder / f"{rate}-{channels}.{extension}"
    make_file(path, KIND_SECONDS, rate, channels)
    return enhanced(path, model)


def measure_peak(folder: Path, model: str, minutes: int) -> int:
    """Peak memory at a length, 48 kHz stereo, bytes."""
    print(f"memory of {minutes} min", file=sys.stderr, flush=True)
    path = folder / f"{minutes}min.wav"
    make_file(path, 60 * minutes, 48000, 2)
    peak = enhanced(path, model, threads=2)["peak_bytes"]
    path.unlink()
    return peak


def enhanced(path: Path, model: str, threads: int = 1) -> dict:
    """Enhances a file in a process of its own; what that cost."""
    target = path.with_name(f"enhanced{path.suffix}")
    script = str(ROOT / "benchmarks" / "one_file.py")
    cost = json.loads(run([script, str(path), str(target), f"--model={model}", f"--threads={threads}"]))
    target.unlink()
    return cost


# ---------------------------------------------------------------- material
def recording(seconds: float, rate: int, channels: int) -> np.ndarray:
    """Speech with a band above 8 kHz, `[time, channels]`."""
    low, low_rate = speech(min(seconds, 60.0))
    wide = soxr.resample(low, low_rate, rate)[:, None]
    hiss = 0.002 * np.random.default_rng(0).standard_normal((len(wide), channels), dtype=np.float32)
    return (0.8 * wide + hiss).astype(np.float32)


def make_short_files(folder: Path, count: int) -> float:
    """A folder of short recordings, 48 kHz mono, 16 bit; how many seconds they last together."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    long = recording(60.0, 48000, 1)
    seconds = rng.uniform(*SHORT_SECONDS, count)
    for number, length in enumerate(seconds):
        start = int(rng.uniform(0, 60 - length) * 48000)
        soundfile.write(folder / f"{number:04d}.wav", long[start : start + round(length * 48000)], 48000)
    return float(seconds.sum())


def make_file(path: Path, seconds: int, rate: int, channels: int) -> None:
    """One recording; a minute of it is made and repeated."""
    minute = recording(min(seconds, 60), rate, channels)
    if path.suffix == ".m4a":
        source = path.with_suffix(".made.wav")
        make_file(source, seconds, rate, channels)
        convert(source, path)
        source.unlink()
        return
    with soundfile.SoundFile(path, "w", rate, channels) as file:
        for _ in range(max(1, seconds // 60)):
            file.write(minute)


def convert(source: Path, target: Path) -> None:
    """Encodes as AAC, with PyAV."""
    import av

    with av.open(str(source)) as reader, av.open(str(target), "w", format="mp4") as writer:
        stream = writer.add_stream("aac", rate=reader.streams.audio[0].rate)
        for frame in reader.decode(audio=0):
            frame.pts = None
            writer.mux(stream.encode(frame))
        writer.mux(stream.encode(None))


# ---------------------------------------------------------------- report
def report(
    model: ModelFolder, arguments: argparse.Namespace, races: list[Race], costs: dict[str, dict], peaks: dict[int, int]
) -> str:
    """Writes the page."""
    options = [f"--{name.replace('_', '-')} {value}" for name, value in changed(arguments).items()]
    made_by = " ".join(["python benchmarks/files.py", *options]) if options else "make bench"
    load = f"{arguments.load:.1f} processes wanted to run in the minute before" if arguments.load else "load unknown"
    worst = max(cost["other_cpu_seconds"] / cost["model_cpu_seconds"] for cost in costs.values())
    parts = [
        "# Benchmarks of whole files",
        f"Made by `{made_by}`, all figures in one run.",
        f"- Model: {model.name} {model.version}; SHA-256 of model.onnx: `{model.files['model.onnx'].sha256}`.\n"
        f"- Machine: {machine()}; {load}.\n"
        f"- Versions: {versions(('rephase', 'numpy', 'onnxruntime', 'soundfile', 'soxr', 'av'))}.",
        "## Against a plain loop",
        "The loop (`benchmarks/plain_loop.py`) reads, resamples, runs the same graph in ONNX Runtime as it comes, "
        "resamples back and writes. It keeps no level, drops the band above 8 kHz and has no cross-fades; the long "
        f"file goes through it in pieces of {PIECE_SECONDS} s. Whole processes, from start to end: median (lowest–"
        f"highest) of {arguments.rounds} for the folder, which take turns, and one for the long file. Short files are "
        f"WAV, 48 kHz mono, {SHORT_SECONDS[0]:g} to {SHORT_SECONDS[1]:g} s; the long one is FLAC, 44.1 kHz mono. The "
        f"goal for the folder is {RATIO_GOAL:g}: `rephase enhance FOLDER` has a file on each core, where the loop has "
        "all cores on each file.",
        table(
            ["", "audio (s)", "rephase (s)", "plain loop (s)", "times faster", "goal", ""],
            [race_row(race) for race in races],
        ),
        "## Around the model",
        f"CPU time of `Enhancer.enhance_file` on {KIND_SECONDS} s, one thread: what decoding, resampling, levels, "
        "the high band, limiting and encoding take beside the model. Goal: at most "
        f"{OVERHEAD_GOAL:.0%}; {'met' if worst <= OVERHEAD_GOAL else 'missed'}.",
        table(["", "model (s)", "the rest (s)", "share of the model's"], [cost_row(*cost) for cost in costs.items()]),
        "## Memory against length",
        "Peak of the whole process, 48 kHz stereo WAV. Goal: the same at any length, below "
        f"{MEMORY_GOAL / 1e6:.0f} MB; {'met' if max(peaks.values()) < MEMORY_GOAL else 'missed'}.",
        f"![memory against length](images/{arguments.plot.name})",
        table(
            ["audio (min)", "peak memory (MB)"], [[str(length), f"{peak / 1e6:.0f}"] for length, peak in peaks.items()]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def changed(arguments: argparse.Namespace) -> dict[str, object]:
    """Options that make another measurement than `make bench`."""
    usual = {
        "model": "renet-lite", "rounds": 2, "short_files": SHORT_FILES, "long_seconds": LONG_SECONDS,
        "memory_minutes": MEMORY_MINUTES,
    }  # fmt: skip
    found = {name: getattr(arguments, name) for name, value in usual.items() if getattr(arguments, name) != value}
    if "memory_minutes" in found:
        found["memory_minutes"] = " ".join(map(str, found["memory_minutes"]))
    return found


def race_row(race: Race) -> list[str]:
    """A race beside its goal."""
    spans = [
        f"{statistics.median(times):.1f}" + (f" ({min(times):.1f}–{max(times):.1f})" if len(times) > 1 else "")
        for times in (race.rephase, race.loop)
    ]
    verdict = "" if race.goal is None else "met" if race.ratio >= race.goal else "missed"
    goal = "" if race.goal is None else f"{race.goal:g}"
    return [race.title, f"{race.audio_seconds:.0f}", *spans, f"{race.ratio:.2f}", goal, verdict]


def cost_row(title: str, cost: dict) -> list[str]:
    """What one kind of file costs."""
    share = cost["other_cpu_seconds"] / cost["model_cpu_seconds"]
    return [title, f"{cost['model_cpu_seconds']:.2f}", f"{cost['other_cpu_seconds']:.2f}", f"{share:.0%}"]


def plot(peaks: dict[int, int]) -> str:
    """Memory against length, beside the goal, as SVG."""
    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(list(peaks), [peak / 1e6 for peak in peaks.values()], marker="o", label="rephase")
    axes.axhline(MEMORY_GOAL / 1e6, color="0.5", linestyle="--", label="goal")
    axes.set(xlabel="audio (min)", ylabel="peak memory (MB)", ylim=(0, None), title="48 kHz stereo, the whole process")
    axes.legend()
    return as_svg(figure)


if __name__ == "__main__":
    main()
