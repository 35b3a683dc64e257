"""Gated feed-forward networks of the two streams, point by point: no recurrence, so all frames run in parallel."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

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
