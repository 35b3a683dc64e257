"""A blend is the mean of two trainings of one network, and a run that can go on."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rephase.runtimes.torch import load_network
from rephase.training.engine import fit, train
from rephase.training.experiment_file import read_experiment, write_experiment
from rephase.training.result import weight_facts
from rephase.training.sources import open_sources
from rephase.weights.registry import find_model

SCRIPT = Path(__file__).parents[2] / "scripts" / "blend.py"


def blend(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def run(finished, tmp_path_factory) -> Path:
    """The finished run, with other last weights than those of its model, and its cache named."""
    folder = tmp_path_factory.mktemp("blend") / "run"
    shutil.copytree(finished.folder, folder)
    write_experiment(
        read_experiment(folder / "experiment.yaml", [f"data.cache={finished.cache}"]), folder / "experiment.yaml"
    )
    last, facts = load_file(folder / "last.safetensors"), weight_facts(folder / "last.safetensors")
    generator = torch.Generator().manual_seed(0)
    moved = {name: value + 0.01 * torch.randn(value.shape, generator=generator) for name, value in last.items()}
    save_file(moved, folder / "last.safetensors", metadata={"facts": json.dumps(facts)})
    return folder


def test_a_blend_is_a_run_with_the_mean_of_the_weights(run, finished, tmp_path):
    outcome = blend(run, finished.model.path, "-o", tmp_path / "mean", "--share", 0.25)
    assert outcome.returncode == 0, outcome.stderr
    last, model = load_file(run / "last.safetensors"), load_file(finished.model.path / "model.safetensors")
    mean = load_file(tmp_path / "mean" / "model" / "model.safetensors")
    assert mean.keys() == last.keys()
    for name in mean.keys() - {"makeup"}:  # which is measured
        torch.testing.assert_close(mean[name], 0.25 * last[name] + 0.75 * model[name])
    described = json.loads((tmp_path / "mean" / "model" / "config.json").read_text())["training"]
    assert described["chosen"]["blended_with"]["share"] == 0.75
    assert described["steps"] == 24
    assert described["chosen"]["weights_of_the_run"] == "last.safetensors"
    best = ("--weights", "best.safetensors")
    outcome = blend(tmp_path / "mean", finished.model.path, "-o", tmp_path / "again", "--share", 0.5, *best)
    assert outcome.returncode == 0, outcome.stderr
    chosen = json.loads((tmp_path / "again" / "model" / "config.json").read_text())["training"]["chosen"]
    assert chosen["blended_with"]["share"] == 0.5
    assert chosen["weights_of_the_run"]["blended_with"]["share"] == 0.75, "what a blend was blended of is kept"
    experiment = read_experiment(tmp_path / "mean" / "experiment.yaml", ["budget.steps=25"])
    module = fit(experiment, tmp_path / "mean", open_sources(experiment, finished.cache))
    assert module.step == 25
    moved = module.averaged.module.state_dict()
    assert all(torch.allclose(moved[name], mean[name], atol=1e-3) for name in mean.keys() - {"makeup"})


def test_a_network_that_grew_is_blended_with_what_it_began_as(finished, changed, tmp_path):
    wider = changed("network.channels=[8, 8]", "budget.steps=3", f"data.cache={finished.cache}")
    train(wider, tmp_path / "run", begin=finished.model, device="cpu")
    outcome = blend(tmp_path / "run", finished.model.path, "-o", tmp_path / "begun", "--share", 0)
    assert outcome.returncode == 0, outcome.stderr
    begun, small = (
        load_network(find_model(str(path))).eval() for path in (tmp_path / "begun/model", finished.model.path)
    )
    waveform = 0.1 * torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = begun(waveform), small(waveform)
    gain = (ours * theirs).sum() / theirs.square().sum()  # levels are measured anew
    assert (ours - gain * theirs).norm() < 1e-2 * ours.norm()
    last = load_file(tmp_path / "run" / "last.safetensors")
    for name, value in begun.state_dict().items():
        if name != "makeup":  # three steps away: what is random is that of the run
            torch.testing.assert_close(value, last[name], atol=0.2, rtol=0)


def test_what_cannot_be_blended_is_refused_and_nothing_is_made(run, finished, tmp_path):
    (tmp_path / "there").mkdir()
    homeless = tmp_path.parent / "homeless"
    shutil.copytree(run, homeless)
    experiment = read_experiment(run / "experiment.yaml", ["data.folder=/nowhere", "data.cache=/nowhere/cache"])
    write_experiment(experiment, homeless / "experiment.yaml")
    renamed = tmp_path.parent / "renamed"
    shutil.copytree(run, renamed)
    write_experiment(read_experiment(run / "experiment.yaml", ["network.channels=[8, 8]"]), renamed / "experiment.yaml")
    for arguments, message in (
        ((renamed, finished.model.path, "-o", tmp_path / "new"), "another network than its experiment.yaml names"),
        ((run, finished.model.path, "-o", tmp_path / "there"), "the folder exists"),
        ((run, "renet-lite", "-o", tmp_path / "new"), "begin must be a model of the network that is trained"),
        ((run, finished.model.path, "-o", tmp_path / "new", "--share", 2), "share must lie in 0 … 1; got 2"),
        ((homeless, finished.model.path, "-o", tmp_path / "new"), "/nowhere"),
        ((tmp_path / "none", "renet-lite", "-o", tmp_path / "new"), "none"),
    ):
        outcome = blend(*arguments)
        assert outcome.returncode == 1
        assert outcome.stderr.startswith("blend: ")
        assert message in outcome.stderr
        assert "Traceback" not in outcome.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there"]
