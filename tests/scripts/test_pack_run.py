"""A packed run on a machine that has Python, torch, numpy, scipy and Lightning, and nothing else."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest
import torch

from rephase.training.engine import train
from rephase.training.experiment_file import find_experiment, read_experiment

STEPS = 40
CLIPS = Path(__file__).parents[1] / "clips"
CHANGES = (
    "network={preset: renet-lite, stem_channels: [4, 2], channels: [4, 4], heads: 2, groups: 1, blocks: 1, "
    "dilations: [1, 2], lookback_frames: 8, lookahead_frames: 8}",
    f"budget={{minutes: null, steps: {STEPS}}}", "batch.items=2", "batch.seconds=1.0", "optimizer.warmup_steps=5",
    "degradation.p_room=0.5", "data.rooms=2", "validation.every=1000", "validation.batches=1",
    "validation.kinds=[denoise]", "validation.checkpoint_every=5", "validation.log_every=1",
)  # fmt: skip


def losses(folder):
    """The loss of each step, in all files of metrics of a run."""
    found = {}
    for path in sorted(folder.glob("metrics*.csv"), key=lambda path: (path.name == "metrics.csv", path.name)):
        with path.open(newline="") as file:
            found |= {int(row["step"]): row["loss"] for row in csv.DictReader(file) if row.get("loss")}
    return found


def run(*arguments, code=0, **options):
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True, timeout=1200, **options)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """An environment with links to the packages that are there, what they need, and pip."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
    from pack_wheels import THERE, closure

    folder = tmp_path_factory.mktemp("target") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    (site,) = (folder / "lib").glob("python*/site-packages")
    for name in [*closure(THERE), "pip"]:
        distribution = metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            source = Path(distribution.locate_file(top))
            if source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """A function that gives the losses of the run that was never packed."""

    def whole(experiment):
        folder, before = tmp_path_factory.mktemp("home") / "whole", torch.get_num_threads()
        torch.set_num_threads(1)
        train(experiment, folder, device="cpu")
        torch.set_num_threads(before)
        assert sorted(losses(folder)) == list(range(STEPS))
        return losses(folder)

    return whole


