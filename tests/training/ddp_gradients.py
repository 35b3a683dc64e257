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
    """Of the network, and then of each opponent, in the first step."""

    def __init__(self, target: Path) -> None:
        self.target, self.found = target, dict[str, torch.Tensor]()

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        own = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        for name, parameter in pl_module.named_parameters():
            if id(parameter) in own and parameter.grad is not None:
                self.found.setdefault(name, parameter.grad.clone())
        if trainer.is_global_zero:
            torch.save(self.found, self.target)


if __name__ == "__main__":
    torch.set_num_threads(1)
    experiment, pairs = read_experiment(Path(sys.argv[1])), FixedPairs(Path(sys.argv[2]))
    folder, devices = Path(sys.argv[3]), int(sys.argv[4])
    sources = Sources(pairs, ValidationBatches({}, 0), ())
    fit(experiment, folder, sources, devices=devices, callbacks=(SaveGradients(folder / "gradients.pt"),))
