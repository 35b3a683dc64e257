"""Phase differences, wrapped: f(x) = |x − 2π·round(x / 2π)| ∈ [0, π] (Ai & Ling, 2023, arXiv:2211.15974)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def wrap(angle: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The angle in [−π, π] that stands for the same rotation, radians.

    >>> round(wrap(torch.tensor(3 * math.pi / 2)).item(), 4)
    -1.5708
    """
    return angle - 2 * math.pi * torch.round(angle / (2 * math.pi))


def wrapped_distance(angle: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """f(x) = |wrap(x)|, the distance on the circle, in 0 … π radians."""
    return wrap(angle).abs()


def frequency_difference(phase: Float[Tensor, "batch freqs frames"]) -> Float[Tensor, "batch freqs_1 frames"]:
    """φ[f + 1, t] − φ[f, t], unwrapped as it comes: minus 2π / N times the group delay in samples."""
    return phase.diff(dim=-2)


def time_difference(phase: Float[Tensor, "batch freqs frames"]) -> Float[Tensor, "batch freqs frames_1"]:
    """φ[f, t + 1] − φ[f, t], unwrapped as it comes: the hop times the instantaneous angular frequency."""
    return phase.diff(dim=-1)