@pytest.fixture
def bare(monkeypatch):
    """The environment of a machine that has none of this; sums in one order."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.mark.slow
def test_a_run_packed_as_recorded_is_the_run_at_home(target, scripts, tmp_path, bare, at_home):
    changes = [*CHANGES, f"data.cache={tmp_path / 'cache'}"]
    pack, out = tmp_path / "pack", tmp_path / "out"
    packed = ["renet-lite", *changes, "--data", CLIPS, "--to", pack, "--as-recorded"]
    run(sys.executable, scripts / "pack_run.py", *packed)
    assert not list((tmp_path / "cache").glob("speech*")), "nothing is decoded here"
    told = run(target, pack / "run.py", "--out", out, "--max-minutes", 30, env=bare)
    assert "it is finished" in told
    run(sys.executable, scripts / "pack_run.py", "join", out, tmp_path / "joined")
    experiment = read_experiment(find_experiment("renet-lite"), [*changes, f"data.folder={CLIPS}"])
    assert losses(tmp_path / "joined") == at_home(experiment)


@pytest.mark.slow
def test_a_packed_run_is_the_run_at_home(target, scripts, tmp_path, bare, at_home):
    pack, out, home = tmp_path / "pack", tmp_path / "out", tmp_path / "home"
    changes = [*CHANGES, f"data.cache={tmp_path / 'cache'}"]
    packed = ["renet-lite", *changes, "--data", CLIPS, "--to", pack, "--piece-mb", 2]
    run(sys.executable, scripts / "pack_run.py", *packed)
    assert max(path.stat().st_size for path in pack.rglob("*")) <= 2e6
    assert "exists" in run(sys.executable, scripts / "pack_run.py", *packed, code=1)
    shutil.copytree(pack, tmp_path / "second")

    # Stopped in its midst, from without: what it has reached is delivered.
    start = [target, pack / "run.py", "--out", out, "--max-file-mb", "0.1", "--max-minutes"]
    assert "leaves no time to train" in run(*start, 1, code=1, env=bare)
    process = subprocess.Popen([*map(str, start), "30"], env=bare)
    checkpoint, deadline = pack / "run" / "checkpoints" / "last.ckpt", time.monotonic() + 600
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=600) == 128 + signal.SIGTERM
    assert max(path.stat().st_size for path in out.rglob("*") if path.name != "manifest.json") <= 1e5
    shutil.copytree(out, tmp_path / "first")

    # Gone on with there, on a machine that has the pack and the output alone; and at home.
    shutil.move(tmp_path / "second", tmp_path / "fresh")
    told = run(target, tmp_path / "fresh" / "run.py", "--out", out, "--max-minutes", 30, env=bare)
    assert "h of audio an hour" in told
    assert "it is finished" in told
    manifest = json.loads((out / "manifest.json").read_text())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text(json.dumps(manifest | {"pack": "another"}))
    shutil.rmtree(tmp_path / "fresh" / "run")
    foreign = [target, tmp_path / "fresh" / "run.py", "--out", tmp_path / "other", "--max-minutes", 30]
    assert "another pack left" in run(*foreign, code=1, env=bare)
    run(sys.executable, scripts / "pack_run.py", "join", tmp_path / "first", home)
    assert json.loads((home / "environment.json").read_text())["command"]
    run(sys.executable, "-m", "rephase", "train", "--resume", "--run", home, "--device", "cpu")
    run(sys.executable, scripts / "pack_run.py", "join", out, tmp_path / "joined")
    assert "not the one that this went on from" in run(
        sys.executable, scripts / "pack_run.py", "join", out, home, code=1
    )

    experiment = read_experiment(find_experiment("renet-lite"), [*changes, f"data.folder={CLIPS}"])
    assert read_experiment(home / "experiment.yaml") == experiment
    whole = at_home(experiment)
    for other in (home, tmp_path / "joined"):
        assert losses(other) == whole
    assert "is spent" in run(
        sys.executable, scripts / "pack_run.py", "--run", tmp_path / "joined", "--to", tmp_path / "third", code=1
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--minutes", "0"], r"budget\.minutes must be more than 0; got 0"),
        (["--data", "2024"], r"can't read the manifest .*; 2024/speech\.csv;"),
        (["--data", "a #b: é😀"], r"can't read the manifest .*; a #b: é😀/speech\.csv;"),
    ],
)
def test_options_are_taken_as_they_are_given(tmp_path, monkeypatch, options, message):
    import pack_run

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pack_run.py", "renet-lite", *options, "--to", "pack"])
    with pytest.raises(ValueError, match=message):
        pack_run.main()
    assert not list(tmp_path.glob("*pack*"))


def test_what_travels_as_recorded_is_what_is_heard(scripts, tmp_path, capsys):
    from pack_run import as_recorded
    from pieces import PieceError

    shutil.copytree(CLIPS, tmp_path / "data")
    (tmp_path / "data" / "lists").mkdir()
    speech = tmp_path / "data" / "lists" / "speech.csv"
    text = (CLIPS / "speech.csv").read_text().replace("speech/", "../speech/")
    speech.write_text(text + "../speech/of-a-test.flac,test,librispeech,\n")
    changes = [f"data.folder={tmp_path / 'data'}", "data.speech=lists/speech.csv", "degradation.p_room=0"]
    experiment = read_experiment(find_experiment("denoise-dns"), changes)
    names = [
        row["path"] for name in ("speech", "noise") for row in csv.DictReader((CLIPS / f"{name}.csv").open(newline=""))
    ]
    lists = ["lists/speech.csv", "noise.csv"]

    files = as_recorded(experiment, tmp_path / "cache")
    assert set(files) == {f"data/{name}" for name in (*lists, *names)}
    assert files[f"data/{names[0]}"].read_bytes() == (CLIPS / names[0]).read_bytes()
    assert files["data/lists/speech.csv"] == speech

    (tmp_path / "data" / names[1]).unlink()
    assert f"data/{names[1]}" not in as_recorded(experiment, tmp_path / "cache")
    assert "1 recordings are missing" in capsys.readouterr().err
    speech.write_text(text.replace(names[0], "../elsewhere.flac"))
    with pytest.raises(PieceError, match=r"must lie in data\.folder; \.\./elsewhere\.flac"):
        as_recorded(experiment, tmp_path / "cache")


@pytest.mark.parametrize("name", ["shards", "shards/train.json", "s3://bucket/speech"])
@pytest.mark.parametrize("way", ["heard", "as_recorded"])
def test_shards_are_refused_before_any_work(scripts, tmp_path, monkeypatch, name, way):
    import pack_run
    from pieces import PieceError

    from rephase.training import sources

    def opened(*_):
        raise AssertionError("nothing is decoded")

    monkeypatch.setattr(sources, "open_sources", opened)
    (tmp_path / "shards").mkdir()
    changes = [f"data.folder={tmp_path}", f"data.speech={name}", "data.noise=null"]
    experiment = read_experiment(find_experiment("denoise-dns"), changes)
    with pytest.raises(PieceError, match=rf"shards can't be packed, .*; {name}; name a manifest \(CSV\)"):
        getattr(pack_run, way)(experiment, tmp_path / "cache")


def test_recorded_pairs_travel_as_recorded(scripts, tmp_path):
    from pack_run import as_recorded

    shutil.copytree(CLIPS / "speech", tmp_path / "speech")
    (first, second, *_) = sorted(path.name for path in (tmp_path / "speech").iterdir())
    rows = [f"speech/{first},speech/{second},train", f"speech/{second},speech/{first},valid"]
    (tmp_path / "pairs.csv").write_text("\n".join(["noisy,clean,split", *rows, ""]))
    changes = [f"data.folder={tmp_path}", "data.pairs=pairs.csv"]
    experiment = read_experiment(find_experiment("denoise-voicebank"), changes)
    files = as_recorded(experiment, tmp_path / "cache")
    assert set(files) == {"data/pairs.csv", f"data/speech/{first}", f"data/speech/{second}"}


def test_packages_that_are_there_stay_here(scripts):
    from pack_wheels import needed

    wanted = ["onnx", "soundfile"]
    assert {"onnx", "soundfile", "cffi"} <= set(needed(wanted))
    assert {"onnx", "numpy"} & set(needed(wanted, ["onnx"])) == set()
    assert {"soundfile", "cffi"} <= set(needed(wanted, ["onnx", "not-installed-here"]))


def test_what_a_run_imports_travels_or_is_there(scripts):
    from pack_wheels import OF_METRICS, THERE, WANTED, closure
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    def loaded(module):
        code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
        return set(run(sys.executable, "-W", "ignore", "-c", code).split())

    beyond = loaded("rephase.training.engine") - loaded("lightning")  # which takes what it finds
    ours = {canonicalize_name(Requirement(text).name) for text in metadata.requires("rephase")}
    installed = metadata.packages_distributions()
    needed = {canonicalize_name(name) for module in beyond for name in installed.get(module, [])} & ours
    assert {"pydantic", "soundfile"} <= needed
    assert needed <= set(closure([*THERE, *WANTED, *OF_METRICS]))
