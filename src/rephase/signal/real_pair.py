"""Complex numbers as real pairs: index 0 of dimension 1 holds the real, index 1 the imaginary part.

A network of real pairs trains in bfloat16, compiles, and exports to a graph without complex operators.
"""

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def to_pair(values: Complex[Tensor, "batch ..."]) -> Float[Tensor, "batch 2 ..."]:
    """A complex tensor as a real pair along dimension 1.

    >>> to_pair(torch.tensor([[1 + 2j]])).tolist()
    [[[1.0], [2.0]]]
    """
    return torch.stack([values.real, values.imag], dim=1)


def from_pair(pair: Float[Tensor, "batch 2 ..."]) -> Complex[Tensor, "batch ..."]:
    """The complex tensor of a real pair; the inverse of `to_pair`."""
    return torch.complex(pair[:, 0], pair[:, 1])


def modulus(pair: Float[Tensor, "batch 2 ..."], eps: float = 1e-12) -> Float[Tensor, "batch ..."]:
    """√(re² + im² + eps), with eps inside the root so that the gradient at 0 is 0 and not NaN."""
    return (pair[:, 0].square() + pair[:, 1].square() + eps).sqrt()


def unit(pair: Float[Tensor, "batch 2 ..."], eps: float = 1e-12) -> Float[Tensor, "batch 2 ..."]:
    """Phasor z / √(|z|² + eps): on the unit circle, and 0 where z is 0, so that x and −x always stay opposite."""
    return pair / modulus(pair, eps).unsqueeze(1)


def rotate(pair: Float[Tensor, "batch 2 ..."], rotation: float) -> Float[Tensor, "batch 2 ..."]:
    """e^{jθ} z for the rotation θ in radians."""
    cosine, sine = math.cos(rotation), math.sin(rotation)
    return torch.stack([cosine * pair[:, 0] - sine * pair[:, 1], sine * pair[:, 0] + cosine * pair[:, 1]], dim=1)
