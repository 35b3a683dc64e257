"""An instalment of a run: it ends after so many minutes of this start, with a checkpoint, and goes on with --resume."""

import logging
import time
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from rephase.errors import RephaseError

logger = logging.getLogger(__name__)


class StopAfter(Callback):
    """Ends the steps of this start after some time; the learning rate goes on following the budget of the whole run.

    Args:
        minutes: by the clock, validations included, from when this is made; the step that is under way is finished,
            and the last validation comes after it.

    Raises:
        RephaseError: If there is no time at all.
    """

    def __init__(self, minutes: float) -> None:
        if not minutes > 0:
            raise RephaseError(f"stop_after must be more than 0 minutes; got {minutes:g}. Try --stop-after 25.")
        self.minutes = minutes
        self._ends = time.monotonic() + 60 * minutes

    def on_train_batch_start(self, trainer: lightning.Trainer, pl_module: Any, *args: Any) -> None:
        """Says that no more steps shall be taken; on all devices at the same one."""
        over = trainer.strategy.reduce_boolean_decision(time.monotonic() >= self._ends, all=False)
        if over and not trainer.should_stop:
            logger.info("stopped after %.3g minutes, at step %d; go on with --resume", self.minutes, pl_module.step)
            trainer.should_stop = True
