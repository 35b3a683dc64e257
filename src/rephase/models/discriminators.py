"""What a network is trained against: a judge of waveforms period by period, and a predictor of PESQ.

Neither is part of a model that ships; both are plain modules whose outputs go into `rephase.losses.adversarial` and
`rephase.losses.feature_matching`. Judge the estimate and the reference of a batch in one call, `torch.cat` of both, and
cut the results by `chunk(2)`: that is faster than two calls.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

SLOPE = 0.1  # of the leaky ReLU of HiFi-GAN
LEAST_FRAMES = 16  # four halvings leave one


class MultiPeriodDiscriminator(nn.Module):
    """Judges a waveform by its samples at equal distances, one judge a period (HiFi-GAN, Kong et al., 2020).

    A period p folds the waveform into p columns of every p-th sample; convolutions run along the columns and never
    across, so that a judge sees periodic patterns that the others can't. Periods are primes, lest they overlap.

    On a CPU choose narrow `channels`: forward and backward of four items of two seconds take one thread of an EPYC
    5.5 s with the published ones, and 0.08 s with (8, 16, 32, 64) (`python benchmarks/discriminators.py`).

    Equivariance: none.

    Args:
        periods: samples.
        channels: of the convolutions, from the first to the last; the published ones make 41.1 M parameters.

    >>> judge = MultiPeriodDiscriminator(channels=(8, 16, 32, 64))
    >>> verdicts = judge(torch.randn(2, 16000))
    >>> [scores.shape[0] for scores, features in verdicts]
    [2, 2, 2, 2, 2]
    """

    def __init__(
        self, periods: Sequence[int] = (2, 3, 5, 7, 11), channels: Sequence[int] = (32, 128, 512, 1024, 1024)
    ) -> None:
        super().__init__()
        for name, values in (("periods", periods), ("channels", channels)):
            if not values or min(values) < 1:
                raise ValueError(f"{name} must be integers of at least 1; got {tuple(values)!r}. Try {name}=(8, 16).")
        self.judges = nn.ModuleList(PeriodDiscriminator(period, channels) for period in periods)

    def forward(self, waveform: Float[Tensor, "batch time"]) -> list[tuple[Tensor, list[Tensor]]]:
        """The verdict of each judge.

        Args:
            waveform: full scale ±1, longer than the longest period.

        Returns:
            For each period the scores [batch, scores], 1 for real speech and 0 for an estimate once it is trained,
            and the features [batch, period, channels, time / stride] of every convolution, the scores' own last.

        Raises:
            ValueError: If the waveform is too short to be folded.
        """
        return [judge(waveform) for judge in self.judges]


class PeriodDiscriminator(nn.Module):
    """The judge of one period: convolutions along five samples of a column, each but the last with stride 3.

    Columns are items of the batch to the convolutions, which on a CPU is up to twice as fast as the second dimension of
    a two-dimensional one.

    Equivariance: none.

    Args:
        period: samples.
        channels: of the convolutions.
    """

    def __init__(self, period: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.period = period
        sizes = [1, *channels]
        strides = [3] * (len(channels) - 1) + [1]
        self.convolutions = nn.ModuleList(
            weight_norm(nn.Conv1d(before, after, 5, stride, padding=2))
            for (before, after), stride in zip(pairwise(sizes), strides)
        )
        self.last = weight_norm(nn.Conv1d(channels[-1], 1, 3, padding=1))

    def forward(self, waveform: Float[Tensor, "batch time"]) -> tuple[Float[Tensor, "batch scores"], list[Tensor]]:
        """Scores and features; the end is mirrored to a whole number of periods."""
        if waveform.shape[-1] <= self.period:
            raise ValueError(
                f"waveform must be longer than the period of {self.period} samples; got {waveform.shape[-1]}. "
                "Try longer items."
            )
        whole = pad(waveform.unsqueeze(1), (0, -waveform.shape[-1] % self.period), mode="reflect")
        columns = whole.unflatten(-1, (-1, self.period)).transpose(1, 3)  # [batch, period, time / period, 1]
        signal = columns.flatten(0, 1).transpose(1, 2)
        features = []
        for convolution in self.convolutions:
            signal = leaky_relu(convolution(signal), SLOPE)
            features.append(signal)
        features.append(self.last(signal))
        features = [feature.unflatten(0, (-1, self.period)) for feature in features]
        return features[-1].flatten(1), features


class MetricDiscriminator(nn.Module):
    """Predicts the PESQ of an estimate from its spectrum and the reference's, so that PESQ can be trained for.

    Four spectrally normalised convolutions, each halving frames and frequencies, with instance norm and PReLU; the
    greatest value of each channel; two linear layers; a sigmoid whose slope is learned. (MetricGAN, Fu et al., 2019, in
    the form of CMGAN, Cao et al., 2022, and MP-SENet, Lu et al., 2023.)

    Equivariance: none; it sees magnitudes alone.

    Args:
        channels: of the first convolution; each other one has twice as many, up to 8 · `channels`.
        dropout: between the linear layers while it is trained.

    >>> judge = MetricDiscriminator()
    >>> judge(reference=torch.rand(2, 321, 201), estimate=torch.rand(2, 321, 201)).shape
    torch.Size([2])
    """

    def __init__(self, channels: int = 16, dropout: float = 0.3) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be at least 1; got {channels}. Try channels=16.")
        sizes = [2, *(channels * 2**i for i in range(4))]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            convolution = nn.Conv2d(before, after, kernel_size=4, stride=2, padding=1, bias=False)
            layers += [spectral_norm(convolution), nn.InstanceNorm2d(after, affine=True), nn.PReLU(after)]
        self.convolutions = nn.Sequential(*layers)
        self.head = nn.Sequential(
            spectral_norm(nn.Linear(8 * channels, 4 * channels)),
            nn.Dropout(dropout),
            nn.PReLU(4 * channels),
            spectral_norm(nn.Linear(4 * channels, 1)),
        )
        self.slope = nn.Parameter(torch.ones(()))

    def forward(
        self, *, reference: Float[Tensor, "batch frames freqs"], estimate: Float[Tensor, "batch frames freqs"]
    ) -> Float[Tensor, " batch"]:
        """The predicted (PESQ − 1) / 3.5, within 0 … 1.

        Args:
            reference: compressed magnitude of clean speech, at least 16 frames and 32 frequencies.
            estimate: compressed magnitude of what is judged.

        Raises:
            ValueError: If there are too few frames or frequencies.
        """
        frames, freqs = reference.shape[1:]
        if frames < LEAST_FRAMES or freqs < 2 * LEAST_FRAMES:
            raise ValueError(
                f"reference must have at least {LEAST_FRAMES} frames and {2 * LEAST_FRAMES} frequencies; got {frames} "
                f"and {freqs}. Try longer items."
            )
        features = self.convolutions(torch.stack([reference, estimate], dim=1)).amax(dim=(2, 3))
        prediction = self.head(features).squeeze(-1)
        # bfloat16, as autocast has it, tells scores apart by no less than a hundredth of PESQ.
        prediction = prediction.to(torch.promote_types(prediction.dtype, torch.float32))
        return torch.sigmoid(self.slope * prediction)
