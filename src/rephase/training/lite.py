"""The trainer of renet-lite, from recordings to a model folder: one file, to be read from top to bottom.

    python -m rephase.training.lite --data FOLDER --run runs/lite --minutes 60

FOLDER holds `speech.csv` and `noise.csv` with the columns path, split (train, valid) and source. Each step draws crops
of speech and noise, degrades them in torch (`pairs`) and takes one step of Muon and AdamW; the learning rate follows
the clock (`recipe`), so that a run of any length ends annealed. The run goes on from its last checkpoint when it is
started again, and ends with `RUN/model`, which `rephase enhance --model RUN/model` takes.
"""

import argparse
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from pytorch_optimizer import Muon
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from rephase.data.corpus import pack
from rephase.degradations.rooms import simulate_bank
from rephase.errors import RephaseError
from rephase.losses.compressed_spectrum import compressed_spectrum_loss
from rephase.losses.log_spectral import log_spectral_loss
from rephase.losses.loudness import loudness_loss
from rephase.losses.si_sdr import si_sdr_loss
from rephase.metrics import MetricError, estoi, lsd, pesq_wb, si_sdr_db
from rephase.models.presets import RENET_LITE
from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.runtimes.torch import load_network
from rephase.training.pairs import Batches, Degrader, ValidationBatches
from rephase.training.recipe import Recipe
from rephase.training.result import plain, save_weights, training_facts, weight_facts, write_model
from rephase.weights.registry import ModelFolder, find_model

logger = logging.getLogger(__name__)
WEIGHT_DECAY = 0.01
QUIET = 1e-6  # power below which the log-spectral distance asks for little: recordings have a floor of their own
EDGE_LAYERS = ("stem", "magnitude_out", "phase_out")


class DivergedError(RephaseError):
    """The training has left the numbers; what it has learned since the last checkpoint is lost."""


