"""The networks that are trained against the one that is wanted: judges while it learns, pupils after each step.

The judge of periods is taught what is clean and what is enhanced on the step's own waveforms. The judge of pairs is
taught PESQ: processes of their own compute it, and what step n gave is learned at step n + k, whatever their speed.
"""

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
from rephase.models.discriminators import MetricDiscriminator, MultiPeriodDiscriminator
from rephase.models.network import FastTransforms
from rephase.signal.compression import magnitude_and_phasor
from rephase.training.experiment import Adversaries
from rephase.training.labels import PesqLabels
from rephase.training.objective import Output

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
        metric, periods = settings.metric, settings.periods
        self.periods = MultiPeriodDiscriminator(periods.periods, periods.channels) if periods.weight else None
        self.metric = MetricDiscriminator(metric.channels) if metric.weight else None
        self._labels = PesqLabels(metric.delay, metric.workers, config.sample_rate) if metric.weight else None

    def make_optimizers(self) -> list[torch.optim.Optimizer]:
        """AdamW for each, the judge of periods first."""
        asked = ((self.periods, self.settings.periods), (self.metric, self.settings.metric))
        return [
            torch.optim.AdamW(judge.parameters(), setting.learning_rate, betas=BETAS)
            for judge, setting in asked
            if judge is not None
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
        if self.periods is not None:
            weight, features = self.settings.periods.weight, self.settings.periods.features
            ours, theirs = self._verdicts(*_at_unit_level(output.waveform, output.clean))
            terms["periods"] = (weight, generator_loss(estimate=[scores for scores, _ in ours]))
            matching = feature_matching_loss(
                estimate=[layers for _, layers in ours], reference=[layers for _, layers in theirs]
            )
            terms["features"] = (weight * features, matching)
        if self.metric is not None:
            estimate, reference = self._magnitudes(*_at_unit_level(output.waveform, output.clean))
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
        remaining = list(optimizers)
        if self.periods is not None:
            ours, theirs = self._verdicts(estimate, clean)
            loss = discriminator_loss(estimate=[s for s, _ in ours], reference=[s for s, _ in theirs])
            logged["opponent_periods"] = _step(remaining.pop(0), loss, backward)
        if self.metric is not None and self._labels is not None and step % self.settings.metric.every == 0:
            due = self._labels.exchange(estimate=estimate, reference=clean)
            if due is not None:
                estimate, reference = self._magnitudes(due.estimate.to(clean), due.reference.to(clean))
                loss = metric_discriminator_loss(
                    estimate=self.metric(reference=reference, estimate=estimate),
                    reference=self.metric(reference=reference, estimate=reference),
                    label=due.label.to(clean),
                )
                logged["opponent_metric"] = _step(remaining.pop(0), loss, backward)
        return logged

    def _verdicts(self, estimate: Tensor, reference: Tensor) -> list[Verdicts]:
        """What the judge of periods says of both, from one call."""
        assert self.periods is not None
        both, emphasis = torch.cat([estimate, reference]), self.settings.periods.emphasis
        verdicts = self.periods(both - emphasis * nn.functional.pad(both[:, :-1], (1, 0)))
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
        if self._labels is not None and pending:  # a judge that is new in this start has nothing pending
            self._labels.load_state_dict(pending)

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
