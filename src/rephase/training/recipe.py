"""What a training run does, in one dataclass, and the learning rate that follows from it."""

import math
from dataclasses import dataclass

from rephase.errors import RephaseError


@dataclass(frozen=True)
class Recipe:
    """Every number that matters to a run's outcome.

    Attributes:
        minutes: of training in all, over all starts of the run; validation doesn't count.
        steps: budget in steps; the run ends when the first of both budgets is spent. None: minutes alone.
        batch: items a step.
        seconds: length of an item.
        learning_rate: highest, after the warm-up; it falls to 1 % of it with a cosine of the budget spent.
        matrix_rate: learning rate of the weights that Muon moves, in units of the others'.
        warmup_steps: of linear warm-up.
        ema: decay of the averaged weights, from the first step on.
        clip: largest norm of the gradient.
        loudness_weight: of the loudness disturbance, beside the compressed spectra's error of weight 1.
        si_sdr_weight: of SI-SDR in dB.
        log_spectral_weight: of the log-spectral distance: it alone asks for a high band that is soft but not silent.
        snr_db: range of the signal-to-noise ratio.
        level_db: largest deviation of the input's active level from −26 dBFS.
        equaliser_db: largest gain of each shelf and peak.
        p_equaliser: how likely an item's speech, and its noise, is equalised.
        p_room: how likely an item is reverberant; its target is as loud as the reverberant speech.
        early_seconds: of a room that the target keeps after the direct sound.
        p_band: how likely an item's band is limited; its target's is not.
        band_hz: range of the frequency where it ends.
        p_rolloff: how likely a resampler's roll-off has taken the edge of the band off an item and its target, where
            no band is limited.
        p_rounded: how likely the degraded waveform is rounded to 16 bits: above the end of a band that is all there is.
        p_second_noise: how likely a second noise is mixed in.
        p_clean: how likely the noise is 60 dB below the speech.
        rooms: how many are simulated, three responses each; a tenth of them, at least one, is for validation alone.
        source_weights: how often speech of a source is drawn, others 1; sources of hardly coded speech weigh more.
        validate_every: steps between validations.
        valid_batches: of validation for each task, of eight items of four seconds each.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of metrics.csv and checks for divergence.
        seed: of the first weights and of everything drawn.
    """

    minutes: float = 60.0
    steps: int | None = None
    batch: int = 4
    seconds: float = 2.0
    learning_rate: float = 1.5e-3
    matrix_rate: float = 4.0
    warmup_steps: int = 100
    ema: float = 0.999
    clip: float = 1.0
    loudness_weight: float = 0.25
    si_sdr_weight: float = 0.02
    log_spectral_weight: float = 0.1
    snr_db: tuple[float, float] = (-5.0, 25.0)
    level_db: float = 6.0
    equaliser_db: float = 9.0
    p_equaliser: float = 0.5
    p_room: float = 0.4
    early_seconds: float = 0.0025
    p_band: float = 0.35
    band_hz: tuple[float, float] = (1500.0, 7000.0)
    p_rolloff: float = 0.3
    p_rounded: float = 0.5
    p_second_noise: float = 0.3
    p_clean: float = 0.15
    rooms: int = 500
    source_weights: tuple[tuple[str, float], ...] = (("librispeech", 6.0), ("speechocean762", 3.0))
    validate_every: int = 800
    valid_batches: int = 2
    checkpoint_every: int = 200
    log_every: int = 20
    seed: int = 1

    def __post_init__(self) -> None:
        counts = ("steps", "batch", "warmup_steps", "rooms", "validate_every", "valid_batches", "checkpoint_every")
        positive = ("minutes", "seconds", "learning_rate", "matrix_rate", "log_every", *counts)
        for name in positive:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise RephaseError(f"{name} must be more than 0; got {value}. Try {name}={getattr(Recipe, name)}.")
        if self.rooms < 2:
            raise RephaseError("rooms must be 2 or more, as validation has rooms of its own; got 1. Try rooms=500.")

    def spent(self, seconds: float, steps: int) -> float:
        """Share of the budget that is spent, 0 … 1.

        Args:
            seconds: of training so far.
            steps: taken so far.
        """
        return min(1.0, max(seconds / (60 * self.minutes), steps / self.steps if self.steps else 0.0))

    def learning_rate_at(self, step: int, spent: float) -> float:
        """The learning rate of a step: linear warm-up times a cosine of the budget spent.

            lr = lr_max · min(1, (step + 1) / warmup) · (0.01 + 0.99 (1 + cos(π spent)) / 2)

        Args:
            step: number of the step, from 0.
            spent: share of the budget that is spent before it, 0 … 1.
        """
        warmup = min(1.0, (step + 1) / self.warmup_steps)
        return self.learning_rate * warmup * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * spent)))
