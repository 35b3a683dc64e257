"""A run in instalments is the run without them; and what another machine may lack or have."""

import itertools
import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from rephase.errors import RephaseError
from rephase.training import stop_after, tasks
from rephase.training.checkpoints import Checkpoints, checkpoint_of, state_of
from rephase.training.engine import fit
from rephase.training.experiment import ExperimentError
from rephase.training.module import EnhancementModule
from rephase.training.sources import open_sources
from rephase.training.stop_after import StopAfter
from rephase.training.tasks import measurable, task_of


def test_instalments_give_what_one_run_gives(finished, experiment, tmp_path, monkeypatch, losses):
    clock = itertools.count()  # it goes on by a second a step
    monkeypatch.setattr(stop_after, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    run, reached = tmp_path / "run", []
    for seconds in (7.5, 9.5, 100.5):
        sources = open_sources(experiment, finished.cache)
        reached.append(fit(experiment, run, sources, callbacks=(StopAfter(seconds / 60),)).step)
    assert reached == [7, 16, experiment.budget.steps]
    assert losses(run) == losses(finished.folder)
    ours, theirs = (load_file(folder / "last.safetensors") for folder in (run, finished.folder))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    pace = json.loads((run / "pace.json").read_text())
    assert pace["steps"] == experiment.budget.steps - 16
    assert pace["audio_hours"] == pytest.approx(pace["steps"] * 2 * 1.0 / 3600, abs=1e-4)
    assert 0 <= pace["waiting_share"] < 1


def test_a_run_that_was_stopped_between_validations_saves_all_its_checkpoints(finished, changed, tmp_path, monkeypatch):
    experiment = changed("budget.steps=12", "validation.every=6", "validation.checkpoint_every=2")
    sources, save, saved, clock = open_sources(experiment, finished.cache), Checkpoints.save, [], itertools.count()
    monkeypatch.setattr(stop_after, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))

    def noted(trainer, target):
        saved.append((trainer.lightning_module.step, trainer.validating))
        save(trainer, target)

    monkeypatch.setattr(Checkpoints, "save", staticmethod(noted))
    fit(experiment, tmp_path / "run", sources, callbacks=(StopAfter(4.5 / 60),))
    assert saved == [(2, False), (4, False), (4, False)], "the last is that of the end"
    saved.clear()
    fit(experiment, tmp_path / "run", sources)
    # It is validated after six more steps, at step 10, whose checkpoint comes after that; step 12 has one too.
    assert saved == [(6, False), (8, False), (10, True), (12, False), (12, False)]


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan")])
def test_an_instalment_without_time_is_refused(minutes):
    with pytest.raises(RephaseError, match=r"stop_after must be more than 0 minutes; got .*Try --stop-after 25"):
        StopAfter(minutes)


def test_a_checkpoint_of_a_gpu_is_read_where_there_is_none(finished, experiment, tmp_path, monkeypatch):
    state = torch.load(checkpoint_of(finished.folder), weights_only=True)
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    torch.save(state, tmp_path / "gpu.ckpt")
    monkeypatch.undo()
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(tmp_path / "gpu.ckpt", weights_only=True)
    read = state_of(tmp_path / "gpu.ckpt", EnhancementModule(experiment, tmp_path))
    assert read["budget"]["step"] == experiment.budget.steps


def test_a_metric_without_its_package_is_left_out_and_told(changed, monkeypatch, caplog):
    task = task_of(changed("task=denoise", "validation.choose_by=estoi"))
    assert measurable(task) == task
    monkeypatch.setitem(tasks.PACKAGES, tasks.pesq_wb, "no_such_package")
    left = measurable(task)
    assert [metric.__name__ for metric in left.metrics] == [m.__name__ for m in task.metrics if m is not tasks.pesq_wb]
    assert "pesq_wb is not measured: the package no_such_package is missing here" in caplog.text
    with pytest.raises(ExperimentError, match=r"pesq_wb can't choose the weights: .*Try validation\.choose_by=estoi"):
        measurable(task_of(changed("task=denoise", "validation.choose_by=pesq_wb")))
