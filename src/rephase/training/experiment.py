"""An experiment: everything that decides what a training run does, as frozen dataclasses that YAML files fill.

Every field has a default; they are those of renet-lite's own training. Numbers are checked when an experiment is made,
so that a run never fails after an hour for what could be seen at its start.
"""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from rephase.degradations.chain import Chain
from rephase.errors import RephaseError
from rephase.models.architectures import ARCHITECTURES
from rephase.models.config import NetworkConfig
from rephase.models.discriminators import LEAST_FRAMES, check_periods, check_resolutions
from rephase.models.presets import PRESETS

STRICT: dict[str, Any] = {"extra": "forbid", "strict": True}
SHORTEST_SECONDS = 0.1  # of an item: some frames
DEFAULT_NETWORK = "renet-lite"
DEFAULT_TASK = "universal"


class ExperimentError(RephaseError):
    """An experiment that can't be run: a key or a value of its file is wrong."""


def _positive(section: str, values: object, *names: str) -> None:
    for name in names:
        value = getattr(values, name)
        if value is not None and not value > 0:
            default = getattr(type(values), name)
            advice = f" Try {section}.{name}={default}." if default else ""
            raise ExperimentError(f"{section}.{name} must be more than 0; got {value}.{advice}")


def _not_negative(section: str, values: object, *names: str) -> None:
    for name in names:
        if not getattr(values, name) >= 0:
            raise ExperimentError(
                f"{section}.{name} must be 0 or more; got {getattr(values, name)}. Try {section}.{name}=0."
            )


@dataclass(frozen=True)
class Data:
    """What the run hears.

    Attributes:
        folder: where the manifests are; paths in them are relative to it.
        speech: manifest of clean speech (columns path, split, source), or a folder of shards with train.json and
            valid.json, or one of these; a URL, too, as s3://bucket/speech.
        noise: the same of noise; none for a task without any.
        pairs: manifest of recorded pairs (columns noisy, clean, split, source), as VoiceBank+DEMAND has them: taken
            instead of `speech` and `noise`, and degraded no further.
        rooms: how many rooms are simulated, three responses each; a tenth of them, at least one, is for validation.
        source_weights: how often speech of a source is drawn, others 1.
        cache: folder for decoded audio and simulated rooms, which runs share; `cache` beside the run if none is named.
        most_bad: how many recordings of a split may be left out because they can't be read, before the run stops; none:
            1 % of them or 20, whichever is more.
    """

    __pydantic_config__: ClassVar = STRICT
    folder: str = "."
    speech: str = "speech.csv"
    noise: str | None = "noise.csv"
    pairs: str | None = None
    rooms: int = 500
    source_weights: dict[str, float] = field(default_factory=dict)
    cache: str | None = None
    most_bad: int | None = None

    def __post_init__(self) -> None:
        if self.most_bad is not None:
            _not_negative("data", self, "most_bad")
        for source, weight in self.source_weights.items():
            if not (math.isfinite(weight) and weight >= 0):
                raise ExperimentError(
                    f"data.source_weights.{source} must be 0 or more; got {weight}. Try data.source_weights.{source}=1."
                )
        if self.rooms < 2:
            raise ExperimentError(
                f"data.rooms must be 2 or more, as validation has rooms of its own; got {self.rooms}. "
                "Try data.rooms=500."
            )


@dataclass(frozen=True)
class Batch:
    """What one step takes.

    Attributes:
        items: a step on one device, over all pieces of an accumulated gradient.
        pieces: in so many parts, one behind the other, an item's gradient is computed, to save memory.
        seconds: length of an item.
        workers: processes that make batches; with a GPU, batches are made on the GPU itself.
    """

    __pydantic_config__: ClassVar = STRICT
    items: int = 4
    pieces: int = 1
    seconds: float = 2.0
    workers: int = 1

    def __post_init__(self) -> None:
        _positive("batch", self, "items", "pieces", "seconds")
        _not_negative("batch", self, "workers")
        if self.seconds < SHORTEST_SECONDS:
            raise ExperimentError(
                f"batch.seconds must be at least {SHORTEST_SECONDS:g}; got {self.seconds:g}. Try batch.seconds=2."
            )
        if self.items % self.pieces:
            raise ExperimentError(
                f"batch.items must be a multiple of batch.pieces; got {self.items} and {self.pieces}. "
                f"Try batch.items={self.pieces * -(-self.items // self.pieces)}."
            )


