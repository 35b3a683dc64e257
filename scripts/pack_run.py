"""Packs a training run into one folder, for a machine with a GPU and without internet, and takes home what it leaves.

    python scripts/pack_run.py renet-lite --data data/ --minutes 75 --to pack/     # begin a run there
    python pack/run.py --max-minutes 25 --out out/                                 # there: one instalment
    python scripts/pack_run.py join out/ runs/renet-lite                           # back home: a run as any other
    python scripts/pack_run.py --run runs/renet-lite --to pack/                    # the next instalment; or --run out/

budget.minutes (--minutes) is of the whole run, over all instalments, and the learning rate follows it; --max-minutes
ends one instalment with a checkpoint. The pack holds code, experiment, audio, simulated rooms and wheels, each file cut
into pieces of at most --piece-mb with its SHA-256. Audio is decoded here, or there with --as-recorded.
"""

import argparse
import hashlib
import json
import logging
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pack_wheels
from pieces import MB, PieceError, cut, join, read_manifest, sha256_of, write_manifest
from run_packed import CHECKPOINT, INSTALMENT

HERE = Path(__file__).resolve().parent
CODE, CONFIGS = HERE.parent / "src" / "rephase", HERE.parent / "configs"
KIND = "rephase-pack"
LEFT_BEHIND = ("tensorboard", "model")  # of a run: nothing goes on from them


