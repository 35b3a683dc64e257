"""Experiments as files: all that ship can be read, and what is wrong is said by its key."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rephase.models.discriminators import LEAST_FRAMES
from rephase.models.network import FastTransforms
from rephase.models.presets import RENET_LITE, RENET_SMALL
from rephase.training.experiment import Experiment, ExperimentError
from rephase.training.experiment_file import (
    experiments,
    find_experiment,
    read_experiment,
    write_experiment,
)
from rephase.training.tasks import TASKS, task_of

PUBLISHED = [
    "phase-retrieval", "denoise-voicebank", "denoise-dns", "dereverb", "bandwidth-2khz", "bandwidth-4khz",
    "bandwidth-8khz", "bandwidth-lite", "universal",
]  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text("task: denoise\nbatch: {items: 2}\n")
    return path


def test_every_experiment_of_the_paper_and_every_shipped_model_has_a_file():
    ours = {"renet-lite", "renet-lite-finish", "renet-lite-denoise", "renet-medium"}
    assert set(PUBLISHED) | ours == set(experiments())


@pytest.mark.parametrize("name", experiments())
def test_a_shipped_experiment_is_whole(name):
    experiment = read_experiment(find_experiment(name))
    assert 10 < len(experiment.summary) < 100
    assert task_of(experiment).metrics
    assert experiment.network_config().phase_only == (experiment.task == "phase-retrieval")


def test_each_task_has_an_experiment():
    assert {read_experiment(path).task for path in experiments().values()} == set(TASKS)


def test_what_is_not_named_is_the_default_and_changes_go_last(file):
    assert read_experiment(file).batch.items == 2
    changed = read_experiment(file, ["batch.items=8", "optimizer.learning_rate=1e-3", "network=renet-small"])
    assert (changed.batch.items, changed.optimizer.learning_rate) == (8, 1e-3)
    assert changed.network_config() == RENET_SMALL
    assert replace(changed, network="renet-lite").network_config() == RENET_LITE


def test_fields_of_a_network_change_its_preset(file):
    config = read_experiment(file, ["network.channels=[16, 8]", "network.preset=renet-lite"]).network_config()
    assert config.to_dict() == RENET_LITE.to_dict() | {"channels": [16, 8]}
    assert read_experiment(file, ["network=renet-small", "network.blocks=1"]).network_config() == replace(
        RENET_SMALL, blocks=1
    )


def test_an_experiment_is_written_and_read_back_the_same(tmp_path):
    for path in experiments().values():
        experiment = read_experiment(path)
        write_experiment(experiment, tmp_path / path.name)
        assert read_experiment(tmp_path / path.name) == experiment


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("batch.item=3", r"unknown key batch\.item: did you mean batch\.items\?"),
        ("optimiser.clip=3", r"unknown key optimiser: did you mean optimizer\?"),
        ("adversaries.periods.wieght=1", r"unknown key adversaries\.periods\.wieght: did you mean .*weight\?"),
        ("batch.items=three", r"batch\.items: .*integer.*got 'three'"),
        ("batch.items=2.5", r"batch\.items: .*integer.*got 2\.5"),
        ("batch.items=0", r"batch\.items must be more than 0; got 0\. Try batch\.items=4"),
        ("batch.pieces=3", r"batch\.items must be a multiple of batch\.pieces; got 2 and 3"),
        ("optimizer.kind=sgd", r"optimizer\.kind: .*'muon' or 'adamw'"),
        ("losses.time=-1", r"losses\.time must be 0 or more"),
        ("losses={magnitude: 0.0}", r"losses must have at least one weight above 0"),
        ("budget={minutes: null}", r"budget must have minutes or steps"),
        ("network=renet-huge", r"network must be one of .*; got 'renet-huge'"),
        ("network.chanels=[1, 2]", r"unknown fields in a RENetLiteConfig: chanels"),
        ("network.architecture=UNet", r"network\.architecture must be one of RENet, RENetLite; got 'UNet'"),
        ("batch", r"a change must be key=value; got 'batch'"),
        ("batch.items=[", r"batch\.items: the value '\[' is no YAML"),
        ("losses.time=.nan", r"losses\.time must be 0 or more; got nan"),
        ("optimizer.betas=[1.5, 0.9]", r"optimizer\.betas must lie in 0 … 1"),
        ("data.source_weights={librispeech: -1.0}", r"data\.source_weights\.librispeech must be 0 or more"),
        ("batch.seconds=0.001", r"batch\.seconds must be at least 0\.1"),
        ("adversaries.spectra.resolutions=[]", r"adversaries\.spectra\.resolutions must be pairs of an FFT size"),
        ("adversaries.spectra.bands=[0.3]", r"adversaries\.spectra\.bands must rise to 1 in steps of at least 2 bins"),
        ("adversaries.spectra={weight: 1.0, resolutions: [[65536, 256]]}", r"more than 2\.048, .*=4\.096\."),
        (
            "adversaries.periods={weight: 1.0, periods: [2, 40000]}",
            r"batch\.seconds must be more than 2\.5, the longest",
        ),
        ("adversaries.periods.periods=[]", r"adversaries\.periods\.periods must be integers of at least 1; got \(\)"),
        ("adversaries.periods.periods=[2, 0]", r"adversaries\.periods\.periods must be integers of at least 1"),
        ("adversaries.periods.channels=[]", r"adversaries\.periods\.channels must be integers of at least 1"),
        ("data.rooms=1", r"data\.rooms must be 2 or more"),
    ],
)
def test_what_is_wrong_is_said_by_its_key(file, change, message):
    with pytest.raises(ExperimentError, match=message):
        read_experiment(file, [change])


def test_items_that_are_too_short_for_the_judge_of_pesq_are_refused(file):
    changes = ["adversaries.metric.weight=1.0", "network.hop_length=256"]
    with pytest.raises(
        ExperimentError, match=r"batch\.seconds must be more than 0\.224, where adversaries\.metric has too few"
    ):
        read_experiment(file, [*changes, "batch.seconds=0.224"])
    experiment = read_experiment(file, [*changes, "batch.seconds=0.2241"])
    transforms = FastTransforms(experiment.network_config())
    frames = transforms.stft(torch.randn(1, int(0.2241 * 16000))).shape[2]
    assert frames == LEAST_FRAMES
    assert transforms.stft(torch.randn(1, int(0.224 * 16000))).shape[2] == LEAST_FRAMES - 1


def test_a_task_or_metric_that_does_not_exist_is_refused():
    with pytest.raises(ExperimentError, match=r"task must be one of denoise, .*; got 'denoising'"):
        task_of(Experiment(task="denoising"))
    experiment = Experiment(task="denoise")
    chosen = replace(experiment.validation, choose_by="wopd_rad")
    with pytest.raises(ExperimentError, match=r"validation\.choose_by must be one of pesq_wb, .*; got 'wopd_rad'"):
        task_of(replace(experiment, validation=chosen))


def test_files_that_are_no_experiments_are_refused(tmp_path):
    with pytest.raises(ExperimentError, match=r"there is no such experiment; dereverberate; did you mean dereverb\?"):
        find_experiment("dereverberate")
    for content, message in (
        ("- a\n", "must be a table of keys"),
        ("a: [", "is no YAML"),
        ("a: !!python/none", "YAML"),
    ):
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(ExperimentError, match=message):
            read_experiment(tmp_path / "bad.yaml")
    with pytest.raises(ExperimentError, match=r"can't read the experiment"):
        read_experiment(tmp_path / "none.yaml")