@dataclass(frozen=True)
class Losses:
    """Weight of each term of the loss; 0 leaves it out.

    Attributes:
        compressed_spectrum: squared error of compressed spectra of the waveforms.
        loudness: loudness disturbance.
        si_sdr: minus SI-SDR, dB.
        log_spectral: log-spectral distance.
        time: mean absolute error of the waveform.
        magnitude: squared error of the network's compressed magnitude.
        complex: squared error of the network's compressed spectrum.
        consistency: squared error between the network's compressed spectrum and that of its waveform.
        ip: error of the network's phase.
        gd: of its group delay.
        iaf: of its instantaneous angular frequency.
        wop: weighted omnidirectional phase error of the network's phase.
    """

    __pydantic_config__: ClassVar = STRICT
    compressed_spectrum: float = 0.0
    loudness: float = 0.0
    si_sdr: float = 0.0
    log_spectral: float = 0.0
    time: float = 0.0
    magnitude: float = 0.0
    complex: float = 0.0
    consistency: float = 0.0
    ip: float = 0.0
    gd: float = 0.0
    iaf: float = 0.0
    wop: float = 0.0

    def __post_init__(self) -> None:
        _not_negative("losses", self, *vars(self))
        if not any(vars(self).values()):
            raise ExperimentError("losses must have at least one weight above 0. Try losses.compressed_spectrum=1.")


@dataclass(frozen=True)
class MetricAdversary:
    """The network that learns to predict PESQ, which the trained one then tries to raise.

    Attributes:
        weight: of its term in the loss; 0: there is none.
        channels: of its first convolution.
        learning_rate: of AdamW.
        delay: rounds, of `every` steps each, after which an item's PESQ is learned; it is computed in other processes
            meanwhile.
        workers: processes that compute PESQ.
        every: steps between items whose PESQ is computed.
    """

    __pydantic_config__: ClassVar = STRICT
    weight: float = 0.0
    channels: int = 16
    learning_rate: float = 1e-3
    delay: int = 4
    workers: int = 1
    every: int = 1

    def __post_init__(self) -> None:
        _not_negative("adversaries.metric", self, "weight", "delay")
        _positive("adversaries.metric", self, "channels", "learning_rate", "workers", "every")


@dataclass(frozen=True)
class PeriodAdversary:
    """The networks that learn to tell enhanced waveforms from clean ones, each by another period.

    Attributes:
        weight: of their adversarial term in the loss; 0: there are none.
        features: weight of feature matching, in units of `weight`.
        periods: samples.
        channels: of the convolutions of each.
        emphasis: e of x[n] − e x[n − 1], which the waveforms are given first: 0 leaves them as they are; with 0.95 the
            judges hear the high bands of speech as loud as the low ones.
        learning_rate: of AdamW.
    """

    __pydantic_config__: ClassVar = STRICT
    weight: float = 0.0
    features: float = 2.0
    emphasis: float = 0.0
    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    channels: tuple[int, ...] = (32, 128, 512, 1024, 1024)
    learning_rate: float = 5e-4

    def __post_init__(self) -> None:
        _not_negative("adversaries.periods", self, "weight", "features", "emphasis")
        _positive("adversaries.periods", self, "learning_rate")
        try:
            check_periods(self.periods, self.channels)
        except ValueError as error:
            raise ExperimentError(f"adversaries.periods.{error}") from error


