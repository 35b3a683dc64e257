"""Feed-forward networks of the two streams: those of `renet-lite` point by point, the published ones along an axis.

Point by point there is no recurrence, and all frames run in parallel. The published ones run along the last axis, the
frequencies; whoever wants them along the frames swaps the two axes (`rephase.layers.hadf`).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers.convolution import ComplexConv2d
from rephase.layers.linear import ComplexLinear
from rephase.signal.real_pair import modulus


class GatedFFN(nn.Module):
    """W₂(SiLU(W₁ m) ⊙ V m) of magnitude features (SwiGLU; Shazeer, 2020).

    Equivariance: invariant.

    Args:
        channels: in and out.
        hidden: channels between.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.expand = nn.Linear(channels, 2 * hidden)
        self.contract = nn.Linear(hidden, channels)

    def forward(
        self, magnitude: Float[Tensor, "batch channels frames freqs"]
    ) -> Float[Tensor, "batch channels frames freqs"]:
        """What is to be added to the features."""
        gate, value = self.expand(magnitude.movedim(1, -1)).chunk(2, dim=-1)
        return self.contract(nn.functional.silu(gate) * value).movedim(-1, 1)


class ComplexGatedFFN(nn.Module):
    """W₂(W₁ z ⊙ SiLU(|V z| · gain + bias)) of phase features: the gate is a real function of a modulus.

    Equivariance: rotates.

    Args:
        channels: complex, in and out.
        hidden: complex channels between.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.expand = ComplexLinear(channels, 2 * hidden)
        self.contract = ComplexLinear(hidden, channels)
        self.gate_gain = nn.Parameter(torch.ones(hidden, 1, 1))
        self.gate_bias = nn.Parameter(torch.zeros(hidden, 1, 1))

    def forward(
        self, phase: Float[Tensor, "batch 2 channels frames freqs"]
    ) -> Float[Tensor, "batch 2 channels frames freqs"]:
        """What is to be added to the features."""
        expanded = self.expand(phase.flatten(1, 2).movedim(1, -1)).movedim(-1, 1).unflatten(1, (2, -1))
        value, control = expanded.split(self.hidden, dim=2)
        gated = value * nn.functional.silu(modulus(control) * self.gate_gain + self.gate_bias).unsqueeze(1)
        return self.contract(gated.flatten(1, 2).movedim(1, -1)).movedim(-1, 1).unflatten(1, (2, -1))


class RecurrentFFN(nn.Module):
    """W · dropout(LeakyReLU(BiGRU(m))) of magnitude features, the recurrence along the last axis.

    Equivariance: invariant.

    Args:
        channels: in and out.
        hidden: size of the recurrence's state, in each of its two directions.
        slope: of the LeakyReLU.
        dropout: while training.
    """

    def __init__(self, channels: int, hidden: int, *, slope: float = 0.01, dropout: float = 0.1) -> None:
        super().__init__()
        self.recurrence: nn.Module = nn.GRU(channels, hidden, batch_first=True, bidirectional=True)
        self.activation = nn.LeakyReLU(slope)
        self.dropout = nn.Dropout(dropout)
        self.contract = nn.Linear(2 * hidden, channels)

    def forward(
        self, magnitude: Float[Tensor, "batch channels frames freqs"]
    ) -> Float[Tensor, "batch channels frames freqs"]:
        """What is to be added to the features."""
        frames = magnitude.shape[2]
        sequences = magnitude.permute(0, 2, 3, 1).flatten(0, 1)  # all frames of all items side by side
        states, _ = self.recurrence(sequences)
        mixed = self.contract(self.dropout(self.activation(states)))
        return mixed.unflatten(0, (-1, frames)).permute(0, 3, 1, 2)


class ComplexConvFFN(nn.Module):
    """W₂ ∗ (W₁ ∗ z ⊙ SiLU(LayerNorm(|V ∗ z|))) of phase features, the convolutions along the last axis.

    The first two are full convolutions, which make the axis `kernel` − 1 places longer; the last one gives it its
    length back. (A transposed convolution of stride 1, cut by `kernel` − 1 at both ends, is that convolution with its
    kernel written backwards.)

    Equivariance: rotates.

    Args:
        channels: complex, in and out.
        hidden: complex channels between.
        kernel: places along the axis.
    """

    def __init__(self, channels: int, hidden: int, kernel: int = 4) -> None:
        super().__init__()
        self.hidden = hidden
        self.expand = ComplexConv2d(channels, 2 * hidden, (1, kernel), pad_freqs=(kernel - 1, kernel - 1))
        self.norm = nn.LayerNorm(hidden)
        self.contract = ComplexConv2d(hidden, channels, (1, kernel), pad_freqs=(0, 0))

    def forward(
        self, phase: Float[Tensor, "batch 2 channels frames freqs"]
    ) -> Float[Tensor, "batch 2 channels frames freqs"]:
        """What is to be added to the features."""
        value, control = self.expand(phase).split(self.hidden, dim=2)
        gate = nn.functional.silu(self.norm(modulus(control).movedim(1, -1))).movedim(-1, 1)
        return self.contract(value * gate.unsqueeze(1))
