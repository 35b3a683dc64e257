"""Real runs of a tiny network on the clips: whole, killed, diverging, with opponents, and on one batch."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load, load_file
from torch.utils.data import DataLoader

from rephase.data.corpus import PackedCorpus
from rephase.errors import RephaseError
from rephase.models.architectures import build
from rephase.models.renet_lite import RENetLite
from rephase.runtimes.onnx import OnnxRuntime
from rephase.runtimes.torch import load_network
from rephase.training.batches import TrainingBatches, ValidationBatches
from rephase.training.checkpoints import state_of
from rephase.training.engine import fit, train
from rephase.training.experiment_file import find_experiment, read_experiment, write_experiment
from rephase.training.module import DivergedError, EnhancementModule
from rephase.training.objective import loss_terms, output_of
from rephase.training.optimizers import split_parameters
from rephase.training.pairs import Degrader
from rephase.training.result import give_level_back, model_name, weight_facts
from rephase.training.sources import open_sources
from rephase.weights.registry import find_model

STATES = Path(__file__).parents[2] / "training"
OPPONENTS = (
    "adversaries.periods={weight: 0.1, channels: [2, 4]}",
    "adversaries.spectra={weight: 0.1, channels: 2, resolutions: [[256, 128]]}",
    "adversaries.metric={weight: 0.1, channels: 2}",
)
# What the fixture `finished` does, up to the model folder, as a process of its own that can be killed.
KILLED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from rephase.training.engine import fit
from rephase.training.experiment_file import find_experiment, read_experiment, write_experiment
from rephase.training.sources import open_sources
if __name__ == "__main__":
    experiment, cache, run = read_experiment(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3])
    fit(experiment, run, open_sources(experiment, cache))
"""


def test_a_run_ends_with_weights_metrics_and_a_checkpoint(finished, experiment, losses):
    assert sorted(losses(finished.folder)) == list(range(experiment.budget.steps))
    assert (finished.folder / "checkpoints" / "last.ckpt").exists()
    last = weight_facts(finished.folder / "last.safetensors")
    assert last["step"] == experiment.budget.steps
    assert 1 < last["valid_denoise_pesq_wb"] < 4.7
    assert 0 < last["valid_bandwidth_lsd"] < 10
    assert 0 < last["valid_estoi"] < 1
    best = weight_facts(finished.folder / "best.safetensors")
    assert best["step"] in (12, experiment.budget.steps)
    assert best["valid_estoi"] >= last["valid_estoi"]


def test_a_run_leaves_what_it_was_and_where_it_ran(finished, experiment):
    assert read_experiment(finished.folder / "experiment.yaml") == experiment
    facts = json.loads((finished.folder / "environment.json").read_text())
    assert facts["torch"] == torch.__version__
    assert facts["threads"] == 1


def test_tensorboard_gets_losses_sound_and_pictures(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(finished.folder / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    tags = board.Tags()
    assert {"loss", "loudness", "valid_estoi"} <= set(tags["scalars"])
    assert {"denoise/0/enhanced", "universal/0/clean"} <= set(tags["audio"])
    assert {"denoise/0/spectra", "bandwidth/0/spectra"} <= set(tags["images"])
    assert board.Images("denoise/0/spectra")[0].step == 12


def test_the_model_folder_holds_the_best_weights_and_runs(finished, experiment):
    model = find_model(finished.folder / "model")
    assert (model.name, model.task, model.sample_rate) == ("whole", "universal", 16000)
    assert model.network == experiment.network_config().to_dict()
    ours, best = load(model.verified_bytes("model.safetensors")), load_file(finished.folder / "best.safetensors")
    assert ours.keys() == best.keys()
    assert all(torch.equal(ours[name], best[name]) for name in best if name != "makeup")
    waveform = 0.05 * np.random.default_rng(0).standard_normal((1, 5000)).astype(np.float32)
    assert OnnxRuntime(model)(waveform).shape == (1, 5000)


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("renet-lite-finish", "renet-lite"),
        ("renet-lite-denoise", "renet-lite-denoise"),
        ("denoise-voicebank", "renet-base-denoise"),
        ("phase-retrieval", "renet-small-phase-retrieval"),
    ],
)
def test_a_model_is_named_after_its_network_and_its_task(name, called):
    assert model_name(read_experiment(find_experiment(name)), Path("runs/mine")) == called


