"""Root-mean-square norms (Zhang & Sennrich, 2019) over stated axes of the features.

The axes decide how far a norm looks: channels alone see one point, channels and frequencies one frame, frames and
frequencies the whole input. The complex norm divides by the root-mean-square modulus and multiplies by a real gain:
both are blind to a rotation.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

EPS = (1e-5, 1e-7)
"""ε of the norms of magnitude and phase features, as published."""

AXES = {"channels": -3, "frames": -2, "freqs": -1}


def _dimensions(over: Sequence[str]) -> tuple[int, ...]:
    unknown = set(over) - set(AXES)
    if unknown or not over:
        raise ValueError(f"over must name axes out of {', '.join(AXES)}; got {tuple(over)}. Try ('channels',).")
    return tuple(AXES[axis] for axis in over)


def _mean(power: Tensor, dimensions: tuple[int, ...]) -> Tensor:
    """The mean over stated dimensions; in a graph for ONNX, over frames first.

    ONNX Runtime adds up one value after the other: over a whole input at once its float32 sum is 1e-5 off, and phases
    of features near 0 show it. Two short sums after each other are as exact as torch's one, which is the faster here.
    """
    frames = AXES["frames"]
    if frames in dimensions and torch.compiler.is_exporting():
        power = power.mean(frames, keepdim=True)
        dimensions = tuple(dimension for dimension in dimensions if dimension != frames) or (frames,)
    return power.mean(dimensions, keepdim=True)


class RMSNorm(nn.Module):
    """m / √(mean m² + eps) · gain + bias of magnitude features.

    Equivariance: invariant.

    Args:
        channels: number of channels.
        over: axes of the mean, out of `channels`, `frames`, `freqs`.
        bias: whether a bias per channel is added.
        eps: added to the mean square.
    """

    def __init__(
        self, channels: int, over: Sequence[str] = ("channels",), *, bias: bool = False, eps: float = EPS[0]
    ) -> None:
        super().__init__()
        self.dimensions, self.eps = _dimensions(over), eps
        self.gain = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1)) if bias else None

    def forward(
        self, magnitude: Float[Tensor, "batch channels frames freqs"]
    ) -> Float[Tensor, "batch channels frames freqs"]:
        """Normalises; the shape stays."""
        mean_square = _mean(magnitude.square(), self.dimensions)
        normalised = magnitude * torch.rsqrt(mean_square + self.eps) * self.gain
        return normalised if self.bias is None else normalised + self.bias


class ComplexRMSNorm(nn.Module):
    """z / √(mean |z|² + eps) · gain of phase features, the gain real and without a bias.

    Equivariance: rotates.

    Args:
        channels: number of complex channels.
        over: axes of the mean, out of `channels`, `frames`, `freqs`.
        freqs: number of frequencies, for a gain per (channel, frequency); by default a gain per channel.
        eps: added to the mean square.
    """

    def __init__(
        self, channels: int, over: Sequence[str] = ("channels",), *, freqs: int | None = None, eps: float = EPS[1]
    ) -> None:
        super().__init__()
        self.dimensions, self.eps = _dimensions(over), eps
        self.gain = nn.Parameter(torch.ones(channels, 1, freqs or 1))

    def forward(
        self, phase: Float[Tensor, "batch 2 channels frames freqs"]
    ) -> Float[Tensor, "batch 2 channels frames freqs"]:
        """Normalises; the shape stays."""
        mean_power = 2 * _mean(phase.square(), (1, *self.dimensions))
        return phase * torch.rsqrt(mean_power + self.eps) * self.gain
