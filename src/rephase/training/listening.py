"""What a run lets its maker hear and see: some fixed validation items in TensorBoard, after each validation."""

from typing import Any

import lightning
import numpy as np
import torch
from jaxtyping import Float
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.figure import Figure

from rephase.reporting.plots import styled
from rephase.signal.stft import stft

RANGE_DB = 70.0
QUIET_DB = 50.0  # below the loudest bin: no phase is shown


class Listening(Callback):
    """Writes audio, spectrograms and phase errors of the first items of each kind of validation pairs.

    Args:
        items: of each kind; 0: none.
    """

    def __init__(self, items: int) -> None:
        self.items, self._heard = items, set[str]()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Begins anew with every kind."""
        self._heard.clear()

    def on_validation_batch_end(
        self, trainer: lightning.Trainer, pl_module: Any, outputs: Any, batch: Any, *args: Any
    ) -> None:
        """Writes the items of the first batch of a kind."""
        board = next((log.experiment for log in trainer.loggers if isinstance(log, TensorBoardLogger)), None)
        kind, degraded, clean = batch
        if board is None or not self.items or kind in self._heard or not trainer.is_global_zero:
            return
        self._heard.add(kind)
        given = clean if pl_module.task.phase_only else degraded
        with torch.no_grad():
            enhanced = pl_module.averaged.module(given[: self.items]).float().cpu()
        step, rate = pl_module.step, pl_module.network_config.sample_rate
        for number, (before, ours, theirs) in enumerate(zip(degraded.cpu(), enhanced, clean.cpu())):
            name = f"{kind}/{number}"
            board.add_audio(f"{name}/enhanced", ours, step, rate)
            board.add_figure(f"{name}/spectra", picture(before, ours, theirs, rate), step)
            if step <= pl_module.experiment.validation.every:
                board.add_audio(f"{name}/degraded", before, step, rate)
                board.add_audio(f"{name}/clean", theirs, step, rate)


def picture(
    degraded: Float[torch.Tensor, " time"],
    enhanced: Float[torch.Tensor, " time"],
    clean: Float[torch.Tensor, " time"],
    sample_rate: int,
) -> Figure:
    """Three spectrograms above each other, and the error of the enhanced phase where speech is loud.

    Args:
        degraded: what came in.
        enhanced: what came out.
        clean: what was wanted.
        sample_rate: Hz.
    """
    spectra = stft(torch.stack([degraded, enhanced, clean])).numpy()
    levels = 20 * np.log10(np.abs(spectra) + 1e-7)
    top = float(levels.max())
    error = np.abs(np.degrees(np.angle(spectra[1] * spectra[2].conj())))
    error = np.where(levels[2] > levels[2].max() - QUIET_DB, error, np.nan)
    extent = (0.0, len(clean) / sample_rate, 0.0, sample_rate / 2000)
    figure = styled(7.0, 7.6)
    plots = figure.subplots(4, 1, sharex=True)
    for plot, level, title in zip(plots, levels, ("degraded", "enhanced", "clean")):
        plot.imshow(level, origin="lower", aspect="auto", extent=extent, vmin=top - RANGE_DB, vmax=top, cmap="magma")
        plot.set_title(title, loc="left")
    image = plots[3].imshow(error, origin="lower", aspect="auto", extent=extent, vmin=0, vmax=180, cmap="viridis")
    plots[3].set_title("error of the phase (degrees)", loc="left")
    plots[3].set_xlabel("s")
    figure.colorbar(image, ax=plots[3])
    for plot in plots:
        plot.set_ylabel("kHz")
        plot.grid(False)
    return figure