@dataclass(frozen=True)
class SpectrumAdversary:
    """The networks that learn to tell enhanced spectrograms from clean ones, each by another resolution.

    Attributes:
        weight: of their adversarial term in the loss; 0: there are none.
        features: weight of feature matching, in units of `weight`.
        resolutions: FFT size and hop of each, samples.
        channels: of their convolutions.
        bands: that have convolutions of their own: upper ends, as shares of the Nyquist frequency.
        learning_rate: of AdamW.
    """

    __pydantic_config__: ClassVar = STRICT
    weight: float = 0.0
    features: float = 2.0
    resolutions: tuple[tuple[int, int], ...] = ((2048, 512), (1024, 256), (512, 128))
    channels: int = 32
    bands: tuple[float, ...] = (0.25, 0.5, 1.0)
    learning_rate: float = 5e-4

    def __post_init__(self) -> None:
        _not_negative("adversaries.spectra", self, "weight", "features")
        _positive("adversaries.spectra", self, "channels", "learning_rate")
        try:
            check_resolutions(self.resolutions, self.bands)
        except ValueError as error:
            raise ExperimentError(f"adversaries.spectra.{error}") from error


@dataclass(frozen=True)
class Adversaries:
    """The networks that are trained against the one that is wanted.

    Attributes:
        metric: predicts PESQ.
        periods: tell enhanced waveforms from clean ones.
        spectra: tell enhanced spectrograms from clean ones.
    """

    __pydantic_config__: ClassVar = STRICT
    metric: MetricAdversary = field(default_factory=MetricAdversary)
    periods: PeriodAdversary = field(default_factory=PeriodAdversary)
    spectra: SpectrumAdversary = field(default_factory=SpectrumAdversary)


@dataclass(frozen=True)
class Optimizer:
    """How weights move.

    Attributes:
        kind: `muon` (the hidden layers' weights by Muon, all others by AdamW) or `adamw`.
        learning_rate: highest, after the warm-up.
        matrix_rate: learning rate of the weights that Muon moves, in units of the others'.
        betas: of AdamW.
        weight_decay: of both.
        schedule: `cosine` (falls to 1 % with the budget spent), `exponential` (by `gamma` each epoch) or `constant`.
        gamma: see `schedule`.
        epoch_steps: steps that count as an epoch; none: files of speech over items of a step.
        warmup_steps: of linear warm-up.
        clip: largest norm of the gradient.
        ema: decay of the averaged weights, from the first step on.
    """

    __pydantic_config__: ClassVar = STRICT
    kind: Literal["muon", "adamw"] = "muon"
    learning_rate: float = 1.5e-3
    matrix_rate: float = 4.0
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.01
    schedule: Literal["cosine", "exponential", "constant"] = "cosine"
    gamma: float = 0.99
    epoch_steps: int | None = None
    warmup_steps: int = 100
    clip: float = 1.0
    ema: float = 0.999

    def __post_init__(self) -> None:
        _positive("optimizer", self, "learning_rate", "matrix_rate", "gamma", "epoch_steps", "warmup_steps", "clip")
        _not_negative("optimizer", self, "weight_decay")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ExperimentError(
                f"optimizer.betas must lie in 0 … 1, below 1; got {self.betas}. Try optimizer.betas=[0.9, 0.99]."
            )
        if not 0 <= self.ema < 1:
            raise ExperimentError(f"optimizer.ema must lie in 0 … 1, below 1; got {self.ema}. Try optimizer.ema=0.999.")


@dataclass(frozen=True)
class Budget:
    """When the run ends: with the first of both that is spent.

    Attributes:
        minutes: of training, over all starts of the run; validation doesn't count.
        steps: of the optimizer.
    """

    __pydantic_config__: ClassVar = STRICT
    minutes: float | None = 60.0
    steps: int | None = None

    def __post_init__(self) -> None:
        _positive("budget", self, "minutes", "steps")
        if self.minutes is None and self.steps is None:
            raise ExperimentError("budget must have minutes or steps. Try budget.minutes=60.")


@dataclass(frozen=True)
class Validation:
    """How weights are judged and kept.

    Attributes:
        every: steps between validations; counted anew after a start of the run that ended in order.
        batches: for each kind of degradation, of eight items of four seconds each.
        kinds: of degradation to judge by: denoise, dereverb, bandwidth, universal, or `own`, which is what the training
            pairs get; none: the task's own choice.
        choose_by: metric whose mean over all kinds chooses the weights; none: the task's own.
        listen: items of each kind that TensorBoard gets as audio and pictures.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of metrics.csv.
    """

    __pydantic_config__: ClassVar = STRICT
    every: int = 800
    batches: int = 2
    kinds: tuple[Literal["denoise", "dereverb", "bandwidth", "universal", "own"], ...] = ()
    choose_by: str | None = None
    listen: int = 1
    checkpoint_every: int = 200
    log_every: int = 20

    def __post_init__(self) -> None:
        _positive("validation", self, "every", "batches", "checkpoint_every", "log_every")
        _not_negative("validation", self, "listen")


