"""Runs the experiment that is packed in this folder: one command, no network.

    python run.py --max-minutes 25

Needs Python, torch, numpy, scipy and Lightning; all else travels in the pack. The pieces are joined and checked, wheels
are installed into a folder beside this file, and the run goes on from the last checkpoint that is at hand. What it
leaves lies in --out ($OUT or ./out), in files of at most --max-file-mb, whatever ends the run.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pieces import MB, PieceError, cut, join, read_manifest, sha256_of, write_manifest

PACK = Path(__file__).resolve().parent
WORK, RUN, LIBRARIES = PACK / "work", PACK / "run", PACK / "libraries"
CHECKPOINT = Path("checkpoints") / "last.ckpt"
NEEDED = {"torch": (2, 11), "lightning": (2, 6), "numpy": (1, 26), "scipy": (1, 11)}
SAVING_SECONDS = 30.0  # that a run has to save what it has reached
OUTPUT_SHARE = 0.25  # of the minutes kept for the end: for ending a run that takes too long, and for the output
ENDING_SECONDS = 5.0  # of these at most: until a run that takes too long is killed
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
HOLDING = ("fresh", "fresh-2")  # where an instalment lies until its pieces have their names
INSTALMENT = "rephase-instalment"  # what an output folder says it is


def main() -> int:
    """Joins, installs, runs, delivers."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--max-minutes", type=float, required=True, metavar="N", help="of everything, start to end")
    parser.add_argument(
        "--finish-minutes", type=float, default=2.0, metavar="N",
        help="of these: kept for the last validation, the model and the output; default: 2",
    )  # fmt: skip
    parser.add_argument("--max-file-mb", type=float, default=16.0, metavar="N", help="largest file; default: 16")
    parser.add_argument("--out", type=Path, default=None, metavar="FOLDER", help="default: $OUT, or ./out")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda; default: auto")
    options = parser.parse_args()
    if not options.finish_minutes > 0:
        raise PieceError(f"finish_minutes must be more than 0; got {options.finish_minutes:g}. Try --finish-minutes 2.")
    out = (options.out or Path(os.environ.get("OUT") or "out")).resolve()
    most_bytes = int(options.max_file_mb * MB)
    if most_bytes < 1000:
        raise PieceError(f"max_file_mb must be 0.001 or more; got {options.max_file_mb:g}. Try --max-file-mb 16.")
    manifest = read_manifest(PACK)
    check_target(manifest)
    join(PACK, WORK, pieces_in="pieces")
    install(WORK / "wheels", LIBRARIES)
    take_up(out, manifest)
    minutes = options.max_minutes - options.finish_minutes - (time.monotonic() - began) / 60
    if not minutes > 0:
        gone = (time.monotonic() - began) / 60
        raise PieceError(
            f"max_minutes leaves no time to train: {options.max_minutes:g} min, {options.finish_minutes:g} of them "
            f"for the end, and {gone:.1f} are gone. Try --max-minutes 25."
        )
    print(f"training for {minutes:.1f} min", flush=True)
    code = 1
    try:
        output = OUTPUT_SHARE * 60 * options.finish_minutes
        deadline = began + 60 * options.max_minutes - output
        code = train(manifest, minutes, options.device, deadline, min(ENDING_SECONDS, output / 3))
    finally:
        if (RUN / CHECKPOINT).exists():
            deliver(out, most_bytes, manifest)
            tell(out)
        else:
            print("no checkpoint was reached: there is nothing to bring back", file=sys.stderr)
    return code


