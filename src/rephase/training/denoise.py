"""The trainer of renet-lite for denoising, from packed audio to a model folder: one file, to be read from top to bottom.

    python -m rephase.training.denoise --data FOLDER --run runs/lite --minutes 60

FOLDER holds `speech.csv` and `noise.csv` with the columns path, split (train, valid) and source. Each step draws crops
of speech and noise, degrades them in torch and takes one AdamW step; the learning rate follows the clock, so that a run
of any length ends annealed. The run goes on from its last checkpoint when it is started again.
"""

import argparse
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset

from rephase.data.corpus import PackedCorpus, pack
from rephase.degradations.equaliser import equalise, random_gains_db
from rephase.degradations.noise import active_power, add_noise
from rephase.degradations.rooms import convolve, direct_path, simulate_bank
from rephase.losses.compressed_spectrum import compressed_spectrum_loss
from rephase.losses.si_sdr import si_sdr_loss
from rephase.metrics import estoi, pesq_wb, si_sdr_db
from rephase.models.config import RENET_LITE, RENetLiteConfig
from rephase.models.renet_lite import RENetLite
from rephase.signal.real_pair import from_pair, to_pair
from rephase.signal.stft import istft, stft

logger = logging.getLogger(__name__)
LEVEL_DB = -26.0


@dataclass(frozen=True)
class Recipe:
    """What a run does; every number that matters to its outcome.

    Attributes:
        minutes: of training in all, over all starts of the run.
        batch: items a step.
        seconds: length of an item.
        learning_rate: highest, after the warm-up; it falls to 1 % of it with a cosine of the time spent.
        warmup_steps: of linear warm-up.
        ema: decay of the averaged weights, reached gradually.
        clip: largest norm of the gradient.
        bfloat16: whether the network's matrix products run in bfloat16; STFT and losses never do.
        snr_db: range of the signal-to-noise ratio.
        level_db: largest deviation of the input's RMS from −26 dBFS.
        equaliser_db: largest gain of each shelf and peak.
        p_equaliser, p_room, p_second_noise, p_clean: how likely each is for an item.
        source_weights: how often speech of a source is drawn, others 1; sources of hardly coded speech weigh more.
        validate_every: steps between validations.
        seed: of everything drawn.
    """

    minutes: float = 60.0
    batch: int = 8
    seconds: float = 2.0
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    ema: float = 0.998
    clip: float = 1.0
    bfloat16: bool = False
    snr_db: tuple[float, float] = (-5.0, 25.0)
    level_db: float = 8.0
    equaliser_db: float = 9.0
    p_equaliser: float = 0.7
    p_room: float = 0.2
    p_second_noise: float = 0.3
    p_clean: float = 0.03
    source_weights: tuple[tuple[str, float], ...] = (("librispeech", 6.0), ("speechocean762", 3.0))
    validate_every: int = 400
    seed: int = 1


