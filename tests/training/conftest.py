"""A tiny network, an experiment of a few steps, and one whole run on the clips that all tests here may look at."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from rephase.training.engine import train
from rephase.training.experiment import Experiment
from rephase.training.experiment_file import find_experiment, read_experiment
from rephase.weights.registry import ModelFolder

CLIPS = Path(__file__).parent.parent / "clips"
TINY = (
    "network={preset: renet-lite, stem_channels: [4, 2], channels: [4, 4], heads: 2, groups: 1, blocks: 1, "
    "dilations: [1, 2], lookback_frames: 8, lookahead_frames: 8}"
)
# No minutes: the steps alone decide, and a run can be repeated exactly.
FEW_STEPS = (
    "budget={minutes: null, steps: 24}", "batch.items=2", "batch.seconds=1.0", "optimizer.warmup_steps=5",
    "degradation.p_room=0.5", "data.rooms=2", "validation.every=12", "validation.batches=1",
    "validation.kinds=[denoise]", "validation.listen=0", "validation.checkpoint_every=5", "validation.log_every=1",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What one whole run left."""

    folder: Path
    cache: Path
    model: ModelFolder


def _losses(run: Path) -> dict[int, str]:
    """The loss of each step, as it stands in all files of metrics of a run."""
    found: dict[int, str] = {}
    for path in sorted(run.glob("metrics*.csv"), key=lambda path: path.stat().st_mtime):
        with path.open(newline="") as file:
            found |= {int(row["step"]): row["loss"] for row in csv.DictReader(file) if row.get("loss")}
    return found


@pytest.fixture(scope="session")
def losses() -> Callable[[Path], dict[int, str]]:
    return _losses


@pytest.fixture(scope="session")
def changed() -> Callable[..., Experiment]:
    """An experiment that ships with the tiny network and few steps, and further changes."""

    def change(*changes: str, name: str = "renet-lite") -> Experiment:
        fixed = (f"data.folder={CLIPS}", TINY, *FEW_STEPS)
        return read_experiment(find_experiment(name), [*fixed, *changes])

    return change


@pytest.fixture(scope="session")
def experiment(changed: Callable[..., Experiment]) -> Experiment:
    return changed("validation.kinds=[]", "validation.listen=1")


@pytest.fixture(scope="session")
def clips() -> Path:
    return CLIPS


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Sums in one order, so that runs can be compared bit by bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, experiment: Experiment, one_thread: None) -> Run:
    """A run from recordings to a model folder, without interruption."""
    folder = tmp_path_factory.mktemp("training") / "whole"
    model = train(experiment, folder, device="cpu")
    assert model is not None
    return Run(folder, folder.parent / "cache", model)
