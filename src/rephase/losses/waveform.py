"""Absolute error of the waveform itself: mean |ŝ − s|, in units of full scale."""

from jaxtyping import Float
from torch import Tensor


def waveform_loss(
    *, estimate: Float[Tensor, "batch time"], reference: Float[Tensor, "batch time"]
) -> Float[Tensor, ""]:
    """Mean absolute error; it grows with the level of the pair.

    Args:
        estimate: enhanced waveform.
        reference: clean waveform.
    """
    return (estimate - reference).abs().mean()
