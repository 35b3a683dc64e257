"""Saves the gradients of one step: python ddp_gradients.py EXPERIMENT.yaml BATCH.pt FOLDER DEVICES."""

import sys
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback

from rephase.training.batches import ValidationBatches
from rephase.training.engine import fit
from rephase.training.experiment_file import read_experiment
from rephase.training.sources import Sources


class FixedPairs:
    """The same items for all: the batch of rank r, of n, holds the r-th of n parts of them."""

    def __init__(self, path: Path) -> None:
        self.degraded, self.clean = torch.load(path, weights_only=True)

    def batch(self, seed: tuple[int, ...], items: int, seconds: float) -> tuple[torch.Tensor, torch.Tensor]:
        rank = seed[1]
        return tuple(side[rank * items : (rank + 1) * items] for side in (self.degraded, self.clean))  # type: ignore[return-value]


class SaveGradients(Callback):
    def __init__(self, target: Path) -> None:
        self.target = target

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if trainer.is_global_zero and optimizer is trainer.optimizers[0] and not self.target.exists():
            found = {n: p.grad.clone() for n, p in pl_module.network.named_parameters() if p.grad is not None}
            torch.save(found, self.target)


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment, pairs = read_experiment(Path(sys.argv[1])), FixedPairs(Path(sys.argv[2]))
    folder, devices = Path(sys.argv[3]), int(sys.argv[4])
    sources = Sources(pairs, ValidationBatches({}, 0), ())
    fit(experiment, folder, sources, devices=devices, callbacks=(SaveGradients(folder / "gradients.pt"),))
