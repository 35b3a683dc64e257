"""Measures speed, memory, start-up and size, and writes docs/benchmarks.md.

    make bench

Each configuration runs in a process of its own. The configurations take turns, round after round, so that whatever else
the machine does meets all of them alike; the medians of all rounds are reported. For the sizes, environments are made
under .benchmarks and kept.
"""

import argparse
import hashlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import soundfile
from measure import speech
from reports import machine, table, versions, write

import rephase
from rephase.weights import ModelFolder, find_model

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "docs" / "benchmarks.md"
ENVIRONMENTS = ROOT / ".benchmarks"
LENGTHS = (2, 10, 60)  # seconds
RUNTIMES = {"onnx": "ONNX Runtime", "torch": "torch"}
THREADS = (1, 2)
REPEATS = 3  # in one process
COMMAND_REPEATS = 5  # in one round
COMMANDS = {"rephase --help": 0.3, "rephase enhance, 5 s of audio": 1.0}  # goals, seconds
SIZES = {"core: pip install .": ("", 200.0), "with torch: pip install .[torch]": ("[torch]", None)}  # goals, MB


class MeasureError(Exception):
    """Something could not be measured; the message says why."""


@dataclass(frozen=True)
class Configuration:
    """What is measured."""

    seconds: int
    runtime: str
    threads: int


@dataclass
class Figures:
    """What was measured of one configuration.

    Attributes:
        rtf: of each repeat.
        peak_bytes: of each process.
        failure: why there are no figures; empty if there are.
    """

    rtf: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    failure: str = ""


def main() -> int:
    """Runs the script; 2 if the model is not there."""
    parser = argparse.ArgumentParser(description="Measure speed, memory, start-up and size.")
    parser.add_argument("--model", default="renet-lite", metavar="NAME|FOLDER", help="default: renet-lite")
    parser.add_argument("--rounds", type=int, default=3, help="how often each configuration takes its turn; default: 3")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE", help="default: docs/benchmarks.md")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds must be 1 or more; got {arguments.rounds}")
    try:
        model = find_model(arguments.model)
        model.verified_bytes("model.onnx")
    except rephase.RephaseError as error:
        print(f"speed: {error}", file=sys.stderr)
        return 2
    figures = measure_all(str(arguments.model), arguments.rounds)
    commands = time_commands(str(arguments.model), arguments.rounds)
    default = arguments.model == parser.get_default("model") and arguments.rounds == parser.get_default("rounds")
    command = (
        "make bench" if default else f"python benchmarks/speed.py --model {model.name} --rounds {arguments.rounds}"
    )
    write(arguments.output, report(command, model, arguments.rounds, figures, commands, measure_sizes()))
    print(f"wrote {arguments.output}")
    return 0


# ---------------------------------------------------------------- speed and memory
def measure_all(model: str, rounds: int) -> dict[Configuration, Figures]:
    """Measures all configurations, taking turns."""
    figures = {Configuration(*choice): Figures() for choice in itertools.product(LENGTHS, RUNTIMES, THREADS)}
    for number in range(1, rounds + 1):
        for configuration, found in figures.items():
            if found.failure:
                continue
            print(f"round {number} of {rounds}: {configuration}", file=sys.stderr)
            try:
                result = measure(model, configuration)
            except MeasureError as error:
                found.failure = str(error)
            else:
                found.rtf += result["rtf"]
                found.peak_bytes.append(result["peak_bytes"])
    return figures


