"""renet-lite: the two streams of RENet at a cost that one CPU core carries many times in real time."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers import MPICM, LiteHADF, SubPixelComplexConv2d, SubPixelMagnitudeConv2d
from rephase.models.network import Network, check_spectrum
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.signal.real_pair import unit

ONE_FRAME = ("channels", "freqs")
REST_BIAS = -3.0


class RENetLite(Network):
    """Waveform in, enhanced waveform out; trained at about −26 dBFS RMS, to which the Enhancer brings any level.

    257 frequencies → stem (÷ 4) → encoder (÷ 2: 33 bands) → bottleneck: a dilated MPICM before each pair of HADFs
    (time, then frequency) and one after → back up by sub-pixel convolutions, with the features of the way down added.
    The last layer gives a bounded mask and a positive rest for the magnitude and, for the phase, a real gain on the
    input's phasor and an equivariant rest.

    Equivariance: rotates (magnitude out invariant), on spectra.

    Args:
        config: sizes and reach.
    """

    config: RENetLiteConfig

    def __init__(self, config: RENetLiteConfig) -> None:
        super().__init__(config)
        stem, core, bands = config.stem_channels, config.channels, config.bands

        def mpicm(
            inputs: tuple[int, int], outputs: tuple[int, int], freqs: int, dilation: int = 1, **geometry: Any
        ) -> MPICM:
            ahead = 0 if config.causal else dilation
            return MPICM(inputs, outputs, freqs, norm_over=ONE_FRAME, dilation=dilation, lookahead=ahead, **geometry)

        self.stem = mpicm(
            (1, 2),
            stem,
            config.stem_bands,
            kernel=(3, 2 * config.stem_stride),
            stride=config.stem_stride,
            pad_freqs=_padding(config.freqs, config.stem_bands, config.stem_stride),
        )
        self.encoder = MPICM(
            stem,
            core,
            bands,
            norm_over=ONE_FRAME,
            kernel=(1, 2 * config.stride),
            stride=config.stride,
            pad_freqs=_padding(config.stem_bands, bands, config.stride),
        )
        self.band_embedding = nn.Parameter(torch.zeros(core[0], 1, bands))
        self.convolutions = nn.ModuleList(mpicm(core, core, bands, dilation) for dilation in config.dilations)
        self.time_blocks = nn.ModuleList(
            LiteHADF(core, config.heads, "frames", (config.lookback_frames, ahead), config.groups)
            for ahead in config.attention_lookahead
        )
        self.band_blocks = nn.ModuleList(LiteHADF(core, config.heads, "freqs") for _ in range(config.blocks))
        self.magnitude_up = SubPixelMagnitudeConv2d(core[0], stem[0], (1, 3), config.stride)
        self.phase_up = SubPixelComplexConv2d(core[1], stem[1], (1, 3), config.stride)
        self.decoder = mpicm(stem, stem, config.stem_bands)
        self.magnitude_out = SubPixelMagnitudeConv2d(stem[0], 3, (1, 3), config.stem_stride)
        self.phase_out = SubPixelComplexConv2d(stem[1], 1, (1, 3), config.stem_stride)
        # A rest near nothing at first, but never with a gradient of 0: with a ReLU, denoising alone switched it off for
        # good, and no band could be widened afterwards.
        with torch.no_grad():
            self.magnitude_out.convolution.bias[1::3] = REST_BIAS

    def forward_spectrum(
        self, magnitude: Float[Tensor, "batch frames freqs"], phasor: Float[Tensor, "batch 2 frames freqs"]
    ) -> tuple[Float[Tensor, "batch frames freqs"], Float[Tensor, "batch 2 frames freqs"]]:
        """The network itself: compressed magnitude and phasor S / √(|S|² + ε) in, the same of clean speech out."""
        check_spectrum(magnitude, phasor, self.config.freqs)
        real_in = magnitude.unsqueeze(1)
        pair_in = torch.stack([phasor, phasor * real_in], dim=2)
        stem_real, stem_pair = self.stem(real_in, pair_in)
        skip_real, skip_pair = self.encoder(stem_real, stem_pair)
        real, pair = skip_real + self.band_embedding, skip_pair
        *convolutions, last = self.convolutions
        for convolution, along_time, across_bands in zip(convolutions, self.time_blocks, self.band_blocks, strict=True):
            new_real, new_pair = convolution(real, pair)
            real, pair = across_bands(*along_time(real + new_real, pair + new_pair))
        new_real, new_pair = last(real, pair)
        real, pair = real + new_real + skip_real, pair + new_pair + skip_pair
        real = self.magnitude_up(real)[..., : self.config.stem_bands] + stem_real
        pair = self.phase_up(pair)[..., : self.config.stem_bands] + stem_pair
        real, pair = self.decoder(real, pair)
        mask, rest, gain = self.magnitude_out(real)[..., : self.config.freqs].unbind(dim=1)
        turned = (1 + gain).unsqueeze(1) * phasor + self.phase_out(pair)[..., : self.config.freqs].squeeze(2)
        return 1.5 * torch.sigmoid(mask) * magnitude + nn.functional.softplus(rest), unit(turned)


def _padding(inputs: int, outputs: int, stride: int) -> tuple[int, int]:
    """Zeros below and above that let a kernel twice as wide as its stride give `outputs` frequencies."""
    missing = (outputs - 1) * stride + 2 * stride - inputs
    return missing // 2, missing - missing // 2
