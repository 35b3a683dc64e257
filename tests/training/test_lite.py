"""Real runs of a tiny network on the clips: whole, killed, diverging, and on one batch."""

import csv
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file

from rephase.data.corpus import PackedCorpus
from rephase.errors import RephaseError
from rephase.models.renet_lite import RENetLite
from rephase.runtimes.onnx import OnnxRuntime
from rephase.training.lite import DivergedError, LiteModule, fit, main, prepare, split_parameters
from rephase.training.pairs import Degrader, ValidationBatches
from rephase.training.result import give_level_back, plain, training_facts, weight_facts
from rephase.weights.registry import find_model

# What the fixture `finished` does, up to the model folder, as a process of its own that can be killed.
KILLED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.training.lite import fit, prepare
from rephase.training.recipe import Recipe
recipe, config = eval(sys.argv[1]), eval(sys.argv[2])
data, cache, run = map(Path, sys.argv[3:])
fit(run, *prepare(data, cache, recipe), config)
"""


def losses(run: Path) -> dict[int, str]:
    """The loss of each step, as it stands in all files of metrics of a run."""
    found: dict[int, str] = {}
    for path in sorted(run.glob("metrics*.csv"), key=lambda path: path.stat().st_mtime):
        with path.open(newline="") as file:
            found |= {int(row["step"]): row["loss"] for row in csv.DictReader(file) if row.get("loss")}
    return found


def test_a_run_ends_with_weights_metrics_and_a_checkpoint(finished, recipe):
    assert sorted(losses(finished.folder)) == list(range(recipe.steps))
    assert (finished.folder / "checkpoints" / "last.ckpt").exists()
    last = weight_facts(finished.folder / "last.safetensors")
    assert last["step"] == recipe.steps
    assert 1 < last["valid_denoise_pesq_wb"] < 4.7
    assert 0 < last["valid_bandwidth_lsd"] < 10
    assert 0 < last["valid_estoi"] < 1
    best = weight_facts(finished.folder / "best.safetensors")
    assert best["step"] in (12, recipe.steps)
    assert best["valid_estoi"] >= last["valid_estoi"]


def test_the_model_folder_holds_the_best_weights_and_runs(finished, tiny):
    model = find_model(finished.folder / "model")
    assert (model.name, model.task, model.sample_rate) == ("whole", "universal", 16000)
    assert model.network == tiny.to_dict()
    ours, best = load(model.verified_bytes("model.safetensors")), load_file(finished.folder / "best.safetensors")
    assert ours.keys() == best.keys()
    assert all(torch.equal(ours[name], best[name]) for name in best if name != "makeup")
    waveform = 0.05 * np.random.default_rng(0).standard_normal((1, 5000)).astype(np.float32)
    assert OnnxRuntime(model)(waveform).shape == (1, 5000)


def test_a_run_begins_with_the_weights_of_a_model(finished, recipe, tiny, tmp_path):
    module = LiteModule(tiny, recipe, tmp_path, compile_network=False)
    module.begin_with(finished.model)
    theirs = load(finished.model.verified_bytes("model.safetensors"))
    ours = module.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs if name != "makeup")
    assert ours["makeup"] == 1, "it is measured anew"
    with pytest.raises(RephaseError, match=r"begin must be a model of the network that is trained; .*another one"):
        module.begin_with(find_model("renet-lite"))


def test_a_run_remembers_what_it_began_with(finished, recipe, tiny, clips, tmp_path):
    few = replace(recipe, steps=2)
    module = fit(tmp_path / "run", *prepare(clips, finished.cache, few), tiny, begin=finished.model)
    facts = training_facts(few, [], steps=2, minutes=1.0, starts=module.starts)
    begun = facts["starts"][0]["begun_with"]
    assert (begun["model"], begun["training"]["steps"]) == ("whole", recipe.steps)
    again = fit(tmp_path / "run", *prepare(clips, finished.cache, few), tiny, begin=finished.model)
    assert again.starts[0]["begun_with"] == begun, "the checkpoint holds it"
    assert "begun_with" not in again.starts[1]


def test_a_soft_network_gets_its_level_back(tiny):
    torch.manual_seed(0)
    network, clean = RENetLite(tiny).eval(), 0.05 * torch.randn(2, 8000)
    before = give_level_back(network, clean)
    with torch.no_grad():
        gain = (network(clean) * clean).sum(-1) / clean.square().sum(-1)
    assert float(gain.mean()) == pytest.approx(1.0, abs=1e-3)
    assert abs(before) > 0.1, "the test needs a network with a level of its own"
    assert give_level_back(network, clean) == pytest.approx(before, abs=1e-3)


def test_the_model_tells_how_it_was_trained(finished, recipe):
    training = finished.model.training
    assert [(fact["source"], fact["licence"], fact["files"]) for fact in training["data"]] == [
        ("librispeech", "CC BY 4.0", 9),
        ("esc10", "CC BY 3.0", 4),
    ]
    assert training["steps"] == recipe.steps
    assert training["audio_hours"] == round(24 * 2 * 1.0 / 3600, 3)
    assert training["recipe"]["seed"] == recipe.seed
    assert training["starts"] == [{"step": 0}]
    assert training["chosen"]["weights"] == "best.safetensors"
    assert training["chosen"]["step"] in (12, 24)


def test_the_facts_name_what_earlier_starts_had_other(recipe):
    starts = [{"step": 0, "recipe": plain(replace(recipe, loudness_weight=0.0))}, {"step": 9, "recipe": plain(recipe)}]
    facts = training_facts(recipe, [], steps=12, minutes=1.0, starts=starts)
    assert facts["starts"] == [{"step": 0, "loudness_weight": 0.0}, {"step": 9}]
    assert facts["recipe"]["loudness_weight"] == recipe.loudness_weight


def test_a_finished_run_stays_as_it_is_when_it_is_started_again(finished, recipe, tiny, clips):
    before = load_file(finished.folder / "last.safetensors")
    module = fit(finished.folder, *prepare(clips, finished.cache, recipe), tiny)
    assert module.trainer.global_step == recipe.steps
    after = load_file(finished.folder / "last.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert sorted(losses(finished.folder)) == list(range(recipe.steps))  # the first start's metrics are still there


def test_a_killed_run_goes_on_as_if_nothing_had_happened(finished, recipe, tiny, clips, tmp_path):
    run, checkpoint = tmp_path / "killed", tmp_path / "killed" / "checkpoints" / "last.ckpt"
    arguments = [sys.executable, "-c", KILLED, repr(recipe), repr(tiny), str(clips), str(finished.cache), str(run)]
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    reached = torch.load(checkpoint, weights_only=True)["global_step"]
    assert 0 < reached < recipe.steps

    module = fit(run, *prepare(clips, finished.cache, recipe), tiny)

    assert module.trainer.global_step == recipe.steps
    uninterrupted, gone_on = losses(finished.folder), losses(run)
    assert set(range(reached, recipe.steps)) <= set(gone_on)
    assert {step: uninterrupted[step] for step in gone_on} == gone_on
    for name in ("last", "best"):  # averaged weights: no step's share is lost either
        ours, theirs = (load_file(folder / f"{name}.safetensors") for folder in (run, finished.folder))
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_checkpoint_of_another_network_is_refused(finished, recipe, tiny, clips, tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    shutil.copy(finished.folder / "checkpoints" / "last.ckpt", tmp_path / "run" / "checkpoints" / "last.ckpt")
    with pytest.raises(RephaseError, match=r"of another network than this one; .*last\.ckpt; name another run"):
        fit(tmp_path / "run", *prepare(clips, finished.cache, recipe), replace(tiny, channels=(8, 4)))


def test_hidden_weights_are_muons_and_all_others_are_not(tiny):
    network = RENetLite(tiny)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    matrices, others = ({names[id(parameter)] for parameter in part} for part in split_parameters(network))
    assert matrices | others == set(names.values())
    assert not matrices & others
    assert {"convolutions.0.magnitude_convolution.weight", "encoder.phase_gate.weight"} <= matrices
    assert {"time_blocks.0.attention.phase_in.weight_imaginary", "magnitude_up.convolution.weight"} <= matrices
    assert {"stem.magnitude_convolution.weight", "phase_out.convolution.weight_real", "band_embedding"} <= others
    assert {"decoder.magnitude_norm.gain", "encoder.phase_gate.slope", "decoder.phase_gate.bias"} <= others
    assert all(dict(network.named_parameters())[name].ndim >= 2 for name in matrices)


def test_both_optimizers_follow_the_clock_each_at_its_own_rate(recipe, tiny, tmp_path, monkeypatch):
    module = LiteModule(tiny, replace(recipe, warmup_steps=1), tmp_path, compile_network=False)
    optimizer = module.configure_optimizers()
    monkeypatch.setattr(module, "_trainer", SimpleNamespace(optimizers=[optimizer], global_step=0))
    monkeypatch.setattr(type(module), "global_step", 0)
    module.on_train_batch_start(None, 0)
    rates = {group["use_muon"]: group["lr"] for group in optimizer.param_groups}
    assert rates[False] == pytest.approx(recipe.learning_rate)
    assert rates[True] == pytest.approx(recipe.matrix_rate * recipe.learning_rate)


def test_a_diverging_run_stops_and_keeps_its_last_good_checkpoint(finished, recipe, tiny, clips, tmp_path):
    wild = replace(recipe, learning_rate=1e30, warmup_steps=1, checkpoint_every=1)
    with pytest.raises(DivergedError, match=r"training diverged: .*step \d+; .*learning rate below 1e\+30"):
        fit(tmp_path / "run", *prepare(clips, finished.cache, recipe=wild), tiny)
    for path in (tmp_path / "run").glob("checkpoints/*.ckpt"):
        state = torch.load(path, weights_only=True)["state_dict"]
        assert all(torch.isfinite(value).all() for value in state.values())


def test_weights_without_a_score_are_kept_but_never_called_best(recipe, tiny, clips, tmp_path):
    training, _ = prepare(clips, tmp_path / "cache", recipe)
    silent = PackedCorpus(np.zeros(16000, dtype=np.int16), np.array([0, 16000]), ("none",), 16000)
    validation = ValidationBatches(silent, training.noise, training.rooms, 1)
    fit(
        tmp_path / "run",
        Degrader(training.speech, training.noise, training.rooms, replace(recipe, steps=2)),
        validation,
        tiny,
    )
    assert not (tmp_path / "run" / "best.safetensors").exists()
    facts = weight_facts(tmp_path / "run" / "last.safetensors")
    assert facts["step"] == 2
    assert "valid_estoi" not in facts


def test_what_the_command_line_got_wrong_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lite", "--data", str(tmp_path), "--run", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as exit_info:
        main()
    torch.set_flush_denormal(False)  # which main switched on for this process
    assert exit_info.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("can't read the manifest (No such file or directory); ")
    assert message.count("\n") == 1


@pytest.mark.filterwarnings("ignore:You are trying to `self.log")
def test_one_batch_is_learned(recipe, tiny, clips, tmp_path):
    torch.manual_seed(0)
    training, _ = prepare(clips, tmp_path, recipe)
    batch = training.batch((1,), 2, 1.0)
    module = LiteModule(tiny, recipe, tmp_path, compile_network=False)
    optimizer = module.configure_optimizers()
    optimizer.param_groups[0]["lr"] = 1e-2
    seen = []
    for _ in range(80):
        loss = module.training_step(batch, 0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    assert all(math.isfinite(value) for value in seen)
    assert seen[-1] < 0.7 * seen[0], seen[::10]