def main() -> None:
    """Packs, or joins."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if sys.argv[1:2] == ["join"]:
        parser = argparse.ArgumentParser(prog="pack_run.py join", description="Makes an instalment a run again.")
        parser.add_argument("out", type=Path, help="what run.py left")
        parser.add_argument("run", type=Path, help="folder of the run; new, or the one that the instalment began with")
        options = parser.parse_args(sys.argv[2:])
        take_home(options.out, options.run)
        print(f"{options.run}: rephase train --resume --run {options.run}")
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="EXPERIMENT or KEY=VALUE", help="as for rephase train")
    parser.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="the pack; must not exist")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="short for data.folder=FOLDER")
    parser.add_argument("--minutes", type=float, metavar="N", help="short for budget.minutes=N: of all instalments")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--begin", metavar="MODEL", help="name or folder of a model whose weights the run begins with")
    begin.add_argument("--run", type=Path, metavar="FOLDER", help="a run, or the output of run.py, to go on with")
    parser.add_argument("--piece-mb", type=float, default=16.0, metavar="N", help="largest file; default: 16")
    version = platform.python_version().rpartition(".")[0]
    parser.add_argument("--python", default=version, metavar="X.Y", help=f"of the other machine; default: {version}")
    parser.add_argument("--machine", default=platform.machine(), help=f"its processor; default: {platform.machine()}")
    parser.add_argument(
        "--as-recorded", action="store_true", help="recordings travel as they are, and are decoded there"
    )
    parser.add_argument(
        "--there",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="one more that the other machine has; repeatable",
    )
    options = parser.parse_intermixed_args()
    if options.to.exists():
        raise PieceError(f"the pack exists; {options.to}; name another folder, or remove it: a run may be in it")
    if options.piece_mb < 0.1:
        raise PieceError(f"piece_mb must be 0.1 or more; got {options.piece_mb:g}. Try --piece-mb 16.")
    options.to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.to.parent, prefix=f".{options.to.name}-") as scratch:
        pack(options, Path(scratch))


def pack(options: argparse.Namespace, scratch: Path) -> None:
    """Collects everything, cuts it, and puts the pack in place."""
    from rephase.training.experiment_file import find_experiment, read_experiment, write_experiment
    from rephase.weights.registry import find_model

    run = begun_run(options.run, scratch) if options.run else None
    named = [word for word in options.words if "=" not in word]
    changes = [word for word in options.words if "=" in word]
    # Values are YAML: in quotes a folder named 2024, or one with " #" in it, stays what it is.
    changes += [f"data.folder={json.dumps(str(options.data), ensure_ascii=False)}"] if options.data else []
    changes += [f"budget.minutes={options.minutes}"] if options.minutes is not None else []
    if len(named) > 1 or not (named or run):
        raise PieceError("name one experiment, or a run to go on with: rephase train --list; --run FOLDER")
    path = find_experiment(named[0]) if named else run / "experiment.yaml"  # type: ignore[operator]
    experiment = read_experiment(path, changes)
    cache = Path(experiment.data.cache or (options.run or Path("runs/x")).parent / "cache")
    files = as_recorded(experiment, cache) if options.as_recorded else heard(experiment, cache)
    wheels = scratch / "wheels"
    wheels.mkdir()
    missing = pack_wheels.collect(wheels, python=options.python, machine=options.machine, there=options.there)
    check_metrics(experiment, missing, options.python)
    files |= {f"wheels/{wheel.name}": wheel for wheel in wheels.glob("*.whl")}
    files |= tree(CODE, "code/rephase") | tree(CONFIGS, "code/rephase/configs")
    write_experiment(experiment, scratch / "experiment.yaml")
    files["experiment.yaml"] = scratch / "experiment.yaml"
    began_with = None
    if run is not None:
        files |= {name: path for name, path in tree(run, "run").items() if name.split("/")[1] not in LEFT_BEHIND}
        began_with = sha256_of(run / CHECKPOINT)
        tell_progress(run, experiment)
    elif options.begin:
        files |= tree(find_model(options.begin).path, "begin")
    folder = scratch / "pack"
    cut_files = {name: cut(files[name], name, folder / "pieces", int(options.piece_mb * MB)) for name in sorted(files)}
    shutil.copy(HERE / "run_packed.py", folder / "run.py")
    shutil.copy(HERE / "pieces.py", folder / "pieces.py")
    system = platform.system() if options.machine == platform.machine() else "Linux"
    write_manifest(
        folder,
        cut_files,
        kind=KIND,
        id=hashlib.sha256(json.dumps(cut_files).encode()).hexdigest(),
        began_with=began_with,
        missing_metrics=missing,
        there=options.there,
        target=[options.python, system, options.machine],
        changes=["data.folder=data", "data.cache=cache"],
    )
    folder.rename(options.to)
    size = sum(file["bytes"] for file in cut_files.values())
    count = sum(len(file["pieces"]) for file in cut_files.values())
    print(f"{options.to}: {size / MB:.0f} MB in {count} pieces; there: python run.py --max-minutes 25")


def begun_run(folder: Path, scratch: Path) -> Path:
    """A run to go on with, joined if it is what run.py left."""
    run = folder
    if (folder / "manifest.json").exists() and read_manifest(folder).get("kind") == INSTALMENT:
        run = scratch / "run"
        join(folder, run)
    if not (run / CHECKPOINT).exists():
        raise PieceError(f"there is no checkpoint to go on from; {folder}; name a run's folder, or pack without --run")
    return run


def heard(experiment: Any, cache: Path) -> dict[str, Path | bytes]:
    """Manifests, decoded audio and rooms, made now where they are not there yet."""
    from rephase.data.corpus import ANYWHERE
    from rephase.training.sources import bank_of, open_sources

    files: dict[str, Path | bytes] = {f"data/{name}": path for name, path in manifests(experiment).items()}
    open_sources(experiment, cache)
    data = experiment.data
    kinds = ("degraded", "clean") if data.pairs else ("speech", "noise") if data.noise else ("speech",)
    for name in (f"{kind}-{split}" for kind in kinds for split in ("train", "valid")):
        facts = json.loads((cache / f"{name}.json").read_text())
        files[f"cache/{name}.npy"] = cache / f"{name}.npy"
        files[f"cache/{name}.json"] = json.dumps(facts | {"made_from": ANYWHERE}).encode()
    bank = bank_of(experiment, cache)
    return files if bank is None else files | {f"cache/{bank.name}": bank}


def as_recorded(experiment: Any, cache: Path) -> dict[str, Path | bytes]:
    """Manifests, recordings as they are, and rooms, which are simulated now if they aren't yet."""
    from rephase.audio.files import audio_info
    from rephase.data.manifest import pairs_of_split, rows_of_split
    from rephase.degradations.rooms import simulate_bank
    from rephase.training.sources import bank_of

    data, folder = experiment.data, Path(experiment.data.folder)
    listed, columns = (pairs_of_split, ("degraded", "clean")) if data.pairs else (rows_of_split, ("path",))
    files: dict[str, Path | bytes] = {}
    missing = 0
    for name, manifest in manifests(experiment).items():
        files[f"data/{name}"] = manifest
        for row in (row for split in ("train", "valid") for row in listed(manifest, split)):
            for recording in (os.path.normpath(Path(name).parent / row[column]) for column in columns):
                path = folder / inside(recording, folder)
                if not path.is_file():
                    missing += 1
                elif audio_info(path).media:
                    raise PieceError(
                        f"only ffmpeg's libraries read this, which don't travel; {path}; leave out --as-recorded"
                    )
                else:
                    files[f"data/{recording}"] = path
    if missing:
        print(f"{missing} recordings are missing; there they count as bad ones: data.most_bad", file=sys.stderr)
    if bank := bank_of(experiment, cache):
        simulate_bank(bank, rooms=data.rooms, sample_rate=experiment.network_config().sample_rate)
        files[f"cache/{bank.name}"] = bank
    return files


