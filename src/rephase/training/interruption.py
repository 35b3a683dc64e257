"""Ctrl-C and SIGTERM: the step that is under way is finished and saved, so that nothing is lost."""

import signal
import threading
from types import FrameType
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback


class Interruption(Callback):
    """Ends a run after the step in which a signal came; a second signal ends it at once.

    Attributes:
        number: of the signal that came; None: none did.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Listens from now on; signals reach the main thread alone."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_batch_start(self, trainer: lightning.Trainer, pl_module: Any, *args: Any) -> None:
        """Says that no more steps shall be taken; on all devices at the same one."""
        if trainer.strategy.reduce_boolean_decision(self.number is not None, all=False):
            self.number = self.number or signal.SIGTERM  # another device's
            trainer.should_stop = True

    def teardown(self, trainer: lightning.Trainer, pl_module: Any, stage: str) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        for each, handler in self._before.items():  # a second one is not waited for
            signal.signal(each, handler)
