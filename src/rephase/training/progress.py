"""One line that tells how far a run is, what its losses are, and how fast it goes."""

import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from tqdm import tqdm

SHOWN = 4  # terms of the loss


class Progress(Callback):
    """A live bar on stderr: the share of the budget that is spent, losses, steps a second, hours of audio an hour."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._since, self._from_step = 0.0, 0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Draws the bar."""
        form = "{desc} {percentage:3.0f}%|{bar}| {postfix}"
        self._bar = tqdm(total=100, bar_format=form, desc="training", disable=not trainer.is_global_zero)
        self._since, self._from_step = time.monotonic(), pl_module.step

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, *args: Any) -> None:
        """Moves it."""
        if self._bar is None:
            return
        experiment = pl_module.experiment
        pace = (pl_module.step - self._from_step) / max(time.monotonic() - self._since, 1e-9)
        hours = pace * experiment.batch.items * experiment.batch.seconds * trainer.world_size
        terms = {name: float(value) for name, value in trainer.callback_metrics.items() if not name.startswith("valid")}
        shown = [name for name in terms if name not in ("minutes", "loss")][:SHOWN]
        losses = "  ".join(f"{name} {terms[name]:.3g}" for name in ["loss", *shown] if name in terms)
        self._bar.n = 100 * pl_module.share_spent()
        self._bar.set_postfix_str(
            f"step {pl_module.step}  {losses}  {pace:.2f} steps/s  {hours:.1f} h audio an hour", refresh=False
        )
        self._bar.refresh()

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Writes what the validation gave above the bar."""
        scores = {name: float(v) for name, v in trainer.callback_metrics.items() if name.startswith("valid_")}
        if self._bar is not None and trainer.is_global_zero:
            told = "  ".join(f"{name.removeprefix('valid_')} {value:.3f}" for name, value in scores.items())
            tqdm.write(f"step {pl_module.step}: {told}", file=self._bar.fp)
        self._since, self._from_step = time.monotonic(), pl_module.step

    def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Closes it."""
        if self._bar is not None:
            self._bar.close()
