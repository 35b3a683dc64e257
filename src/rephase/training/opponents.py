"""The networks that are trained against the one that is wanted: judges while it learns, pupils after each step.

The judges of periods and of spectra are taught what is clean and what is enhanced on the step's own waveforms. The
judge of pairs is taught PESQ, in rounds of a step or more: processes of their own compute it, and what round n gave is
learned in round n + k, whatever their speed.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rephase.losses.adversarial import (
    discriminator_loss,
    generator_loss,
    metric_discriminator_loss,
    metric_generator_loss,
)
from rephase.losses.feature_matching import feature_matching_loss
from rephase.models.config import NetworkConfig
from rephase.models.discriminators import (
    MetricDiscriminator,
    MultiPeriodDiscriminator,
    MultiResolutionDiscriminator,
)
from rephase.models.network import FastTransforms
from rephase.signal.compression import magnitude_and_phasor
from rephase.training.experiment import Adversaries
from rephase.training.experiment_file import plain
from rephase.training.labels import PesqLabels
from rephase.training.objective import Output

logger = logging.getLogger(__name__)
# What each is made with, in the order of their optimizers; all else can change from one start of a run to the next.
MAKE = {
    "periods": ("periods", "channels", "emphasis"),
    "spectra": ("resolutions", "channels", "bands"),
    "metric": ("channels",),
}
Verdicts = list[tuple[Tensor, list[Tensor]]]
BETAS = (0.8, 0.99)
SILENCE = 1e-8  # power, −80 dBFS


class Opponents(nn.Module):
    """Those that an experiment asks for, none of them perhaps.

    Args:
        settings: their weights and sizes.
        config: of the network.
    """

    def __init__(self, settings: Adversaries, config: NetworkConfig) -> None:
        super().__init__()
        self.settings, self.config = settings, config
        metric, periods, spectra = settings.metric, settings.periods, settings.spectra
        self.periods = MultiPeriodDiscriminator(periods.periods, periods.channels) if periods.weight else None
        self.spectra = (
            MultiResolutionDiscriminator(spectra.resolutions, spectra.channels, spectra.bands)
            if spectra.weight
            else None
        )
        self.metric = MetricDiscriminator(metric.channels) if metric.weight else None
        self._labels = PesqLabels(metric.delay, metric.workers, config.sample_rate) if metric.weight else None

    def names(self) -> list[str]:
        """Which there are, in the order of their optimizers."""
        return [name for name in MAKE if getattr(self, name) is not None]

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        """AdamW for each, in the order of `names`."""
        return [
            torch.optim.AdamW(getattr(self, name).parameters(), getattr(self.settings, name).learning_rate, betas=BETAS)
            for name in self.names()
        ]

    @contextmanager
    def as_judges(self) -> Iterator[None]:
        """Within it, gradients pass through the opponents and leave them as they are."""
        self.requires_grad_(False)
        try:
            yield
        finally:
            self.requires_grad_(True)

    def judge(self, output: Output) -> dict[str, tuple[float, Tensor]]:
        """The terms of the loss that they are, each with its weight.

        Args:
            output: of the network.
        """
        terms: dict[str, tuple[float, Tensor]] = {}
        waveforms = _at_unit_level(output.waveform, output.clean)
        for name in self._of_reality():
            setting = getattr(self.settings, name)
            ours, theirs = self._verdicts(name, *waveforms)
            terms[name] = (setting.weight, generator_loss(estimate=[scores for scores, _ in ours]))
            matching = feature_matching_loss(
                estimate=[layers for _, layers in ours], reference=[layers for _, layers in theirs]
            )
            terms[f"{name}_features"] = (setting.weight * setting.features, matching)
        if self.metric is not None:
            estimate, reference = self._magnitudes(*waveforms)
            verdict = self.metric(reference=reference, estimate=estimate)
            terms["metric"] = (self.settings.metric.weight, metric_generator_loss(estimate=verdict))
        return terms

    def learn(
        self,
        outputs: Sequence[Output],
        optimizers: Sequence[Any],
        *,
        step: int,
        backward: Callable[[Tensor], None],
    ) -> dict[str, Tensor]:
        """One step of each.

        Args:
            outputs: of the network in this step.
            optimizers: as `make_optimizers` gave them.
            step: number of the step.
            backward: computes gradients.

        Returns:
            Their losses, by name.
        """
        logged: dict[str, Tensor] = {}
        estimate, clean = _at_unit_level(
            torch.cat([output.waveform.detach() for output in outputs]), torch.cat([output.clean for output in outputs])
        )
        by_name = dict(zip(self.names(), optimizers, strict=True))
        for name in self._of_reality():
            ours, theirs = self._verdicts(name, estimate, clean)
            loss = discriminator_loss(estimate=[s for s, _ in ours], reference=[s for s, _ in theirs])
            logged[f"opponent_{name}"] = _step(by_name[name], loss, backward)
        if self.metric is not None and self._labels is not None and step % self.settings.metric.every == 0:
            due = self._labels.exchange(estimate=estimate, reference=clean)
            if due is not None:
                estimate, reference = self._magnitudes(due.estimate.to(clean), due.reference.to(clean))
                loss = metric_discriminator_loss(
                    estimate=self.metric(reference=reference, estimate=estimate),
                    reference=self.metric(reference=reference, estimate=reference),
                    label=due.label.to(clean),
                )
                logged["opponent_metric"] = _step(by_name["metric"], loss, backward)
        return logged

    def _of_reality(self) -> list[str]:
        """The names of those that tell enhanced from clean."""
        return [name for name in self.names() if name != "metric"]

    def _verdicts(self, name: str, estimate: Tensor, reference: Tensor) -> list[Verdicts]:
        """What a judge says of both, from one call."""
        judge, both = getattr(self, name), torch.cat([estimate, reference])
        if name == "periods":
            both = both - self.settings.periods.emphasis * nn.functional.pad(both[:, :-1], (1, 0))
        verdicts = judge(both)
        return [
            [(scores.chunk(2)[side], [layer.chunk(2)[side] for layer in layers]) for scores, layers in verdicts]
            for side in (0, 1)
        ]

    def _magnitudes(self, *waveforms: Tensor) -> list[Tensor]:
        """Compressed magnitudes with the network's own STFT."""
        transforms, exponent = FastTransforms(self.config), self.config.compression
        return [magnitude_and_phasor(transforms.stft(waveform), exponent)[0].to(waveform) for waveform in waveforms]

    # ------------------------------------------------------------ what a checkpoint must hold
    def pending(self) -> dict[str, Any]:
        """What waits for its PESQ; the judges themselves are in the module's state."""
        return self._labels.state_dict() if self._labels is not None else {}

    def take_up(self, pending: dict[str, Any]) -> None:
        """Goes on with what waited."""
        if self._labels is not None and pending:
            self._labels.load_state_dict(pending)

    def settle(self, checkpoint: dict[str, Any], prefix: str) -> None:
        """Makes a checkpoint of a run with other opponents one of these: who is new begins, who is gone is left out.

        A judge of another make is a new one. Pairs that wait for their PESQ are dropped where they have nobody to wait
        for, or shall wait for another time.

        Args:
            checkpoint: its `state_dict`, `optimizer_states` and `opponents` are changed.
            prefix: of the names of these weights there.
        """
        theirs, ours = checkpoint["state_dict"], {prefix + name: value for name, value in self.state_dict().items()}

        def weights(state: dict[str, Tensor], judge: str) -> dict[str, Tensor]:
            return {name: value for name, value in state.items() if name.startswith(f"{prefix}{judge}.")}

        def make(state: dict[str, Tensor], adversaries: dict[str, Any], judge: str) -> tuple[Any, ...]:
            settings = [adversaries.get(judge, {}).get(field) for field in MAKE[judge]]
            return settings, {name: value.shape for name, value in weights(state, judge).items()}

        before, now = checkpoint["budget"]["starts"][-1]["experiment"]["adversaries"], plain(self.settings)
        main, *others = checkpoint["optimizer_states"]
        states = dict(zip([judge for judge in MAKE if weights(theirs, judge)], others))
        kept = [judge for judge in self.names() if make(theirs, before, judge) == make(ours, now, judge)]
        for judge in MAKE:
            if judge not in kept:
                for name in weights(theirs, judge):
                    del theirs[name]
                theirs |= weights(ours, judge)
        fresh = dict(zip(self.names(), self.make_optimizers()))
        own = [states[judge] if judge in kept else fresh[judge].state_dict() for judge in self.names()]
        checkpoint["optimizer_states"] = [main, *own]
        if "metric" not in kept or checkpoint["opponents"].get("delay") != self.settings.metric.delay:
            checkpoint["opponents"] = {}
        if kept != self.names() or set(states) != set(kept):
            new = [judge for judge in self.names() if judge not in kept]
            gone = [judge for judge in states if judge not in self.names()]
            logger.warning("opponents have changed: %s begin anew, %s are left out", new or "none", gone or "none")

    def close(self) -> None:
        """Ends the processes."""
        if self._labels is not None:
            self._labels.close()


def _at_unit_level(estimate: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the gain that gives each reference an RMS of 1: to judges, quiet speech would be next to nothing."""
    gain = (reference.square().mean(-1, keepdim=True) + SILENCE).rsqrt()
    return gain * estimate, gain * reference


def _step(optimizer: Any, loss: Tensor, backward: Callable[[Tensor], None]) -> Tensor:
    optimizer.zero_grad()
    backward(loss)
    optimizer.step()
    return loss.detach()