def measure(model: str, configuration: Configuration) -> dict:
    """Measures a configuration in a process of its own."""
    options = {"model": model, "repeats": REPEATS, **vars(configuration)}
    arguments = [f"--{name}={value}" for name, value in options.items()]
    threads = {"OMP_NUM_THREADS": str(configuration.threads), "MKL_NUM_THREADS": str(configuration.threads)}
    return json.loads(run([sys.executable, str(ROOT / "benchmarks" / "measure.py"), *arguments], threads))


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    """Runs a command and returns what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise MeasureError(reason)
    return done.stdout


# ---------------------------------------------------------------- start-up
def time_commands(model: str, rounds: int) -> dict[str, list[float]]:
    """Times whole commands, from the start of the process to its end."""
    program = str(Path(sys.executable).parent / "rephase")
    with tempfile.TemporaryDirectory() as folder:
        recording, target = Path(folder) / "talk.wav", Path(folder) / "clean.wav"
        soundfile.write(recording, *speech(5))
        enhance = [program, "enhance", str(recording), "-o", str(target), "--overwrite", "--model", model]
        commands = dict(zip(COMMANDS, ([program, "--help"], enhance), strict=True))
        for command in commands.values():
            run(command)  # once for the disk's cache
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds * COMMAND_REPEATS):
            for name, command in commands.items():
                start = time.perf_counter()
                run(command)
                times[name].append(time.perf_counter() - start)
    return times


# ---------------------------------------------------------------- size
def measure_sizes() -> dict[str, int | str]:
    """Installs the package afresh and counts bytes; a reason where that failed."""
    sizes: dict[str, int | str] = {}
    for title, (extra, _) in SIZES.items():
        print(f"size of {title}", file=sys.stderr)
        try:
            sizes[title] = installed_bytes(extra)
        except MeasureError as error:
            sizes[title] = str(error)
    return sizes


def installed_bytes(extra: str) -> int:
    """The size of everything that an installation brings, in a kept environment without pip."""
    wanted = [extra, sys.version, *((ROOT / name).read_text() for name in ("pyproject.toml", "constraints.txt"))]
    environment = ENVIRONMENTS / hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
    if not (environment / "bin" / "python").exists():
        run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "--disable-pip-version-check"]
    # pip leaves installed dependencies alone and puts the package itself in again, as it is now.
    run([*pip, "install", "--quiet", "--constraint", str(ROOT / "constraints.txt"), f"{ROOT}{extra}"])
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run([str(environment / "bin" / "python"), "-c", code]).strip())
    return sum(path.lstat().st_size for path in packages.rglob("*") if not path.is_dir())


# ---------------------------------------------------------------- report
def report(
    command: str,
    model: ModelFolder,
    rounds: int,
    figures: dict[Configuration, Figures],
    commands: dict[str, list[float]],
    sizes: dict[str, int | str],
) -> str:
    """Writes the report."""
    parts = [
        "# Benchmarks",
        f"Made by `{command}`, all figures in one run.",
        f"- Model: {model.name} {model.version}, {model.parameters:,} parameters, {model.gmac_per_second:g} GMAC/s; "
        f"SHA-256 of model.onnx: `{model.files['model.onnx'].sha256}`.\n"
        f"- Machine: {machine()}.\n"
        f"- Versions: {versions(('rephase', 'numpy', 'onnxruntime', 'torch'))}.",
        "## Speed and memory",
        "RTF is compute time / audio time of `Enhancer.enhance` on 16 kHz mono: levels, chunks and cross-fades "
        f"included, reading and writing not. Each row is the median of {rounds * REPEATS} calls: {REPEATS} after a "
        f"warm-up in each process, number of processes {rounds}, taking turns with the other rows. The ratio is to "
        "ONNX Runtime with one thread at the same length: below 1 is faster. Memory is the peak of the whole process, "
        "with Python and the libraries.",
        speed_table(figures),
    ]
    failures = [f"- Not measured: {name(missed)}: {f.failure}." for missed, f in figures.items() if f.failure]
    parts += ["\n".join(failures)] if failures else []
    parts += [
        "## Start-up",
        f"From the start of the process to its end, median of {rounds * COMMAND_REPEATS} calls, files in the disk's "
        "cache.",
        table(["command", "median (s)", "lowest–highest (s)", "goal (s)", ""], command_rows(commands)),
        "## Installed size",
        "All files of a fresh environment, with the package's dependencies and without pip.",
        table(["installation", "MB", "goal (MB)", ""], size_rows(sizes)),
    ]
    return "\n\n".join(parts) + "\n"


def name(configuration: Configuration) -> str:
    """Names a configuration."""
    return f"{RUNTIMES[configuration.runtime]}, threads {configuration.threads}, {configuration.seconds} s"


def speed_table(figures: dict[Configuration, Figures]) -> str:
    """The configurations, one a row."""
    rows = []
    for configuration, found in figures.items():
        base = figures[Configuration(configuration.seconds, "onnx", 1)]
        cells = ["not measured"] * 4
        if found.rtf:
            rtf = statistics.median(found.rtf)
            ratio = f"{rtf / statistics.median(base.rtf):.2f}" if base.rtf else "not measured"
            peak = f"{statistics.median(found.peak_bytes) / 1e6:.0f}"
            cells = [f"{rtf:.4f}", f"{min(found.rtf):.4f}–{max(found.rtf):.4f}", ratio, peak]
        rows.append([f"{configuration.seconds} s", RUNTIMES[configuration.runtime], str(configuration.threads), *cells])
    return table(["audio", "runtime", "threads", "RTF", "lowest–highest", "ratio", "peak memory (MB)"], rows)


def command_rows(commands: dict[str, list[float]]) -> list[list[str]]:
    """The commands beside their goals."""
    rows = []
    for title, times in commands.items():
        median, goal = statistics.median(times), COMMANDS[title]
        spread = f"{min(times):.2f}–{max(times):.2f}"
        rows.append([f"`{title}`", f"{median:.2f}", spread, f"{goal:g}", "met" if median <= goal else "missed"])
    return rows


def size_rows(sizes: dict[str, int | str]) -> list[list[str]]:
    """The installations beside their goals."""
    rows = []
    for title, size in sizes.items():
        goal = SIZES[title][1]
        if isinstance(size, str):
            rows.append([title, f"not measured: {size}", f"{goal:g}" if goal else "", ""])
        else:
            verdict = ("met" if size / 1e6 <= goal else "missed") if goal else ""
            rows.append([title, f"{size / 1e6:.0f}", f"{goal:g}" if goal else "", verdict])
    return rows


if __name__ == "__main__":
    sys.exit(main())
