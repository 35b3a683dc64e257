"""Checkpoints of a run: written whole or not at all, every so many steps."""

import pickle
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from rephase.errors import RephaseError

OPPONENTS = "opponents."  # how the names of their weights begin
# What torch.load raises for a file that is none of its own, depending on where that shows.
UNREADABLE = (
    OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, EOFError, pickle.UnpicklingError,
)  # fmt: skip


def checkpoint_of(run: Path) -> Path:
    """Where a run's checkpoint stands."""
    return run / "checkpoints" / "last.ckpt"


class Checkpoints(Callback):
    """Saves the last state of a run.

    Args:
        run: folder of the run.
        every: steps between two.
    """

    def __init__(self, run: Path, every: int) -> None:
        self.target, self.every = checkpoint_of(run), every

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves where it is time, after all that the step changed; where it will be validated, after that.

        Lightning validates by the number of the batch, which begins anew where a start of the run has ended in order.
        """
        if pl_module.step % self.every == 0 and (batch_idx + 1) % pl_module.experiment.validation.every:
            self.save(trainer, self.target)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Saves what was validated: a run that goes on from it has seen the same scores."""
        if trainer.state.fn == "fit":
            self.save(trainer, self.target)

    @staticmethod
    def save(trainer: lightning.Trainer, target: Path) -> None:
        """Writes the checkpoint; one that stands there is replaced as a whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        trainer.save_checkpoint(part)
        if trainer.is_global_zero:
            part.replace(target)


def state_of(checkpoint: Path, module: torch.nn.Module) -> dict[str, Any]:
    """What a checkpoint holds, once its weights are known to be those of the network; opponents may differ.

    Args:
        checkpoint: path of the file.
        module: that shall take it up.

    Raises:
        RephaseError: If it can't be read, or is of another network.
    """
    try:
        state: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        theirs = _sizes(state["state_dict"])
    except UNREADABLE as error:
        reason = str(error).partition("\n")[0]
        raise RephaseError(f"can't read the checkpoint ({reason}); {checkpoint}; begin a new run") from error
    known = state.get("budget", {}).keys() >= {"step", "spent", "best", "starts"} and "opponents" in state
    if theirs != _sizes(module.state_dict()) or not known or "experiment" not in state["budget"]["starts"][-1]:
        raise RephaseError(
            f"the checkpoint is of another network than this one; {checkpoint}; "
            "name another run, or take the experiment and the version of rephase that wrote it"
        )
    return state


def _sizes(state: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items() if not name.startswith(OPPONENTS)}
