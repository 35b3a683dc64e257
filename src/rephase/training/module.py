"""The network in training: a step, a validation, and all that a checkpoint must hold to go on as if uninterrupted."""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rephase.errors import RephaseError
from rephase.metrics import MetricError
from rephase.models.architectures import build
from rephase.models.growing import can_grow, grow
from rephase.models.renet_lite import RENetLite
from rephase.runtimes.torch import load_network
from rephase.training.checkpoints import OPPONENTS
from rephase.training.experiment import Experiment
from rephase.training.objective import loss_terms, output_of
from rephase.training.opponents import Opponents
from rephase.training.optimizers import make_optimizer
from rephase.training.result import save_weights, weight_facts
from rephase.training.schedule import learning_rate_at, share_spent
from rephase.training.tasks import LESS_IS_BETTER, measurable, task_of
from rephase.weights.registry import ModelFolder

logger = logging.getLogger(__name__)


class DivergedError(RephaseError):
    """The training has left the numbers; what it has learned since the last checkpoint is lost."""


class EnhancementModule(lightning.LightningModule):
    """A network, its losses and opponents, its averaged copy, and learning rates that follow the budget.

    Args:
        experiment: what the run does.
        run: folder for weights.
        epoch_steps: steps of an epoch, where a schedule counts them.
    """

    def __init__(self, experiment: Experiment, run: Path, *, epoch_steps: int = 1) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.experiment, self.run, self.epoch_steps = experiment, run, epoch_steps
        self.task, self.network_config = measurable(task_of(experiment)), experiment.network_config()
        self.network = build(self.network_config)
        self.averaged = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(experiment.optimizer.ema))
        self.averaged.requires_grad_(False)
        self.opponents = Opponents(experiment.adversaries, self.network_config)
        self._enhance = torch.compile(self.network.enhance) if experiment.compile else self.network.enhance
        self.step, self.spent, self._clock, self._best = 0, 0.0, time.monotonic(), -math.inf
        self.validated: int | None = None
        self.starts: list[dict[str, Any]] = []

    def begin_with(self, model: ModelFolder) -> None:
        """Takes the weights of a model over; a larger `renet-lite` takes those of a smaller one and goes on from there.

        Raises:
            RephaseError: If it is neither this network nor a smaller one, or its weights are missing or damaged.
        """
        theirs, ours = load_network(model), self.network
        if theirs.config == ours.config:
            ours.load_state_dict(theirs.state_dict())
        elif isinstance(theirs, RENetLite) and isinstance(ours, RENetLite) and can_grow(theirs.config, ours.config):
            grow(theirs, ours)
        else:
            raise RephaseError(
                f"begin must be a model of the network that is trained, or of a smaller renet-lite; {model.path} is "
                "another one; name one with the same `network` in its config.json, or with fewer channels and blocks"
            )
        if isinstance(ours, RENetLite):
            ours.makeup.fill_(1.0)  # it is measured anew when the training is done
        self.averaged.module.load_state_dict(ours.state_dict())

    # ------------------------------------------------------------ a step
    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """The network's optimizer, then one for each opponent."""
        return [make_optimizer(self.network, self.experiment.optimizer), *self.opponents.make_optimizers()]

    def on_train_start(self) -> None:
        """Starts the clock."""
        self._clock = time.monotonic()

    def share_spent(self) -> float:
        """Share of the budget that is spent, 0 … 1."""
        return share_spent(self.experiment.budget, seconds=self.spent, steps=self.step)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """Sets the learning rates, or ends the run where its budget is spent or a callback has asked for it."""
        self._charge()
        if self.trainer.world_size > 1:  # one clock for all, or they would learn at different rates and stop apart
            self.spent = float(self.trainer.strategy.broadcast(self.spent, src=0))
        # Dropout depends on the step alone, not on what else has drawn numbers since the run was started.
        place = (self.experiment.seed, self.step, self.trainer.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]))
        settings, spent = self.experiment.optimizer, self.share_spent()
        rate = learning_rate_at(settings, self.step, spent, epoch_steps=self.epoch_steps)
        main, *others = self.trainer.optimizers
        for group in main.param_groups:
            group["lr"] = rate * (settings.matrix_rate if group.get("use_muon") else 1.0)
        for optimizer in others:  # opponents slow down as the network does
            for group in optimizer.param_groups:
                group["lr"] = optimizer.defaults["lr"] * rate / settings.learning_rate
        if spent >= 1 or self.trainer.should_stop:
            self.trainer.should_stop = True
            return -1
        return None

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> None:
        """One step on a batch of (degraded, clean) waveforms: the network's, then its opponents'."""
        optimizers = self.optimizers()
        main, *others = optimizers if isinstance(optimizers, list) else [optimizers]
        pieces, losses = self.experiment.batch.pieces, self.experiment.losses
        logged: dict[str, Tensor] = {}
        outputs = []
        main.zero_grad()
        for degraded, clean in zip(*(side.chunk(pieces) for side in batch)):
            output = output_of(self.network, degraded, clean, enhance=self._enhance)
            terms = loss_terms(losses, output, self.network)
            weights = {name: float(getattr(losses, name)) for name in terms}
            with self.opponents.as_judges():
                for name, (weight, term) in self.opponents.judge(output).items():
                    terms[name], weights[name] = term, weight
                loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
                self.manual_backward(loss / pieces)
            outputs.append(output)
            for name, value in {"loss": loss, **terms}.items():
                logged[name] = logged.get(name, torch.zeros_like(value)) + value.detach() / pieces
        self._check(logged, batch)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.experiment.optimizer.clip)
        main.step()
        self.averaged.update_parameters(self.network)
        logged |= self.opponents.learn(outputs, others, step=self.step, backward=self.manual_backward)
        self.step += 1
        self.log_dict({**logged, "minutes": self.spent / 60})

    def _check(self, logged: dict[str, Tensor], batch: Sequence[Tensor]) -> None:
        """Stops a run that has left the numbers, on all devices, and keeps the batch that it happened with."""
        finite = bool(torch.isfinite(logged["loss"]))
        if self.trainer.strategy.reduce_boolean_decision(finite, all=True):
            return
        if finite:
            raise self._diverged("the loss of another device is no number")
        degraded, clean = (side.detach().cpu().contiguous() for side in batch)
        save_file({"degraded": degraded, "clean": clean}, self.run / "diverged.safetensors")
        raise self._diverged(f"the loss is {logged['loss'].item()}; its batch is in diverged.safetensors")

    def _charge(self) -> None:
        """Adds the time since the last call to what is spent."""
        now = time.monotonic()
        self.spent, self._clock = self.spent + now - self._clock, now

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"training diverged: {what}; {self.run}, step {self.step}; its checkpoint is from before: start again "
            f"with optimizer.learning_rate below {self.experiment.optimizer.learning_rate:g}, or look for faulty "
            "recordings"
        )

    # ------------------------------------------------------------ validation
    def on_validation_start(self) -> None:
        """Stops the clock: validation is not training."""
        self._charge()

    def validation_step(self, batch: Sequence[Any], batch_idx: int) -> None:
        """Scores the averaged weights on one batch: the name of its kind, degraded, clean."""
        kind, degraded, clean = batch
        given = clean if self.task.phase_only else degraded
        estimate = self.averaged.module(given).float().cpu().numpy()
        means = {}
        for metric in self.task.metrics:
            pairs = zip(estimate, clean.cpu().numpy())
            values = [self._score(metric, ours, theirs) for ours, theirs in pairs]
            means[metric.__name__] = float(np.mean(values))
        chosen = self.task.choose_by.__name__
        named = {f"valid_{kind}_{name}": value for name, value in means.items()}
        self.log_dict({**named, f"valid_{chosen}": means[chosen]}, batch_size=len(clean), sync_dist=True)

    def _score(self, metric: Any, estimate: np.ndarray, reference: np.ndarray) -> float:
        """The value of a metric; NaN where it has none, so that these weights are not chosen by the other items."""
        try:
            return float(metric(reference=reference, estimate=estimate, sample_rate=self.network_config.sample_rate))
        except MetricError as error:
            logger.warning("a score is missing: %s", error)
            return math.nan

    def on_validation_end(self) -> None:
        """Keeps the averaged weights, and once more if they are the best so far."""
        values = {key: float(value) for key, value in self.trainer.callback_metrics.items() if key.startswith("valid_")}
        known = {name: value for name, value in values.items() if not math.isnan(value)}
        rounded = {name: round(value, 4) for name, value in known.items()}
        logger.info("step %d, %.1f min: %s", self.step, self.spent / 60, rounded)
        self.validated = self.step
        if self.trainer.is_global_zero:
            facts, merit = {"step": self.step, **known, "judged_by": self._judged_by()}, self._merit(values)
            if self.step and merit > self._best:
                self._best = merit
                save_weights(self.averaged.module, facts, self.run / "best.safetensors")
            save_weights(self.averaged.module, facts, self.run / "last.safetensors")
        self._clock = time.monotonic()

    def _judged_by(self) -> str:
        """What weights are chosen by."""
        return f"{self.task.choose_by.__name__} of {', '.join(self.task.kinds)}"

    def _merit(self, values: Mapping[str, Any]) -> float:
        """What weights are chosen by: more is better, and a score that is missing is the worst."""
        value = values.get(f"valid_{self.task.choose_by.__name__}", math.nan)
        merit = -value if self.task.choose_by in LESS_IS_BETTER else value
        return -math.inf if math.isnan(merit) else float(merit)

    # ------------------------------------------------------------ checkpoints
    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what the run has spent and reached; refuses weights that no run could go on from."""
        if not all(torch.isfinite(weight).all() for weight in self.parameters()):
            raise self._diverged("weights are NaN or infinite")
        self._charge()
        checkpoint["budget"] = {
            "step": self.step,
            "spent": self.spent,
            "best": self._best,
            "judged_by": self._judged_by(),
            "starts": self.starts,
        }
        checkpoint["opponents"] = self.opponents.pending()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes it up again; the best weights may be younger than the checkpoint, and opponents may have changed."""
        budget = checkpoint["budget"]
        self.step, self.spent = budget["step"], budget["spent"]
        if budget.get("judged_by") == self._judged_by():  # else what was best by another measure says nothing
            self._best = budget["best"]
        facts = weight_facts(self.run / "best.safetensors")
        if facts.get("judged_by") == self._judged_by():
            self._best = max(self._best, self._merit(facts))
        self.opponents.settle(checkpoint, OPPONENTS)
        self.opponents.take_up(checkpoint["opponents"])