@pytest.mark.parametrize("change", ["heads: 2", "phase_only: true"])
def test_a_model_whose_network_is_no_preset_is_named_after_its_run(change):
    experiment = read_experiment(find_experiment("renet-lite"), [f"network={{preset: renet-lite, {change}}}"])
    assert model_name(experiment, Path("runs/mine")) == "mine"


def test_a_run_begins_with_the_weights_of_a_model(finished, experiment, tmp_path):
    module = EnhancementModule(experiment, tmp_path)
    module.begin_with(finished.model)
    theirs = load(finished.model.verified_bytes("model.safetensors"))
    for ours in (module.network.state_dict(), module.averaged.module.state_dict()):
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs if name != "makeup")
        assert ours["makeup"] == 1, "it is measured anew"
    with pytest.raises(RephaseError, match=r"begin must be a model of the network that is trained, .*another one"):
        module.begin_with(find_model("renet-lite"))


def test_a_larger_network_begins_with_the_weights_of_a_smaller_one(finished, changed, tmp_path):
    wider = changed("network.channels=[8, 8]", "network.stem_channels=[6, 4]")
    module = EnhancementModule(wider, tmp_path)
    module.begin_with(finished.model)
    assert wider.network_config().channels == (8, 8)
    waveform = 0.1 * torch.randn(1, 16000)
    smaller = load_network(finished.model).eval()
    smaller.makeup.fill_(1.0)
    with torch.no_grad():
        expected = smaller(waveform)
        for ours in (module.network, module.averaged.module):
            assert (ours(waveform) - expected).norm() < 1e-2 * expected.norm()


def test_a_run_remembers_what_it_began_with(finished, changed, tmp_path):
    few = changed("budget.steps=2")
    module = fit(few, tmp_path / "run", open_sources(few, finished.cache), begin=finished.model)
    begun = module.starts[0]["begun_with"]
    assert (begun["model"], begun["training"]["steps"]) == ("whole", 24)
    again = fit(few, tmp_path / "run", open_sources(few, finished.cache), begin=finished.model)
    assert again.starts[0]["begun_with"] == begun, "the checkpoint holds it"
    assert "begun_with" not in again.starts[1]


def test_a_soft_network_gets_its_level_back(experiment):
    torch.manual_seed(0)
    network, clean = RENetLite(experiment.network_config()).eval(), 0.05 * torch.randn(2, 8000)
    before = give_level_back(network, clean)
    with torch.no_grad():
        gain = (network(clean) * clean).sum(-1) / clean.square().sum(-1)
    assert float(gain.mean()) == pytest.approx(1.0, abs=1e-3)
    assert abs(before) > 0.1, "the test needs a network with a level of its own"
    assert give_level_back(network, clean) == pytest.approx(before, abs=1e-3)


def test_the_model_tells_how_it_was_trained(finished, experiment):
    training = finished.model.training
    assert [(fact["source"], fact["licence"], fact["files"]) for fact in training["data"]] == [
        ("librispeech", "CC BY 4.0", 9),
        ("esc10", "CC BY 3.0", 4),
    ]
    assert training["steps"] == experiment.budget.steps
    assert training["audio_hours"] == round(24 * 2 * 1.0 / 3600, 3)
    assert training["experiment"]["seed"] == experiment.seed
    assert "folder" not in training["experiment"]["data"], "it is a path of one machine"
    assert training["starts"] == [{"step": 0}]
    assert training["chosen"]["weights"] == "best.safetensors"
    assert training["chosen"]["step"] in (12, 24)