def manifests(experiment: Any) -> dict[str, Path]:
    """The lists of recordings that an experiment hears, by their names in its folder."""
    data = experiment.data
    names = [data.pairs] if data.pairs else [name for name in (data.speech, data.noise) if name]
    for name in names:
        if "://" in name or name.endswith(".json") or (Path(data.folder) / name).is_dir():
            raise PieceError(
                f"shards can't be packed, as webdataset, which reads them, doesn't travel; {name}; "
                "name a manifest (CSV) of the recordings in data.folder"
            )
    return {name: Path(data.folder) / inside(name, data.folder) for name in names}


def inside(name: str, folder: str | Path) -> str:
    """The name, if it is one of a file in the folder: no other travels."""
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise PieceError(f"a manifest and what it lists must lie in data.folder; {name}; name it relative to {folder}")
    return name


def check_metrics(experiment: Any, missing: list[str], python: str) -> None:
    """Tells which metrics the other machine can't measure, and refuses a run that can't do without one."""
    from rephase.training.tasks import task_of

    task = task_of(experiment)
    for name in missing:
        where = (
            f"there is no wheel of its package for Python {python}; make one with that Python (pip wheel) and name its "
            "folder in PIP_FIND_LINKS, or take another --python"
        )
        if name == task.choose_by.__name__:
            raise PieceError(
                f"{name} chooses the weights and can't be measured there: {where}, or validation.choose_by"
            )
        if name == "pesq_wb" and experiment.adversaries.metric.weight:
            raise PieceError(f"adversaries.metric learns {name}, which can't be measured there: {where}")
        if name in [metric.__name__ for metric in task.metrics]:
            print(f"{name} will not be measured there: {where}", file=sys.stderr)


def tree(folder: Path, name: str) -> dict[str, Path | bytes]:
    """All files of a folder, under another name."""
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and ".part" not in path.suffixes
    }


def tell_progress(run: Path, experiment: Any) -> None:
    """Says how much of the budget is left, once the checkpoint is known to be of this network."""
    from rephase.training.checkpoints import state_of
    from rephase.training.module import EnhancementModule
    from rephase.training.schedule import share_spent

    spent = state_of(run / CHECKPOINT, EnhancementModule(experiment, run))["budget"]
    share = share_spent(experiment.budget, seconds=spent["spent"], steps=spent["step"])
    print(
        f"goes on at step {spent['step']}, {spent['spent'] / 60:.1f} min: {100 * share:.0f} % of the budget are spent"
    )
    if share >= 1:
        raise PieceError(f"the budget of the run is spent; {run}; give it more: --minutes, or budget.steps")


def take_home(out: Path, run: Path) -> None:
    """Joins an instalment into a run's folder: a new one, or the very run that the instalment went on from."""
    manifest = read_manifest(out)
    if manifest.get("kind") != INSTALMENT:
        raise PieceError(f"this is no output of run.py; {out}; name the folder that run.py left")
    checkpoint = manifest["files"].get(CHECKPOINT.as_posix(), {}).get("sha256")
    if run.exists() and any(run.iterdir()):
        ours = sha256_of(run / CHECKPOINT) if (run / CHECKPOINT).exists() else "none"
        if ours not in (manifest["began_with"], checkpoint):
            raise PieceError(f"the run there is not the one that this went on from; {run}; name a new folder")
    join(out, run)


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
