"""Every experiment that ships can be run: its network is built at full size, and a tiny one takes twenty real steps."""

import csv
import math
from pathlib import Path

import pytest
import soundfile
import torch
from safetensors.torch import load_file

from rephase.losses.published import DENOISING, PHASE_RETRIEVAL
from rephase.models.architectures import build
from rephase.models.discriminators import MetricDiscriminator, MultiPeriodDiscriminator, MultiResolutionDiscriminator
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.training.engine import fit
from rephase.training.experiment import Experiment
from rephase.training.experiment_file import experiments, find_experiment, read_experiment
from rephase.training.sources import open_sources

TINY_RENET = (
    "network={architecture: RENet, hop_length: 200, channels: [4, 4], heads: 2, blocks: 1, recurrent_factor: 1, "
    "phase_hidden: 4}"
)
SIZES = {"renet-base": 1.550e6, "renet-small": 0.901e6, "renet-medium": 0.5323e6, "renet-lite": 0.2142e6}
SMALL_JUDGES = {
    "periods": ("adversaries.periods.channels=[2, 4]",),
    "spectra": ("adversaries.spectra.channels=2", "adversaries.spectra.resolutions=[[256, 128]]"),
    "metric": ("adversaries.metric.channels=2", "adversaries.metric.delay=2"),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, clips: Path) -> Path:
    """Pairs as VoiceBank+DEMAND has them, made of the clips."""
    folder = tmp_path_factory.mktemp("recorded")
    noise, rate = soundfile.read(next((clips / "noise").glob("*")), dtype="float32")
    rows = []
    with (clips / "speech.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            speech, _ = soundfile.read(clips / row["path"], dtype="float32")
            name = Path(row["path"]).stem
            added = torch.from_numpy(noise).repeat(1 + len(speech) // len(noise))[: len(speech)].numpy()
            soundfile.write(folder / f"{name}-clean.flac", speech, rate)
            soundfile.write(folder / f"{name}-noisy.flac", speech + 0.3 * added, rate)
            rows.append([f"{name}-noisy.flac", f"{name}-clean.flac", row["split"], row["source"]])
    with (folder / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["noisy", "clean", "split", "source"], *rows])
    return folder


def twenty_steps(name: str, changed, folder: Path | None) -> Experiment:
    lite = isinstance(read_experiment(find_experiment(name)).network_config(), RENetLiteConfig)
    network = () if lite else (TINY_RENET,)
    place = (f"data.folder={folder}",) if folder else ()
    adversaries = read_experiment(find_experiment(name)).adversaries
    judges = [change for judge, small in SMALL_JUDGES.items() if getattr(adversaries, judge).weight for change in small]
    return changed(
        "budget.steps=20", "batch.seconds=0.5", "validation.every=99", "validation.kinds=[own]", "validation.listen=0",
        *network, *place, *judges, name=name,
    )  # fmt: skip


@pytest.mark.parametrize("name", experiments())
def test_the_network_and_its_opponents_are_built_at_full_size(name):
    experiment = read_experiment(find_experiment(name))
    parameters = sum(p.numel() for p in build(experiment.network_config()).parameters())
    assert parameters == pytest.approx(SIZES[str(experiment.network)], rel=1e-3)
    periods, spectra, metric = (getattr(experiment.adversaries, name) for name in ("periods", "spectra", "metric"))
    if spectra.weight:
        MultiResolutionDiscriminator(spectra.resolutions, spectra.channels, spectra.bands)
    if periods.weight:
        MultiPeriodDiscriminator(periods.periods, periods.channels)
    if metric.weight:
        MetricDiscriminator(metric.channels)


@pytest.mark.parametrize("name", [name for name in experiments() if not name.startswith("renet-")])
def test_the_weights_of_the_losses_are_the_published_ones(name):
    experiment = read_experiment(find_experiment(name))
    weights = {term: weight for term, weight in vars(experiment.losses).items() if weight}
    assert weights == (PHASE_RETRIEVAL if experiment.task == "phase-retrieval" else DENOISING)


@pytest.mark.parametrize("name", experiments())
def test_twenty_real_steps(name, changed, finished, recorded, losses, tmp_path):
    experiment = twenty_steps(name, changed, recorded if name == "denoise-voicebank" else None)
    module = fit(experiment, tmp_path / "run", open_sources(experiment, finished.cache))
    seen = [float(value) for value in losses(tmp_path / "run").values()]
    assert len(seen) == 20
    assert all(math.isfinite(value) for value in seen)
    trained, begun = load_file(tmp_path / "run" / "last.safetensors"), build(experiment.network_config()).state_dict()
    assert trained.keys() == begun.keys()
    assert module.trainer.callback_metrics[f"valid_{module.task.choose_by.__name__}"].isfinite()
