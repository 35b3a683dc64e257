"""Complex-linear map of channels, W z with W = Wr + jWi, as one real matrix product on stacked pairs.

(Wr + jWi)(x + jy) = (Wr x − Wi y) + j(Wi x + Wr y), that is [[Wr, −Wi], [Wi, Wr]] · [x; y]. W commutes with e^{jθ};
a bias would not, so there is none.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def block_weight(real: Float[Tensor, "out in *kernel"], imaginary: Float[Tensor, "out in *kernel"]) -> Tensor:
    """The real weight [[Wr, −Wi], [Wi, Wr]] of shape [2·out, 2·in, *kernel] that acts on stacked pairs."""
    return torch.cat([torch.cat([real, -imaginary], dim=1), torch.cat([imaginary, real], dim=1)], dim=0)


def complex_weight(*shape: int) -> nn.Parameter:
    """A real or imaginary part; E|W|² = 1 / fan-in over both, so that power is kept (Trabelsi et al., 2018)."""
    fan_in = math.prod(shape[1:])
    return nn.Parameter(torch.randn(*shape) / math.sqrt(2 * fan_in))


class ComplexLinear(nn.Module):
    """Bias-free complex-linear map of the last dimension, which holds all real and then all imaginary parts.

    Equivariance: rotates.

    Args:
        inputs, outputs: complex channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight_real = complex_weight(outputs, inputs)
        self.weight_imaginary = complex_weight(outputs, inputs)

    def forward(self, stacked: Float[Tensor, "*batch two_inputs"]) -> Float[Tensor, "*batch two_outputs"]:
        """Maps [..., 2 · inputs] to [..., 2 · outputs]."""
        return nn.functional.linear(stacked, block_weight(self.weight_real, self.weight_imaginary))