class LiteModule(lightning.LightningModule):
    """renet-lite, its loss, its averaged copy, and a learning rate that follows the clock.

    Args:
        config: of the network.
        recipe: what the run does.
        run: folder for weights.
        compile_network: whether torch compiles the network: minutes to start, then faster steps.
    """

    def __init__(self, config: RENetLiteConfig, recipe: Recipe, run: Path, *, compile_network: bool) -> None:
        super().__init__()
        self.config, self.recipe, self.run = config, recipe, run
        self.network = RENetLite(config)
        self.averaged = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema))
        self.averaged.requires_grad_(False)
        self._forward_pair = torch.compile(self.network.forward_pair) if compile_network else self.network.forward_pair
        self.spent, self._clock, self._best = 0.0, time.monotonic(), -math.inf
        self.starts: list[dict[str, Any]] = []

    def begin_with(self, model: ModelFolder) -> None:
        """Takes the weights of a model over.

        Raises:
            RephaseError: If it is another network than this one, or its weights are missing or damaged.
        """
        network = load_network(model)
        if network.config != self.config:
            raise RephaseError(
                f"begin must be a model of the network that is trained; {model.path} is another one; "
                "name one with the same `network` in its config.json"
            )
        self.network.load_state_dict(network.state_dict())
        self.network.makeup.fill_(1.0)  # it is measured anew when the training is done

    # ------------------------------------------------------------ a step
    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Muon for the weights between hidden features, AdamW for all others; the rates are set before each step.

        Muon (Jordan et al., 2024) makes the momentum of a matrix orthogonal, so that all its directions learn at one
        pace; of a complex weight each part by itself. Gains, biases, and the weights of the first and last layers are
        AdamW's, as its authors advise.
        """
        matrices, others = split_parameters(self.network)
        return Muon(
            [
                {"params": matrices, "use_muon": True, "use_adjusted_lr": True},
                {"params": others, "use_muon": False, "betas": (0.9, 0.99)},
            ],
            weight_decay=WEIGHT_DECAY,
            adamw_wd=WEIGHT_DECAY,
        )

    def on_train_start(self) -> None:
        """Starts the clock."""
        self._clock = time.monotonic()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """Sets the learning rate, or ends the run where its budget is spent."""
        self._charge()
        spent = self.recipe.spent(self.spent, self.global_step)
        rate = self.recipe.learning_rate_at(self.global_step, spent)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate * (self.recipe.matrix_rate if group["use_muon"] else 1.0)
        if spent >= 1:
            self.trainer.should_stop = True
            return -1
        return None

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> Tensor:
        """The loss of one batch of (degraded, clean) waveforms."""
        degraded, clean = batch
        transforms = self.network.transforms
        enhanced = self._forward_pair(transforms.stft(degraded).contiguous())
        estimate = transforms.istft(enhanced, length=degraded.shape[-1])
        spectral = compressed_spectrum_loss(estimate=estimate, reference=clean)
        loudness = loudness_loss(estimate=estimate, reference=clean)
        si_sdr = si_sdr_loss(estimate=estimate, reference=clean)
        distance = log_spectral_loss(estimate=estimate, reference=clean, floor=QUIET)
        loss = (
            spectral
            + self.recipe.loudness_weight * loudness
            + self.recipe.si_sdr_weight * si_sdr
            + self.recipe.log_spectral_weight * distance
        )
        if self.global_step % self.recipe.log_every == 0 and not torch.isfinite(loss):
            raise self._diverged(f"the loss is {loss.item()}")
        terms = {"spectral": spectral, "loudness": loudness, "log_spectral": distance}
        self.log_dict({"loss": loss, **terms, "minutes": self.spent / 60})
        return loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        """Takes the step and averages: before any callback saves a checkpoint, which otherwise would lack it."""
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.network)

    def _charge(self) -> None:
        """Adds the time since the last call to what is spent."""
        now = time.monotonic()
        self.spent, self._clock = self.spent + now - self._clock, now

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"training diverged: {what}; {self.run}, step {self.global_step}; its checkpoint is from before: "
            f"start again with a learning rate below {self.recipe.learning_rate}, or look for faulty recordings"
        )

    # ------------------------------------------------------------ validation
    def on_validation_start(self) -> None:
        """Stops the clock: validation is not training."""
        self._charge()

    def validation_step(self, batch: Sequence[Any], batch_idx: int) -> None:
        """Scores the averaged weights on one batch of `ValidationBatches`: the name of its task, degraded, clean."""
        task, degraded, clean = batch
        estimate = self.averaged.module(degraded)
        metrics = (pesq_wb, estoi, si_sdr_db, lsd)
        scores: dict[str, list[float]] = {metric.__name__: [] for metric in metrics}
        for ours, theirs in zip(estimate.numpy(), clean.numpy()):
            pair = {"reference": theirs, "estimate": ours, "sample_rate": self.config.sample_rate}
            for metric in metrics:
                scores[metric.__name__].append(_score(metric, pair))
        means = {f"valid_{task}_{name}": float(np.mean(values)) for name, values in scores.items()}
        # ESTOI, over all tasks alike, is what weights are chosen by: PESQ takes a band that is filled for a fault.
        self.log_dict({**means, "valid_estoi": means[f"valid_{task}_estoi"]}, batch_size=len(clean))

    def on_validation_end(self) -> None:
        """Keeps the averaged weights, and once more if they are the best so far by ESTOI."""
        values = {key: float(value) for key, value in self.trainer.callback_metrics.items() if key.startswith("valid_")}
        rounded = {name: round(value, 4) for name, value in values.items() if not math.isnan(value)}
        logger.info("step %d, %.1f min: %s", self.global_step, self.spent / 60, rounded)
        facts = {"step": self.global_step, **rounded}
        if self.global_step and values["valid_estoi"] > self._best:
            self._best = values["valid_estoi"]
            save_weights(self.averaged.module, facts, self.run / "best.safetensors")
        save_weights(self.averaged.module, facts, self.run / "last.safetensors")
        self._clock = time.monotonic()

    # ------------------------------------------------------------ checkpoints
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what the run has spent and reached; refuses weights that no run could go on from."""
        if not all(torch.isfinite(weight).all() for weight in self.network.parameters()):
            raise self._diverged("weights are NaN or infinite")
        self._charge()
        checkpoint["budget"] = {"spent": self.spent, "best": self._best, "starts": self.starts}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes it up again; the best weights may be younger than the checkpoint."""
        self.spent, self._best = checkpoint["budget"]["spent"], checkpoint["budget"]["best"]
        self._best = max(self._best, weight_facts(self.run / "best.safetensors").get("valid_estoi", -math.inf))


def split_parameters(network: RENetLite) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The weights of hidden layers, which are matrices from features to features, and all other parameters."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        path = name.split(".")
        hidden = path[-1].startswith("weight") and path[0] not in EDGE_LAYERS
        (matrices if hidden else others).append(parameter)
    return matrices, others


def train(
    data: Path,
    run: Path,
    recipe: Recipe,
    config: RENetLiteConfig = RENET_LITE,
    *,
    begin: ModelFolder | None = None,
    compile_network: bool = False,
) -> ModelFolder:
    """Trains until the recipe's budget is spent, from the last checkpoint of `run` where it has one.

    Args:
        data: folder with `speech.csv` and `noise.csv`.
        run: folder for checkpoints, weights (best.safetensors, last.safetensors), metrics.csv and the model folder
            `model`. Decoded audio and simulated rooms go into the folder `cache` beside it, which runs share.
        recipe: what the run does.
        config: of the network.
        begin: a model whose weights the run begins with, where it has no checkpoint yet; else random ones.
        compile_network: whether torch compiles the network: minutes to start, then faster steps.

    Returns:
        The model folder, with the averaged weights that were best on the validation split.

    Raises:
        RephaseError: If recordings are missing or can't be read, or the training diverges.
    """
    training, validation = prepare(data, run.parent / "cache", recipe)
    module = fit(run, training, validation, config, begin=begin, compile_network=compile_network)
    facts = training_facts(
        recipe,
        [training.speech, training.noise],
        steps=module.trainer.global_step,
        minutes=module.spent / 60,
        starts=module.starts,
    )
    _, degraded, clean = validation[0]
    model = write_model(run, config, facts, speech=[waveform.numpy() for waveform in degraded[:2]], clean=clean)
    logger.info("wrote %s: %s", model.path, model.training["chosen"])
    return model


def prepare(data: Path, cache: Path, recipe: Recipe) -> tuple[Degrader, ValidationBatches]:
    """What training pairs are drawn from, and the fixed pairs of the validation split.

    Args:
        data: folder with `speech.csv` and `noise.csv`.
        cache: folder for decoded audio and simulated rooms; what is there is not made again.
        recipe: of the training pairs.

    Raises:
        RephaseError: If recordings are missing or can't be read.
    """
    corpora = {
        f"{name}-{split}": pack(data / f"{name}.csv", split, cache / f"{name}-{split}.npy")
        for name in ("speech", "noise")
        for split in ("train", "valid")
    }
    rooms = simulate_bank(cache / f"rooms-{recipe.rooms}.npy", rooms=recipe.rooms)
    unheard = 3 * -(-recipe.rooms // 10)  # a tenth of the rooms, three responses each
    validation = ValidationBatches(
        corpora["speech-valid"], corpora["noise-valid"], rooms[-unheard:], recipe.valid_batches
    )
    return Degrader(corpora["speech-train"], corpora["noise-train"], rooms[:-unheard], recipe), validation


def fit(
    run: Path,
    training: Degrader,
    validation: ValidationBatches,
    config: RENetLiteConfig,
    *,
    begin: ModelFolder | None = None,
    compile_network: bool = False,
) -> LiteModule:
    """Trains and validates until the budget is spent, and leaves weights, checkpoint and metrics.csv in `run`.

    Args:
        run: folder; a checkpoint in it is where the training goes on. What earlier starts of the run logged stays as
            metrics-1.csv, metrics-2.csv, ...
        training: makes the training pairs, by its recipe.
        validation: pairs that the averaged weights are scored on.
        config: of the network.
        begin: a model whose weights the run begins with, where it has no checkpoint yet; else random ones.
        compile_network: whether torch compiles the network.

    Raises:
        DivergedError: If the loss or the weights leave the numbers.
    """
    run.mkdir(parents=True, exist_ok=True)
    recipe = training.recipe
    logger.info("recipe %s", asdict(recipe))
    logger.info("network %s", config.to_dict())
    lightning.seed_everything(recipe.seed)
    module = LiteModule(config, recipe, run, compile_network=compile_network)
    checkpoint = run / "checkpoints" / "last.ckpt"
    state = _state(checkpoint, module) if checkpoint.exists() else None
    first = state["global_step"] if state else 0
    start: dict[str, Any] = {"step": first, "recipe": plain(recipe)}
    if state is None and begin is not None:
        module.begin_with(begin)
        start["begun_with"] = {"model": begin.name, "version": begin.version, "training": dict(begin.training)}
    module.starts = [*(state["budget"]["starts"] if state else []), start]
    if (run / "metrics.csv").exists():  # the logger would delete it
        earlier = len(list(run.glob("metrics-*.csv")))
        (run / "metrics.csv").replace(run / f"metrics-{earlier + 1}.csv")
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=-1,
        gradient_clip_val=recipe.clip,
        val_check_interval=recipe.validate_every,
        log_every_n_steps=recipe.log_every,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=CSVLogger(run, name="", version=""),
        callbacks=[
            ModelCheckpoint(
                checkpoint.parent,
                every_n_train_steps=recipe.checkpoint_every,
                save_last=True,
                save_top_k=0,
                enable_version_counter=False,  # always last.ckpt, also where the folder was moved
            )
        ],
    )
    valid_loader = DataLoader(validation, batch_size=None)
    trainer.fit(
        module,
        DataLoader(Batches(training, first), batch_size=None, num_workers=1, prefetch_factor=4),
        valid_loader,
        ckpt_path=checkpoint if state else None,
        weights_only=True,
    )
    trainer.save_checkpoint(checkpoint)
    trainer.validate(module, valid_loader, verbose=False)
    return module


def _state(checkpoint: Path, module: LiteModule) -> dict[str, Any]:
    """What a checkpoint holds, once its weights are known to be those of the network."""
    state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
    ours = {name: value.shape for name, value in module.state_dict().items()}
    if {name: value.shape for name, value in state["state_dict"].items()} != ours:
        raise RephaseError(
            f"the checkpoint is of another network than this one; {checkpoint}; "
            "name another run, or take the version of rephase that wrote it"
        )
    return state


def _score(metric: Any, pair: dict[str, Any]) -> float:
    """The value of a metric; NaN where it has none, so that these weights are not chosen by the rest of the items."""
    try:
        return float(metric(**pair))
    except MetricError as error:
        logger.warning("a score is missing: %s", error)
        return math.nan


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with speech.csv and noise.csv")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints, weights, metrics, the model")
    parser.add_argument("--minutes", type=float, default=60.0, help="of training in all")
    parser.add_argument("--begin", metavar="MODEL", help="name or folder of a model to begin with; else random weights")
    parser.add_argument("--compile", action="store_true", help="compile the network: minutes to start, faster steps")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    for chatty in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    torch.set_flush_denormal(True)
    try:
        train(
            options.data,
            options.run,
            Recipe(minutes=options.minutes),
            begin=find_model(options.begin) if options.begin else None,
            compile_network=options.compile,
        )
    except RephaseError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
