"""Gates by which each stream scales the other: 3σ(s · (W x + b)), with x the magnitude or the modulus of the phase.

W is a 1×1 convolution with weight 0 and bias −ln 2 at the start, s a slope per (channel, frequency), 1 at the start: so
each gate starts at exactly 3σ(−ln 2) = 1 and lets its stream pass. It is real and blind to a rotation of the phase.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.signal.real_pair import modulus


class _Gate(nn.Module):
    def __init__(self, inputs: int, outputs: int, freqs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.full((outputs,), -math.log(2)))
        self.slope = nn.Parameter(torch.ones(outputs, 1, freqs))

    def gate(self, control: Tensor) -> Tensor:
        return 3 * torch.sigmoid(self.slope * nn.functional.conv2d(control, self.weight, self.bias))


class MagnitudeToPhaseGate(_Gate):
    """Scales the phase stream by what the magnitude stream says.

    Equivariance: rotates.

    Args:
        magnitude_channels, phase_channels: channels of the two streams.
        freqs: number of frequencies.
    """

    def __init__(self, magnitude_channels: int, phase_channels: int, freqs: int) -> None:
        super().__init__(magnitude_channels, phase_channels, freqs)

    def forward(
        self,
        magnitude: Float[Tensor, "batch magnitude_channels frames freqs"],
        phase: Float[Tensor, "batch 2 phase_channels frames freqs"],
    ) -> Float[Tensor, "batch 2 phase_channels frames freqs"]:
        """The gated phase features."""
        return phase * self.gate(magnitude).unsqueeze(1)


class PhaseToMagnitudeGate(_Gate):
    """Scales the magnitude stream by the modulus of the phase stream.

    Equivariance: invariant.

    Args:
        magnitude_channels, phase_channels: channels of the two streams.
        freqs: number of frequencies.
    """

    def __init__(self, magnitude_channels: int, phase_channels: int, freqs: int) -> None:
        super().__init__(phase_channels, magnitude_channels, freqs)

    def forward(
        self,
        magnitude: Float[Tensor, "batch magnitude_channels frames freqs"],
        phase: Float[Tensor, "batch 2 phase_channels frames freqs"],
    ) -> Float[Tensor, "batch magnitude_channels frames freqs"]:
        """The gated magnitude features."""
        return magnitude * self.gate(modulus(phase))