def check_target(manifest: dict[str, Any]) -> None:
    """Whether this machine is one that the pack was made for."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}", platform.system(), platform.machine()
    asked = tuple(manifest["target"])
    if here != asked:
        raise PieceError(
            f"the wheels in this pack are for Python {' '.join(asked)}, here is {' '.join(here)}; {PACK}; "
            f"start it with another Python, or pack again with --python {here[0]} --machine {here[2]}"
        )
    for package, lowest in NEEDED.items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "0"
        if tuple(int(number) for number in version.split("+")[0].split(".")[:2] if number.isdigit()) < lowest:
            found = "missing" if version == "0" else f"version {version}"
            raise PieceError(
                f"{package} {'.'.join(map(str, lowest))} or newer is needed, here it is {found}; install it"
            )
    for package in manifest["there"]:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            raise PieceError(
                f"{package} was said to be here and isn't; {PACK}; pack again without --there {package}"
            ) from None
    for metric in manifest["missing_metrics"]:
        print(f"{metric} can't be measured here: no wheel of its package fits this machine", file=sys.stderr)


def install(wheels: Path, target: Path) -> None:
    """Installs the wheels offline; once."""
    files = sorted(wheels.glob("*.whl"))
    stamp, wanted = target / ".installed", "".join(f"{file.name} {sha256_of(file)}\n" for file in files)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--target", str(target), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise PieceError(f"pip can't install the wheels ({reason}); {wheels}; look whether python -m pip works here")
    stamp.write_text(wanted)


def take_up(out: Path, manifest: dict[str, Any]) -> None:
    """Puts the run in place that is gone on from: this folder's own, the output folder's, or the packed one.

    Raises:
        PieceError: If the output folder holds what another pack left: it would be lost.
    """
    delivered = False
    if (out / "manifest.json").exists():
        theirs = read_manifest(out)
        delivered = theirs.get("pack") == manifest["id"]
        reached = theirs["files"].get(CHECKPOINT.as_posix(), {}).get("sha256")
        # What this pack went on from may be replaced by what it has reached.
        if not delivered and (reached is None or reached != manifest["began_with"]):
            raise PieceError(f"the output folder holds what another pack left; {out}; name another one with --out")
    if (RUN / CHECKPOINT).exists():
        return
    if RUN.exists():  # it ended before its first checkpoint
        shutil.rmtree(RUN)
    if delivered:
        join(out, RUN)
    elif (WORK / "run" / CHECKPOINT).exists():
        shutil.copytree(WORK / "run", RUN)


def train(manifest: dict[str, Any], minutes: float, device: str, deadline: float, ending: float) -> int:
    """Runs the experiment in a process of its own, with the packed code and libraries before what is installed.

    Signals are ignored from its end on: what is left to do is to deliver.

    Args:
        manifest: of the pack.
        minutes: of training.
        device: auto, cpu or cuda.
        deadline: by time.monotonic(), in seconds; a run that isn't done then is ended.
        ending: seconds that such a run has until it is killed.

    Returns:
        The exit code of the run.

    Raises:
        PieceError: If the run had to be ended.
    """
    command = [sys.executable, "-m", "rephase", "train", "experiment.yaml", *manifest["changes"], "--run", str(RUN)]
    command += ["--device", device, "--stop-after", f"{minutes:.4f}"]
    if (RUN / CHECKPOINT).exists():
        command += ["--resume"]
    elif (WORK / "begin").exists():
        command += ["--begin", str(WORK / "begin")]
    paths = [str(WORK / "code"), str(LIBRARIES), *filter(None, [os.environ.get("PYTHONPATH")])]
    # Beside what this file writes, the pack gets decoded audio, where that didn't travel: work/cache.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    # A session of its own: Ctrl-C reaches this process alone, which then ends the run as SIGTERM does.
    process = subprocess.Popen(command, cwd=WORK, env=environment, start_new_session=True)

    def end(number: int, _: Any) -> None:
        ignore_signals()  # a second one would leave the run alive and nothing delivered
        raise SystemExit(128 + number)

    try:
        for number in ENDING_SIGNALS:
            signal.signal(number, end)
        return process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise PieceError(
            "the run was not done in time and was ended: validation and model took longer than what is kept for them; "
            "what counts is its last checkpoint; give them more: --finish-minutes"
        ) from None
    finally:
        ignore_signals()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.terminate()  # it finishes the step that is under way and saves it
            process.wait(timeout=min(SAVING_SECONDS, max(ending, deadline - time.monotonic())))
        process.kill()
        process.wait()


def ignore_signals() -> dict[int, Any]:
    """Makes this process deaf to Ctrl-C and SIGTERM; returns who listened before."""
    return {number: signal.signal(number, signal.SIG_IGN) for number in ENDING_SIGNALS}


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Ignores Ctrl-C and SIGTERM for a while."""
    before = ignore_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def deliver(out: Path, most_bytes: int, manifest: dict[str, Any]) -> None:
    """Cuts what the run has left into the output folder; an earlier instalment there is replaced.

    Whatever ends this, and when: the manifest that lies there is true. The earlier one is, until all new pieces are
    written; one of the pieces where they are held is, until they have their names.
    """
    earlier = read_manifest(out)["files"] if (out / "manifest.json").exists() else {}
    before = {piece["name"] for file in earlier.values() for piece in file["pieces"]}
    # What an earlier delivery was held in stays, if that was killed before its pieces had their names.
    fresh = next(folder for folder in HOLDING if not any(name.startswith(f"{folder}/") for name in before))
    facts = {"kind": INSTALMENT, "pack": manifest["id"], "began_with": manifest["began_with"]}
    with undisturbed():
        shutil.rmtree(out / fresh, ignore_errors=True)
        held = {}
        for path in sorted(path for path in RUN.rglob("*") if path.is_file() and ".part" not in path.suffixes):
            name = path.relative_to(RUN).as_posix()
            # The experiment as it is called at home, where the data lies elsewhere than here.
            source = WORK / "experiment.yaml" if name == "experiment.yaml" else path
            held[name] = cut(source, f"{fresh}/{name}", out, most_bytes)
        write_manifest(out, held, **facts)
        for name in before:
            (out / unheld(name)).unlink(missing_ok=True)
        files = {
            name: file | {"pieces": [piece | {"name": unheld(piece["name"])} for piece in file["pieces"]]}
            for name, file in held.items()
        }
        for file in files.values():
            for name in (piece["name"] for piece in file["pieces"]):
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(out / fresh / name, out / name)
        write_manifest(out, files, **facts)
        for folder in HOLDING:
            shutil.rmtree(out / folder, ignore_errors=True)


def unheld(name: str) -> str:
    """The name of a piece once it isn't held any more."""
    folder, _, rest = name.partition("/")
    return rest if folder in HOLDING else name


def tell(out: Path) -> None:
    """Says how fast the run was, how far it is, and how to go on."""
    if (RUN / "pace.json").exists():
        pace = json.loads((RUN / "pace.json").read_text())
        print(
            f"{pace['steps']} steps in {pace['minutes']:.1f} min: {pace['audio_hours_an_hour']:g} h of audio an hour; "
            f"{100 * pace['waiting_share']:.1f} % of the time waited for data"
        )
    if (RUN / "model" / "config.json").exists():
        facts = json.loads((RUN / "model" / "config.json").read_text())["training"]
        budget = facts["experiment"]["budget"]
        limits = " or ".join(f"{budget[unit]:g} {unit}" for unit in ("minutes", "steps") if budget[unit])
        spent = any(budget[unit] and facts[unit] >= budget[unit] for unit in ("minutes", "steps"))
        print(f"the run has {facts['steps']} steps and {facts['minutes']:g} minutes behind it, of {limits} in all")
        print("it is finished" if spent else "go on: run this again, or pack again with --run and the output folder")
    print(f"bring back {out}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (PieceError, OSError) as error:
        sys.exit(f"error: {error}")
