"""Least-squares adversarial losses (Mao et al., 2017), and the same with a metric for a goal (Fu et al., 2019).

A judge D learns to tell the reference s from the estimate ŝ, and the network to be taken for a reference:

    discriminator   Σ_D mean (D(s) − 1)² + mean D(ŝ)²
    generator       Σ_D mean (D(ŝ) − 1)²

as in HiFi-GAN (Kong et al., 2020), summed over its judges. A judge of pairs learns what a metric q ∈ [0, 1] says of
them, and the network to get the best score:

    discriminator   mean (D(s, s) − 1)² + (D(s, ŝ) − q)²
    generator       mean (D(s, ŝ) − 1)²

These functions take what judges said; they know none. Each is a mean over items of a value of the item alone, so that
gradients of parts of a batch, averaged, are those of the whole batch. For a discriminator, detach the estimate before
it is judged.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def discriminator_loss(
    *, estimate: Sequence[Float[Tensor, "batch _"]], reference: Sequence[Float[Tensor, "batch _"]]
) -> Float[Tensor, ""]:
    """What judges minimise: scores of 1 for references and of 0 for estimates.

    Args:
        estimate: scores of each judge for the estimates.
        reference: scores of each judge for the references.

    Raises:
        ValueError: If there are no judges, or not as many for both.
    """
    _check(len(estimate), len(reference))
    missed = [ours.square().mean() + (theirs - 1).square().mean() for ours, theirs in zip(estimate, reference)]
    return torch.stack(missed).sum()


def generator_loss(*, estimate: Sequence[Float[Tensor, "batch _"]]) -> Float[Tensor, ""]:
    """What the network minimises: scores of 1 for its estimates.

    Args:
        estimate: scores of each judge for the estimates.

    Raises:
        ValueError: If there are no judges.
    """
    _check(len(estimate), len(estimate))
    return torch.stack([(scores - 1).square().mean() for scores in estimate]).sum()


def metric_discriminator_loss(
    *,
    estimate: Float[Tensor, " batch"],
    reference: Float[Tensor, " batch"],
    label: Float[Tensor, " batch"],
) -> Float[Tensor, ""]:
    """What a judge of pairs minimises: the metric's score for (reference, estimate), 1 for (reference, reference).

    Args:
        estimate: D(s, ŝ).
        reference: D(s, s).
        label: score of (s, ŝ), 1 for the best; NaN where the metric has none. Such an item counts as 0, and the
            mean is over all items.
    """
    known = ~label.isnan()
    error = (reference - 1).square() + (estimate - torch.where(known, label, 0)).square()
    return torch.where(known, error, 0).mean()


def metric_generator_loss(*, estimate: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """What the network minimises: the best score for its estimates.

    Args:
        estimate: D(s, ŝ).
    """
    return (estimate - 1).square().mean()


def _check(ours: int, theirs: int) -> None:
    if not ours or ours != theirs:
        raise ValueError(
            f"estimate and reference must hold the scores of the same judges, at least one; got {ours} and {theirs}."
        )
