"""A tiny network, a recipe of a few steps, and one whole run on the clips that all tests here may look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.training.lite import train
from rephase.training.recipe import Recipe
from rephase.weights.registry import ModelFolder

TINY = RENetLiteConfig(
    stem_channels=(4, 2), channels=(4, 4), heads=2, groups=1, blocks=1, dilations=(1, 2), lookback_frames=8,
    lookahead_frames=8,
)  # fmt: skip
# So many minutes that the clock moves no learning rate: the steps alone decide, and a run can be repeated exactly.
FEW_STEPS = Recipe(
    minutes=1e9, steps=24, batch=2, seconds=1.0, warmup_steps=5, p_room=0.5, rooms=2, validate_every=12,
    valid_batches=1, checkpoint_every=5, log_every=1,
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What one whole run left."""

    folder: Path
    cache: Path
    model: ModelFolder


@pytest.fixture(scope="session")
def tiny() -> RENetLiteConfig:
    return TINY


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return FEW_STEPS


@pytest.fixture(scope="session")
def clips() -> Path:
    return Path(__file__).parent.parent / "clips"


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Sums in one order, so that runs can be compared bit by bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, clips: Path, one_thread: None) -> Run:
    """A run from recordings to a model folder, without interruption."""
    folder = tmp_path_factory.mktemp("training") / "whole"
    model = train(clips, folder, FEW_STEPS, TINY)
    return Run(folder, folder.parent / "cache", model)