class Degrader:
    """Draws crops and makes pairs of (degraded, clean) waveforms, each pair at one random level."""

    def __init__(self, speech: PackedCorpus, noise: PackedCorpus, rooms: Tensor, recipe: Recipe) -> None:
        self.speech, self.noise, self.rooms, self.recipe = speech, noise, rooms, recipe
        weights = dict(recipe.source_weights)
        self.speech_weights = np.array([weights.get(source, 1.0) for source in speech.sources]) * speech.lengths()
        self.noise_weights = np.minimum(noise.lengths(), 30 * noise.sample_rate).astype(float)

    def _speech(self, random: np.random.Generator, length: int) -> np.ndarray:
        index = random.choice(len(self.speech), p=self.speech_weights / self.speech_weights.sum())
        return self.speech.crop(
            int(random.integers(self.speech.offsets[index], self.speech.offsets[index + 1])), length
        )

    def _noise(self, random: np.random.Generator, length: int) -> np.ndarray:
        index = random.choice(len(self.noise), p=self.noise_weights / self.noise_weights.sum())
        return self.noise.tiled(index, int(random.integers(self.noise.lengths()[index])), length)

    def batch(self, seed: tuple[int, ...], items: int, seconds: float) -> tuple[Tensor, Tensor]:
        """`items` pairs of `seconds`, the same for the same seed."""
        recipe, random = self.recipe, np.random.default_rng(seed)
        torch_random = torch.Generator().manual_seed(int(random.integers(2**62)))
        length = int(seconds * self.speech.sample_rate)

        def chance(probability: float) -> Tensor:
            return torch.rand(items, 1, generator=torch_random) < probability

        def between(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(items, generator=torch_random)

        speech = torch.from_numpy(np.stack([self._speech(random, length) for _ in range(items)]))
        noise = torch.from_numpy(np.stack([self._noise(random, length) for _ in range(items)]))
        second = torch.from_numpy(np.stack([self._noise(random, length) for _ in range(items)]))
        noise = noise + second * chance(recipe.p_second_noise) * 10 ** (between(-15, 5).unsqueeze(-1) / 20)
        freqs = torch.fft.rfftfreq(length, 1 / self.speech.sample_rate)
        for_speech = random_gains_db(items, freqs, recipe.equaliser_db, torch_random) * chance(recipe.p_equaliser)
        for_noise = random_gains_db(items, freqs, recipe.equaliser_db, torch_random) * chance(recipe.p_equaliser)
        speech, noise = equalise(speech, for_speech), equalise(noise, for_noise)
        responses = self.rooms[torch.randint(len(self.rooms), (items,), generator=torch_random)]
        in_room = chance(recipe.p_room)
        clean = torch.where(in_room, convolve(speech, direct_path(responses)), speech)
        reverberant = torch.where(in_room, convolve(speech, responses), speech)
        snr_db = torch.where(chance(recipe.p_clean)[:, 0], 60.0, between(*recipe.snr_db))
        degraded = add_noise(reverberant, noise, snr_db)
        level_db = LEVEL_DB + between(-recipe.level_db, recipe.level_db)
        gain = (10 ** (level_db / 20) / active_power(degraded).sqrt()).unsqueeze(-1)
        return gain * degraded, gain * clean


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless training batches; batch n depends on the seed and n alone, so a run can go on anywhere."""

    def __init__(self, degrader: Degrader, first: int) -> None:
        super().__init__()
        self.degrader, self.first = degrader, first

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        recipe, number = self.degrader.recipe, self.first
        while True:
            yield self.degrader.batch((recipe.seed, number), recipe.batch, recipe.seconds)
            number += 1


class DenoiseModule(lightning.LightningModule):
    """renet-lite, its loss, its averaged copy, and a learning rate that follows the clock."""

    def __init__(self, config: RENetLiteConfig, recipe: Recipe, run: Path, *, compile_network: bool) -> None:
        super().__init__()
        self.config, self.recipe, self.run = config, recipe, run
        self.network = RENetLite(config)
        self.averaged = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema))
        self.averaged.requires_grad_(False)
        self._forward_pair = torch.compile(self.network.forward_pair) if compile_network else self.network.forward_pair
        self.spent, self._clock, self._best = 0.0, time.monotonic(), -math.inf

    def on_train_start(self) -> None:
        self._clock = time.monotonic()

    @property
    def progress_of_budget(self) -> float:
        """Share of the minutes that are spent, 0 … 1."""
        return min(1.0, self.spent / (60 * self.recipe.minutes))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        now = time.monotonic()
        self.spent, self._clock = self.spent + now - self._clock, now
        warmup = min(1.0, (self.global_step + 1) / self.recipe.warmup_steps)
        cosine = 0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * self.progress_of_budget))
        for group in self.optimizers().param_groups:
            group["lr"] = self.recipe.learning_rate * warmup * cosine
        if self.progress_of_budget >= 1:
            self.trainer.should_stop = True
            return -1
        return None

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        degraded, clean = batch
        lengths = {name: getattr(self.config, name) for name in ("n_fft", "hop_length", "win_length")}
        spectrum = to_pair(stft(degraded, window="sqrt_hann", **lengths)).transpose(-1, -2).contiguous()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bfloat16):
            pair = self._forward_pair(spectrum)
        enhanced = from_pair(pair.float().transpose(-1, -2))
        estimate = istft(enhanced, length=degraded.shape[-1], window="sqrt_hann", **lengths)
        spectral = compressed_spectrum_loss(estimate=estimate, reference=clean)
        loss = spectral + 0.02 * si_sdr_loss(estimate=estimate, reference=clean)
        self.log_dict({"loss": loss, "spectral": spectral, "minutes": self.spent / 60})
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.averaged.update_parameters(self.network)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            self.network.parameters(), self.recipe.learning_rate, betas=(0.9, 0.99), weight_decay=0.01
        )

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Scores the averaged weights on fixed pairs of the validation split."""
        degraded, clean = batch
        estimate = self.averaged.module(degraded)
        scores: dict[str, list[float]] = {"pesq_wb": [], "estoi": [], "si_sdr_db": []}
        for ours, theirs in zip(estimate.numpy(), clean.numpy()):
            pair = {"reference": theirs, "estimate": ours, "sample_rate": self.config.sample_rate}
            for metric in (pesq_wb, estoi, si_sdr_db):
                scores[metric.__name__].append(metric(**pair))
        means = {f"valid_{name}": float(np.mean(values)) for name, values in scores.items()}
        means["valid_loss"] = float(compressed_spectrum_loss(estimate=estimate, reference=clean))
        self.log_dict(means, batch_size=len(clean))

    def on_validation_end(self) -> None:
        values = {name: float(value) for name, value in self.trainer.callback_metrics.items()}
        logger.info(
            "step %d, %.1f min: %s", self.global_step, self.spent / 60, {k: round(v, 4) for k, v in values.items()}
        )
        if self.global_step and values["valid_pesq_wb"] > self._best:
            self._best = values["valid_pesq_wb"]
            save_file(self.averaged.module.state_dict(), self.run / "best.safetensors")
        save_file(self.averaged.module.state_dict(), self.run / "last.safetensors")
        self._clock = time.monotonic()  # validation is not training: its time is not spent

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["budget"] = {"spent": self.spent, "best": self._best}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.spent, self._best = checkpoint["budget"]["spent"], checkpoint["budget"]["best"]


def train(data: Path, run: Path, recipe: Recipe, config: RENetLiteConfig, *, compile_network: bool) -> None:
    """Trains until the recipe's minutes are spent; `run` then holds best.safetensors, last.safetensors and metrics.csv."""
    run.mkdir(parents=True, exist_ok=True)
    cache = run.parent / "cache"
    corpora = {
        f"{name}-{split}": pack(data / f"{name}.csv", split, cache / f"{name}-{split}.npy")
        for name in ("speech", "noise")
        for split in ("train", "valid")
    }
    rooms = simulate_bank(cache / "rooms.npy", rooms=150)
    lightning.seed_everything(recipe.seed)
    module = DenoiseModule(config, recipe, run, compile_network=compile_network)
    checkpoint = run / "checkpoints" / "last.ckpt"
    first = torch.load(checkpoint, weights_only=False)["global_step"] if checkpoint.exists() else 0
    training = Degrader(corpora["speech-train"], corpora["noise-train"], rooms, recipe)
    quiet = Recipe(snr_db=(-5.0, 15.0), level_db=0, p_equaliser=0, p_room=0, p_clean=0, p_second_noise=0)
    validation = Degrader(corpora["speech-valid"], corpora["noise-valid"], rooms, quiet)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=-1,
        gradient_clip_val=recipe.clip,
        val_check_interval=recipe.validate_every,
        log_every_n_steps=20,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=CSVLogger(run, name="", version=""),
        callbacks=[ModelCheckpoint(run / "checkpoints", every_n_train_steps=100, save_last=True, save_top_k=0)],
    )
    logger.info("recipe %s", asdict(recipe))
    logger.info("network %s", config.to_dict())
    trainer.fit(
        module,
        DataLoader(Batches(training, first), batch_size=None, num_workers=1, prefetch_factor=4),
        DataLoader([validation.batch((0, number), 8, 4.0) for number in range(4)], batch_size=None),
        ckpt_path=checkpoint if checkpoint.exists() else None,
        weights_only=False,
    )
    trainer.validate(
        module, DataLoader([validation.batch((0, n), 8, 4.0) for n in range(4)], batch_size=None), verbose=False
    )


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with speech.csv and noise.csv")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints, weights and metrics.csv")
    parser.add_argument("--minutes", type=float, default=60.0, help="of training in all")
    parser.add_argument("--compile", action="store_true", help="compile the network: minutes to start, faster steps")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_flush_denormal(True)
    recipe = Recipe(minutes=options.minutes)
    train(options.data, options.run, recipe, RENET_LITE, compile_network=options.compile)


if __name__ == "__main__":
    main()