@dataclass(frozen=True)
class Experiment:
    """Everything that matters to a run's outcome.

    Attributes:
        summary: one line for `rephase train --list`.
        task: what is learned (`rephase.training.tasks`).
        network: name of a preset, or fields of a network with its `architecture` or the `preset` that they change
            (renet-lite if neither is named).
        data: what is heard.
        degradation: what happens to speech and how likely.
        batch: what one step takes.
        losses: weights of the loss's terms.
        adversaries: networks that are trained against this one.
        optimizer: how weights move.
        budget: when the run ends.
        validation: how weights are judged and kept.
        precision: `32`, `bf16` (autocast to bfloat16) or `64`.
        compile: whether torch compiles the network: minutes to start, then faster steps.
        seed: of the first weights and of everything drawn.
    """

    __pydantic_config__: ClassVar = STRICT
    summary: str = ""
    task: str = DEFAULT_TASK
    network: str | dict[str, Any] = DEFAULT_NETWORK
    data: Data = field(default_factory=Data)
    degradation: Chain = field(default_factory=Chain)
    batch: Batch = field(default_factory=Batch)
    losses: Losses = field(default_factory=lambda: Losses(compressed_spectrum=1.0))
    adversaries: Adversaries = field(default_factory=Adversaries)
    optimizer: Optimizer = field(default_factory=Optimizer)
    budget: Budget = field(default_factory=Budget)
    validation: Validation = field(default_factory=Validation)
    precision: Literal["32", "bf16", "64"] = "32"
    compile: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        config, opponents = self.network_config(), self.adversaries
        longest_fft = max(n_fft for n_fft, _ in opponents.spectra.resolutions)
        for weight, samples, what in (
            (opponents.spectra.weight, longest_fft // 2, "half of the longest FFT of adversaries.spectra"),
            (opponents.periods.weight, max(opponents.periods.periods), "the longest of adversaries.periods"),
            # n samples make ⌈n / hop⌉ + 1 frames.
            (
                opponents.metric.weight,
                (LEAST_FRAMES - 2) * config.hop_length,
                "where adversaries.metric has too few frames",
            ),
        ):
            if weight and int(self.batch.seconds * config.sample_rate) <= samples:
                seconds = samples / config.sample_rate
                raise ExperimentError(
                    f"batch.seconds must be more than {seconds:g}, {what}; got {self.batch.seconds:g}. "
                    f"Try batch.seconds={max(2.0, 2 * seconds):g}."
                )

    def network_config(self) -> NetworkConfig:
        """The configuration of the network.

        Raises:
            ExperimentError: If the preset, the architecture or a field is unknown, or a value is out of its range.
        """
        named = {"preset": self.network} if isinstance(self.network, str) else dict(self.network)
        architecture = named.pop("architecture", None)
        preset = named.pop("preset", DEFAULT_NETWORK if architecture is None else None)
        if preset is not None and preset not in PRESETS:
            raise ExperimentError(
                f"network must be one of {', '.join(PRESETS)}; got {preset!r}. Try network=renet-lite."
            )
        if preset is None and architecture not in ARCHITECTURES:
            raise ExperimentError(
                f"network.architecture must be one of {', '.join(ARCHITECTURES)}; got {architecture!r}. "
                "Try network.preset=renet-lite."
            )
        kind = type(PRESETS[preset]) if preset is not None else ARCHITECTURES[str(architecture)][0]
        begun = PRESETS[preset].to_dict() if preset is not None else {}
        begun["phase_only"] = self.task == "phase-retrieval"
        try:
            return kind.from_dict(begun | named)
        except (TypeError, ValueError) as error:
            raise ExperimentError(f"network: {error}") from error