def test_a_finished_run_stays_as_it_is_when_it_is_resumed(finished, experiment, losses):
    before = load_file(finished.folder / "last.safetensors")
    model = train(experiment, finished.folder, resume=True, device="cpu")
    assert model is not None
    assert [start["step"] for start in model.training["starts"]] == [0, 24]
    after = load_file(finished.folder / "last.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert sorted(losses(finished.folder)) == list(range(24))  # the first start's metrics are still there


def test_a_run_that_exists_is_not_touched_without_resume(finished, experiment, tmp_path):
    with pytest.raises(RephaseError, match=r"the run exists; .*go on with --resume, or name another folder"):
        train(experiment, finished.folder, device="cpu")
    with pytest.raises(RephaseError, match=r"there is no checkpoint to go on from; .*start the run without --resume"):
        train(experiment, tmp_path / "none", resume=True, device="cpu")


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_ended_before_its_first_checkpoint_is_told_apart(resume, changed, tmp_path):
    write_experiment(changed(), tmp_path / "experiment.yaml")
    with pytest.raises(RephaseError, match=r"holds no checkpoint.*ended before the first.*; name another folder"):
        train(changed(), tmp_path, resume=resume, device="cpu")


@pytest.mark.parametrize(
    ("number", "send", "opponents"),
    [
        (signal.SIGTERM, os.kill, ()),
        (signal.SIGTERM, os.killpg, (*OPPONENTS, "batch.items=24")),  # a step outlives its workers, if they die
        (signal.SIGKILL, os.kill, OPPONENTS),
    ],
    ids=["terminated", "terminated with its workers, by a scheduler", "killed with opponents"],
)
def test_a_run_that_was_ended_goes_on_as_if_nothing_had_happened(
    number, send, opponents, changed, finished, tmp_path, losses
):
    experiment = changed("budget.steps=12", "batch.seconds=1.0", *opponents)
    run, checkpoint = tmp_path / "killed", tmp_path / "killed" / "checkpoints" / "last.ckpt"
    whole = fit(experiment, tmp_path / "whole", open_sources(experiment, finished.cache))
    assert whole.step == 12

    write_experiment(experiment, tmp_path / "experiment.yaml")
    (tmp_path / "killed.py").write_text(KILLED)
    arguments = [sys.executable, "killed.py", "experiment.yaml", str(finished.cache), str(run)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        arguments, stderr=subprocess.DEVNULL, env=environment, cwd=tmp_path, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    send(process.pid, number)
    assert process.wait() == (128 + number if number == signal.SIGTERM else -number)
    reached = torch.load(checkpoint, weights_only=True)["budget"]["step"]
    assert 0 < reached < experiment.budget.steps

    module = fit(experiment, run, open_sources(experiment, finished.cache))

    assert module.step == experiment.budget.steps
    uninterrupted, gone_on = losses(tmp_path / "whole"), losses(run)
    assert set(range(reached, experiment.budget.steps)) <= set(gone_on)
    assert {step: uninterrupted[step] for step in gone_on} == gone_on
    for name in ("last", "best"):  # averaged weights: no step's share is lost either
        ours, theirs = (load_file(folder / f"{name}.safetensors") for folder in (run, tmp_path / "whole"))
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_checkpoint_of_another_network_is_refused(finished, changed, tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    copy = tmp_path / "run" / "checkpoints" / "last.ckpt"
    shutil.copy(finished.folder / "checkpoints" / "last.ckpt", copy)
    other = changed("network.channels=[8, 4]")
    with pytest.raises(RephaseError, match=r"of another network than this one; .*last\.ckpt; name another run"):
        fit(other, tmp_path / "run", open_sources(other, finished.cache))
    copy.write_bytes(copy.read_bytes()[:1000])
    with pytest.raises(RephaseError, match=r"can't read the checkpoint \(.*\); .*last\.ckpt; begin a new run"):
        fit(other, tmp_path / "run", open_sources(other, finished.cache))


def test_what_a_run_cannot_do_is_refused_before_anything_of_it_changes(finished, changed, tmp_path):
    run, cache = tmp_path / "run", f"data.cache={finished.cache}"
    shutil.copytree(finished.folder, run)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RephaseError, match=r"optimizer\.kind must stay muon .* got adamw; .*last\.ckpt; .*--begin"):
        train(changed("optimizer.kind=adamw", cache), run, resume=True, device="cpu")
    with pytest.raises(RephaseError, match=r"of another network than this one"):
        train(changed("network.channels=[8, 4]", cache), run, resume=True, device="cpu")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    with pytest.raises(RephaseError, match=r"bf16 can't be compiled on a CPU: .*Try compile=false"):
        train(changed("compile=true", "precision=bf16", cache), tmp_path / "other", device="cpu")
    assert not (tmp_path / "other").exists()


def test_a_run_goes_on_with_other_opponents(finished, changed, tmp_path, caplog):
    periods, spectra, metric = OPPONENTS
    sources = open_sources(changed(), finished.cache)

    def go_on(steps: int, *opponents: str) -> EnhancementModule:
        return fit(
            changed(f"budget.steps={steps}", "optimizer.schedule=constant", *opponents), tmp_path / "run", sources
        )

    before = go_on(6, periods, metric)
    judge = {name: value.clone() for name, value in before.opponents.metric.state_dict().items()}
    steps = before.trainer.optimizers[2].state_dict()["state"][0]["step"]
    assert steps > 0
    module = go_on(6, spectra, metric)
    assert "opponents have changed: ['spectra'] begin anew, ['periods'] are left out" in caplog.text
    assert module.opponents.names() == ["spectra", "metric"]
    _, new, kept = (optimizer.state_dict()["state"] for optimizer in module.trainer.optimizers)
    assert not new, "there was no step for the new judge to learn from"
    assert kept[0]["step"] == steps, "the judge that stays keeps its optimizer, though another stands before it"
    assert all(torch.equal(value, judge[name]) for name, value in module.opponents.metric.state_dict().items())
    module = go_on(8, spectra, metric)
    assert module.trainer.optimizers[1].state_dict()["state"], "the new judge learns"
    assert caplog.text.count("opponents have changed") == 1
    other = spectra.replace("[[256, 128]]", "[[512, 128]]")  # its weights have the same sizes
    module = go_on(8, other, metric.replace("channels: 2", "channels: 2, delay: 1"))
    assert "['spectra'] begin anew, none are left out" in caplog.text
    assert not module.trainer.optimizers[1].state_dict()["state"]
    assert go_on(10, other, metric.replace("channels: 2", "channels: 3, delay: 1")).step == 10
    assert "['metric'] begin anew, none are left out" in caplog.text


@pytest.mark.skipif(not STATES.exists(), reason="the states of training, 13 MB, are in the repository alone")
@pytest.mark.parametrize(
    ("experiment", "model"), [("renet-lite-finish", "renet-lite"), ("renet-lite-denoise", "renet-lite-denoise")]
)
def test_the_state_that_ships_can_be_trained_on(experiment, model, tmp_path):
    module = EnhancementModule(read_experiment(find_experiment(experiment)), tmp_path)
    state = state_of(STATES / model / "last.ckpt", module)
    module.on_load_checkpoint(state)
    module.load_state_dict(state["state_dict"])
    module.opponents.close()
    shipped = load(find_model(model).verified_bytes("model.safetensors"))
    averaged = module.averaged.module.state_dict()
    assert all(torch.equal(averaged[name], shipped[name]) for name in shipped if name != "makeup")
    assert module.step == find_model(model).training["steps"]


def test_hidden_weights_are_muons_and_all_others_are_not(experiment):
    network = RENetLite(experiment.network_config())
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    matrices, others = ({names[id(parameter)] for parameter in part} for part in split_parameters(network))
    assert matrices | others == set(names.values())
    assert not matrices & others
    assert {"convolutions.0.magnitude_convolution.weight", "encoder.phase_gate.weight"} <= matrices
    assert {"time_blocks.0.attention.phase_in.weight_imaginary", "magnitude_up.convolution.weight"} <= matrices
    assert {"stem.magnitude_convolution.weight", "phase_out.convolution.weight_real", "band_embedding"} <= others
    assert {"decoder.magnitude_norm.gain", "encoder.phase_gate.slope", "decoder.phase_gate.bias"} <= others
    assert all(dict(network.named_parameters())[name].ndim >= 2 for name in matrices)


def test_all_optimizers_follow_the_budget_each_at_its_own_rate(changed, tmp_path, monkeypatch):
    opponent = "adversaries.periods={weight: 0.1, channels: [2, 4], learning_rate: 2.0e-4}"
    experiment = changed("optimizer.warmup_steps=1", opponent)
    module = EnhancementModule(experiment, tmp_path)
    main, judge = module.configure_optimizers()
    monkeypatch.setattr(
        module, "_trainer", SimpleNamespace(optimizers=[main, judge], global_rank=0, world_size=1, should_stop=False)
    )
    for step, share in ((0, 1.0), (12, 0.01 + 0.99 / 2)):
        module.step = step
        module.on_train_batch_start(None, 0)
        rates = {group["use_muon"]: group["lr"] for group in main.param_groups}
        assert rates[False] == pytest.approx(share * experiment.optimizer.learning_rate)
        assert rates[True] == pytest.approx(share * 4.0 * experiment.optimizer.learning_rate)
        assert judge.param_groups[0]["lr"] == pytest.approx(share * 2e-4)


def test_a_diverging_run_stops_with_its_batch_and_its_last_good_checkpoint(finished, changed, tmp_path):
    wild = changed("optimizer.learning_rate=1e30", "optimizer.warmup_steps=1", "validation.checkpoint_every=1")
    with pytest.raises(DivergedError, match=r"training diverged: .*step \d+; .*optimizer\.learning_rate below 1e\+30"):
        fit(wild, tmp_path / "run", open_sources(wild, finished.cache))
    for path in (tmp_path / "run").glob("checkpoints/*.ckpt"):
        state = torch.load(path, weights_only=True)["state_dict"]
        assert all(torch.isfinite(value).all() for value in state.values())


def test_the_batch_of_a_loss_that_is_no_number_is_kept(finished, changed, tmp_path, monkeypatch):
    experiment = changed("budget.steps=4", "validation.log_every=20", "batch.workers=0")
    sources = open_sources(experiment, finished.cache)
    make = sources.training.batch

    def batch(seed: tuple[int, ...], items: int, seconds: float) -> tuple[torch.Tensor, torch.Tensor]:
        degraded, clean = make(seed, items, seconds)
        if seed[1] == 2:
            clean[1, 100] = math.nan
        return degraded, clean

    monkeypatch.setattr(sources.training, "batch", batch)
    with pytest.raises(DivergedError, match=r"the loss is nan; its batch is in diverged\.safetensors; .*step 2"):
        fit(experiment, tmp_path / "run", sources)
    kept = load_file(tmp_path / "run" / "diverged.safetensors")
    assert torch.equal(kept["degraded"], make((experiment.seed, 2), 2, 1.0)[0])
    assert kept["clean"][1, 100].isnan()


def test_a_run_that_dies_in_a_validation_is_validated_when_it_goes_on(finished, changed, tmp_path, monkeypatch):
    experiment = changed("budget.steps=6", "validation.every=4", "validation.checkpoint_every=2")
    sources = open_sources(experiment, finished.cache)

    def die(*_: object) -> None:
        raise OSError("the power is cut")

    with monkeypatch.context() as patch:
        patch.setattr(EnhancementModule, "validation_step", die)
        with pytest.raises(OSError, match="the power is cut"):
            fit(experiment, tmp_path / "run", sources)
    fit(experiment, tmp_path / "run", sources)
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        validated = [int(row["step"]) for row in csv.DictReader(file) if row["valid_estoi"]]
    assert validated == [3, 6], "after the fourth step, and at the end"


def test_weights_are_not_compared_with_those_that_were_best_by_another_measure(finished, changed, tmp_path):
    few = changed("budget.steps=2", "validation.choose_by=pesq_wb")
    assert fit(few, tmp_path / "run", open_sources(few, finished.cache))._best > 1, "a PESQ"
    other = changed("budget.steps=3", "validation.choose_by=estoi")
    module = fit(other, tmp_path / "run", open_sources(other, finished.cache))
    assert module._best < 1
    assert weight_facts(tmp_path / "run" / "best.safetensors")["step"] == 3


@pytest.mark.parametrize(("precision", "dtype"), [("64", torch.float64), ("bf16", torch.float32)])
def test_a_run_in_another_precision_is_validated_too(precision, dtype, finished, changed, tmp_path):
    experiment = changed(f'precision="{precision}"', "budget.steps=2", *OPPONENTS)
    module = fit(experiment, tmp_path / "run", open_sources(experiment, finished.cache))
    assert next(module.network.parameters()).dtype == dtype
    assert weight_facts(tmp_path / "run" / "last.safetensors")["valid_denoise_pesq_wb"] > 1


def test_several_workers_make_the_batches_that_one_makes(finished, changed):
    training = open_sources(changed(), finished.cache).training
    batches = TrainingBatches(training, seed=1, items=1, seconds=0.1, first=3)
    alone, three = (
        [clean for _, clean in islice(DataLoader(batches, batch_size=None, num_workers=workers), 7)]
        for workers in (0, 3)
    )
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(alone, three, strict=True))


def test_weights_without_a_score_are_kept_but_never_called_best(finished, changed, tmp_path):
    experiment = changed("budget.steps=2")
    sources = open_sources(experiment, finished.cache)
    silent = PackedCorpus(np.zeros(16000, dtype=np.int16), np.array([0, 16000]), ("none",), 16000)
    training = sources.training
    mute = Degrader(silent, training.noise, training.rooms, experiment.degradation)
    fit(experiment, tmp_path / "run", replace(sources, validation=ValidationBatches({"own": mute}, 1)))
    assert not (tmp_path / "run" / "best.safetensors").exists()
    facts = weight_facts(tmp_path / "run" / "last.safetensors")
    assert facts["step"] == 2
    assert "valid_estoi" not in facts


def test_pieces_of_a_batch_give_the_gradient_of_the_whole(finished, changed, tmp_path):
    batch = open_sources(changed(), finished.cache).training.batch((3,), 2, 1.0)
    gradients = []
    for pieces in (1, 2):
        experiment = changed(f"batch.pieces={pieces}", "optimizer.kind=adamw", "optimizer.clip=1e9")
        gradients.append(_gradients(EnhancementModule(experiment, tmp_path), batch))
    for name, whole in gradients[0].items():
        assert torch.allclose(whole, gradients[1][name], rtol=1e-3, atol=1e-6 + 1e-4 * float(whole.abs().max())), name


def _gradients(module: EnhancementModule, batch: tuple[torch.Tensor, torch.Tensor]) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    module.network.load_state_dict(build(module.network_config).state_dict())
    experiment = module.experiment
    for degraded, clean in zip(*(side.chunk(experiment.batch.pieces) for side in batch)):
        terms = loss_terms(experiment.losses, output_of(module.network, degraded, clean), module.network)
        weighted = [getattr(experiment.losses, name) * term for name, term in terms.items()]
        (torch.stack(weighted).sum() / experiment.batch.pieces).backward()
    return {name: p.grad.clone() for name, p in module.network.named_parameters() if p.grad is not None}


def test_a_step_that_can_not_fit_the_memory_is_refused_at_once(finished, changed, tmp_path):
    huge = changed("batch.items=1000000")
    with pytest.raises(RephaseError, match=r"a step of 1000000 × 1 s .*needs .* GB or more.*take more batch\.pieces"):
        fit(huge, tmp_path / "run", open_sources(huge, finished.cache))
