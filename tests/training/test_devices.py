"""Two processes that work together compute what one computes alone, on the same items."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rephase.training.experiment_file import write_experiment

SCRIPT = Path(__file__).parent / "ddp_gradients.py"


@pytest.mark.parametrize("name", ["renet-lite", "universal"])
def test_two_processes_give_the_gradients_of_one_with_both_batches(name, changed, tmp_path):
    network = (
        ("network={preset: renet-small, channels: [4, 4], blocks: 1, phase_hidden: 4, dropout: 0.0}",)
        if name == "universal"
        else ()
    )
    small = "adversaries={periods: {weight: 0.05, channels: [2, 4]}, spectra: {weight: 0.05, channels: 2}}"
    experiment = changed(
        "budget.steps=1", "batch.seconds=0.5", "batch.workers=0", 'precision="64"', "optimizer.clip=1e9", small,
        *network, name=name,
    )  # fmt: skip
    torch.manual_seed(0)
    clean = 0.05 * torch.randn(4, 8000)
    torch.save((clean + 0.02 * torch.randn(4, 8000), clean), tmp_path / "batch.pt")
    found = {}
    for devices in (1, 2):
        items = replace(experiment, batch=replace(experiment.batch, items=4 // devices))
        write_experiment(items, tmp_path / f"{devices}.yaml")
        arguments = [f"{devices}.yaml", "batch.pt", f"run{devices}", str(devices)]
        outcome = subprocess.run(
            [sys.executable, str(SCRIPT), *arguments], cwd=tmp_path, env=os.environ, capture_output=True, text=True
        )
        assert outcome.returncode == 0, outcome.stderr
        found[devices] = torch.load(tmp_path / f"run{devices}" / "gradients.pt", weights_only=True)
    assert found[1].keys() == found[2].keys()
    for part in ("network.", "opponents.periods.", "opponents.spectra."):
        names = [name for name in found[1] if name.startswith(part)]
        assert len(names) > 20, part
        whole, parts = (torch.cat([found[devices][name].flatten() for name in names]) for devices in (1, 2))
        assert whole.dtype == torch.float64
        assert float((whole - parts).norm() / whole.norm()) <= 1e-8, part
