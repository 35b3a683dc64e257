"""What a network is trained against: judges of waveforms by period and by spectrum, and a predictor of PESQ.

None is part of a model that ships; all are plain modules whose outputs go into `rephase.losses.adversarial` and
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
LEAST_BINS = 2  # of a band
FLOOR = 1e-4  # of the amplitudes that a spectrogram shows, where speech with an RMS of 1 reaches about 1: −80 dB


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
        check_periods(periods, channels)
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


def check_periods(periods: Sequence[int], channels: Sequence[int]) -> None:
    """Whether there can be judges of these periods, with convolutions of so many channels.

    Args:
        periods: samples.
        channels: of the convolutions, from the first to the last.

    Raises:
        ValueError: If there are none, or one is less than 1.
    """
    for name, values in (("periods", periods), ("channels", channels)):
        if not values or min(values) < 1:
            raise ValueError(f"{name} must be integers of at least 1; got {tuple(values)!r}. Try {name}=(8, 16).")


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


class MultiResolutionDiscriminator(nn.Module):
    """Judges a waveform by its spectrograms, one judge a resolution, each with convolutions of its own for each band.

    What smears a spectrogram, or leaves its high bands dull, is plain to see here; a judge of waveforms must first
    learn to look for it. (Spectrograms as in UnivNet, Jang et al., 2021; bands as in the Descript audio codec, Kumar et
    al., 2023. Unlike theirs, these judges see logarithms of magnitudes, so that quiet bands count as loud ones do.)

    On a CPU choose one resolution and few channels: forward and backward of four items of two seconds take one thread
    of an EPYC 0.8 s with the defaults, and 0.05 s with `resolutions=((512, 256),), channels=16`
    (`python benchmarks/discriminators.py`).

    Equivariance: none; it sees magnitudes alone.

    Args:
        resolutions: FFT size and hop of each judge, samples.
        channels: of the convolutions.
        bands: upper ends of the bands, as shares of the Nyquist frequency; the last is 1.

    >>> judge = MultiResolutionDiscriminator(resolutions=((512, 256),), channels=16)
    >>> [(scores.shape[0], len(features)) for scores, features in judge(torch.randn(2, 16000))]
    [(2, 13)]
    """

    def __init__(
        self,
        resolutions: Sequence[tuple[int, int]] = ((2048, 512), (1024, 256), (512, 128)),
        channels: int = 32,
        bands: Sequence[float] = (0.25, 0.5, 1.0),
    ) -> None:
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be at least 1; got {channels}. Try channels=16.")
        check_resolutions(resolutions, bands)
        self.judges = nn.ModuleList(ResolutionDiscriminator(fft, hop, channels, bands) for fft, hop in resolutions)

    def forward(self, waveform: Float[Tensor, "batch time"]) -> list[tuple[Tensor, list[Tensor]]]:
        """The verdict of each judge.

        Args:
            waveform: at an RMS of about 1, which is the level that speech must have here; longer than half an FFT.

        Returns:
            For each resolution the scores [batch, scores], 1 for real speech and 0 for an estimate once it is trained,
            and the features [batch, channels, frames, freqs] of every convolution, the scores' own last.

        Raises:
            ValueError: If the waveform is too short for an FFT.
        """
        return [judge(waveform) for judge in self.judges]


def check_resolutions(resolutions: Sequence[tuple[int, int]], bands: Sequence[float]) -> None:
    """Whether spectrograms of these sizes can be judged in these bands.

    Args:
        resolutions: FFT size and hop of each, samples.
        bands: upper ends, as shares of the Nyquist frequency.

    Raises:
        ValueError: If there is no resolution, a hop doesn't lie within its FFT, or bands don't rise to 1 in steps of at
            least two bins.
    """
    if not resolutions or any(n_fft < 64 or not 0 < hop_length <= n_fft for n_fft, hop_length in resolutions):
        raise ValueError(
            "resolutions must be pairs of an FFT size of at least 64 and a hop within it; got "
            f"{tuple(resolutions)!r}. Try resolutions=((512, 256),)."
        )
    edges = [edge for n_fft, _ in resolutions for edge in _edges(n_fft, bands)] if bands and bands[-1] == 1 else []
    if not edges or any(upper - lower < LEAST_BINS for lower, upper in edges):
        raise ValueError(
            f"bands must rise to 1 in steps of at least {LEAST_BINS} bins; got {tuple(bands)!r}. "
            "Try bands=(0.25, 0.5, 1.0)."
        )


def _edges(n_fft: int, bands: Sequence[float]) -> list[tuple[int, int]]:
    """First bin of each band, and the first above it."""
    return list(pairwise([0, *(round(end * n_fft / 2) for end in bands[:-1]), n_fft // 2 + 1]))


class ResolutionDiscriminator(nn.Module):
    """The judge of one resolution: in each band three convolutions that halve the frequencies and one that doesn't.

    Equivariance: none.

    Args:
        n_fft: size of the FFT and of its Hann window, samples.
        hop_length: samples.
        channels: of the convolutions.
        bands: upper ends, as shares of the Nyquist frequency.
    """

    window: Tensor

    def __init__(self, n_fft: int, hop_length: int, channels: int, bands: Sequence[float]) -> None:
        super().__init__()
        self.n_fft, self.hop_length, self.edges = n_fft, hop_length, _edges(n_fft, bands)
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.bands = nn.ModuleList(_Band(channels) for _ in self.edges)
        self.last = weight_norm(nn.Conv2d(channels, 1, (3, 3), padding=1))

    def forward(self, waveform: Float[Tensor, "batch time"]) -> tuple[Float[Tensor, "batch scores"], list[Tensor]]:
        """Scores and features.

        Args:
            waveform: at an RMS of about 1, longer than half an FFT.

        Returns:
            The scores, and the features [batch, channels, frames, freqs] of the convolutions of each band, the lowest
            first, then of the one that scores.

        Raises:
            ValueError: If the waveform is too short for an FFT.
        """
        if waveform.shape[-1] <= self.n_fft // 2:
            raise ValueError(
                f"waveform must be longer than half of the FFT of {self.n_fft} samples; got {waveform.shape[-1]}. "
                "Try longer items."
            )
        level = self._level(waveform)
        bands = [band(level[:, lower:upper]) for (lower, upper), band in zip(self.edges, self.bands)]
        scores = self.last(torch.cat([features[-1] for features in bands], dim=-1))
        return scores.flatten(1), [*(feature for features in bands for feature in features), scores]

    def _level(self, waveform: Tensor) -> Float[Tensor, "batch freqs frames"]:
        """Logarithms of the spectrogram, −1.9 … 1.9 for speech: what lies below −80 dB is not told apart."""
        with torch.autocast(waveform.device.type, enabled=False):
            window = self.window.to(waveform if waveform.dtype == torch.float64 else torch.float32)
            spectrum = (
                torch.stft(waveform.to(window), self.n_fft, self.hop_length, window=window, return_complex=True)
                / window.sum()
            )
            # Squares have a gradient where there is silence, which magnitudes have not.
            power = (spectrum.real.square() + spectrum.imag.square()).clamp(min=FLOOR**2)
            return (0.5 * power.log() + 4.6) / 2.4


class _Band(nn.Module):
    """The convolutions of one band."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        halving = [nn.Conv2d(before, channels, (3, 9), (1, 2), (1, 4)) for before in (1, channels, channels)]
        last = nn.Conv2d(channels, channels, 3, padding=1)
        self.convolutions = nn.ModuleList(weight_norm(each) for each in (*halving, last))

    def forward(self, level: Float[Tensor, "batch freqs frames"]) -> list[Tensor]:
        """The features of each, [batch, channels, frames, freqs]."""
        signal, features = level.transpose(1, 2).unsqueeze(1), []
        for convolution in self.convolutions:
            signal = leaky_relu(convolution(signal), SLOPE)
            features.append(signal)
        return features


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
