"""RENet as published: `renet-base` and `renet-small` (Wang, Li, Yao & Li, arXiv:2602.08556)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from rephase.layers import HADF, MPICM, ComplexConv2d, DenseBlock, MagnitudeConv2d
from rephase.models.network import Network, check_spectrum, check_waveform
from rephase.models.renet_config import RENetConfig
from rephase.signal.real_pair import unit

SILENCE = 1e-12  # mean square; added before the division by the level, so that silence stays silent


class RENet(Network):
    """Waveform in, enhanced waveform out: magnitude mapped directly, phase as a phasor that turns with the input's.

    201 frequencies → encoder (101) → bottleneck: HADFs along time and along frequency in turn, each within a residual
    → decoder (201).

    Equivariance: rotates (magnitude out invariant), on spectra.

    Args:
        config: sizes.
        checkpointing: whether the bottleneck's HADFs are computed again for their gradients instead of kept: less
            memory, more time. It changes no result.
    """

    config: RENetConfig

    def __init__(self, config: RENetConfig, *, checkpointing: bool = False) -> None:
        super().__init__(config)
        self.checkpointing = checkpointing
        self.encoder = Encoder(config)
        self.bottleneck = nn.ModuleList(
            HADF(
                config.channels,
                config.heads,
                axis,
                phase_head_channels=config.phase_head_channels,
                recurrent=config.recurrent_factor * config.channels[0],
                phase_hidden=config.phase_hidden,
                phase_kernel=config.phase_kernel,
                slope=config.leaky_slope,
                dropout=config.dropout,
                eps=(config.magnitude_eps, config.phase_eps),
            )
            for _ in range(config.blocks)
            for axis in ("frames", "freqs")
        )
        self.decoder = Decoder(config)

    def forward(
        self, waveform: Float[Tensor, "batch time"], sample_rate: int | None = None
    ) -> Float[Tensor, "batch time"]:
        """Enhances a waveform at any level; the length stays.

        Each item is scaled to unit RMS, enhanced, and scaled back.

        Args:
            waveform: full scale ±1, at least one sample, at most `config.longest_seconds`.
            sample_rate: of the waveform, Hz, to be checked; None: it is known to be the configuration's.

        Raises:
            ValueError: If the waveform has another rank or rate, holds no floats, is empty or too long, or holds NaN or
                infinity.
        """
        check_waveform(waveform)
        if sample_rate is not None and sample_rate != self.config.sample_rate:
            raise ValueError(
                f"sample_rate must be {self.config.sample_rate}, at which this network works; got {sample_rate}. "
                "Resample first, or use rephase.Enhancer, which takes any rate."
            )
        if not torch.compiler.is_compiling() and waveform.shape[-1] > self.config.longest_samples:
            raise ValueError(
                f"waveform must have at most {self.config.longest_samples} samples "
                f"({self.config.longest_seconds:g} s); got {waveform.shape[-1]}. Use rephase.Enhancer, which cuts "
                "longer ones into calls and joins them."
            )
        level = self.level(waveform)
        return level * super().forward(waveform / level)

    def level(self, waveform: Float[Tensor, "batch time"]) -> Float[Tensor, "batch 1"]:
        """The RMS of each item."""
        return (waveform.square().mean(dim=-1, keepdim=True) + SILENCE).sqrt()

    def forward_spectrum(
        self, magnitude: Float[Tensor, "batch frames freqs"], phasor: Float[Tensor, "batch 2 frames freqs"]
    ) -> tuple[Float[Tensor, "batch frames freqs"], Float[Tensor, "batch 2 frames freqs"]]:
        """The network itself.

        Args:
            magnitude: compressed, |S|^0.3 of a waveform of unit RMS, two frames or more.
            phasor: S / √(|S|² + ε).

        Returns:
            The compressed magnitude, ≥ 0, and the phasor of clean speech.

        Raises:
            ValueError: If there are fewer than two frames, or shapes or types are others.
        """
        check_spectrum(magnitude, phasor, self.config.freqs, least_frames=2)
        real, pair = self.encoder(magnitude.unsqueeze(1), phasor.unsqueeze(2))
        for hadf in self.bottleneck:
            if self.checkpointing and torch.is_grad_enabled():
                new_real, new_pair = checkpoint(hadf, real, pair, use_reentrant=False)
            else:
                new_real, new_pair = hadf(real, pair)
            real, pair = real + new_real, pair + new_pair
        return self.decoder(real, pair)


class Encoder(nn.Module):
    """MPICM 1×1 without gates, a dense block, and an MPICM that halves the number of frequencies.

    Equivariance: rotates (magnitude out invariant).

    Args:
        config: sizes.
    """

    def __init__(self, config: RENetConfig) -> None:
        super().__init__()
        eps = (config.magnitude_eps, config.phase_eps)
        self.first = MPICM((1, 1), config.channels, config.freqs, (1, 1), gated=False, eps=eps)
        self.dense = DenseBlock(config.channels, config.freqs, config.dense_kernel, config.dense_dilations, eps=eps)
        missing = (config.bands - 1) * config.down_stride + config.down_kernel - config.freqs
        self.down = MPICM(
            config.channels,
            config.channels,
            config.bands,
            (1, config.down_kernel),
            stride=config.down_stride,
            pad_freqs=(missing // 2, missing - missing // 2),
            eps=eps,
        )

    def forward(self, magnitude: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, 1, frames, freqs] and [batch, 2, 1, frames, freqs] → channels, and half the frequencies."""
        return self.down(*self.dense(*self.first(magnitude, phase)))


class Decoder(nn.Module):
    """A dense block, an MPICM that doubles the number of frequencies, and the last convolution of each stream.

    Equivariance: rotates (magnitude out invariant).

    Args:
        config: sizes.
    """

    def __init__(self, config: RENetConfig) -> None:
        super().__init__()
        eps = (config.magnitude_eps, config.phase_eps)
        self.freqs = config.freqs
        self.dense = DenseBlock(config.channels, config.bands, config.dense_kernel, config.dense_dilations, eps=eps)
        self.up = MPICM(
            config.channels,
            config.channels,
            config.down_stride * config.bands,
            (1, config.down_kernel),
            factor=config.down_stride,
            eps=eps,
        )
        kernel = (1, config.out_kernel)
        self.magnitude_out = MagnitudeConv2d(config.channels[0], 1, kernel, pad_freqs=(0, 0))
        self.phase_out = ComplexConv2d(config.channels[1], 1, kernel, pad_freqs=(0, 0))

    def forward(self, magnitude: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
        """Features → compressed magnitude [batch, frames, freqs], ≥ 0, and phasor [batch, 2, frames, freqs]."""
        magnitude, phase = self.up(*self.dense(magnitude, phase))
        real = torch.relu(self.magnitude_out(magnitude)).squeeze(1)[..., : self.freqs]
        pair = self.phase_out(phase).squeeze(2)[..., : self.freqs]
        # Under autocast the convolutions give bfloat16, in which no phasor has the length 1.
        return real, unit(pair if pair.dtype == torch.float64 else pair.float())
