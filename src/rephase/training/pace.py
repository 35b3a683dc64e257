"""How fast a run went: hours of audio an hour, and how much of its time it waited for data."""

import json
import logging
import time
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

logger = logging.getLogger(__name__)


class Pace(Callback):
    """Tells the pace of this start at its end, and writes it to pace.json.

    Waiting is the time between the end of a step and the start of the next one, in which a batch comes and is moved to
    the device; that of the first step, in which processes start, is left out. Stand as the last of all callbacks: what
    the others do after a step is then no waiting.

    Args:
        run: folder of the run.
    """

    def __init__(self, run: Path) -> None:
        self.target, self.waited = run / "pace.json", 0.0
        self._since: float | None = None
        self._first, self._spent = 0, 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Notes where the run begins."""
        self._first, self._spent = pl_module.step, pl_module.spent

    def on_train_batch_start(self, trainer: lightning.Trainer, pl_module: Any, *args: Any) -> None:
        """A batch is there."""
        if self._since is not None:
            self.waited += time.monotonic() - self._since
            self._since = None

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, *args: Any) -> None:
        """The next one is waited for."""
        self._since = time.monotonic()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Validation is no waiting."""
        self._since = None

    def on_train_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Tells and writes the pace."""
        batch, steps, seconds = pl_module.experiment.batch, pl_module.step - self._first, pl_module.spent - self._spent
        if not steps or not trainer.is_global_zero:
            return
        hours = steps * batch.items * batch.seconds * trainer.world_size / 3600
        pace = {
            "steps": steps,
            "minutes": round(seconds / 60, 3),
            "audio_hours": round(hours, 4),
            "audio_hours_an_hour": round(hours / (seconds / 3600), 2),
            "waiting_share": round(self.waited / seconds, 4),
        }
        part = self.target.with_suffix(".part")
        part.write_text(json.dumps(pace, indent=2) + "\n")
        part.replace(self.target)
        logger.info(
            "%d steps in %.1f min: %.1f h of audio an hour; %.1f %% of the time waited for data",
            steps, seconds / 60, pace["audio_hours_an_hour"], 100 * pace["waiting_share"],
        )  # fmt: skip
