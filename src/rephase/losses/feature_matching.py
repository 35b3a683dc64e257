"""Feature matching: an estimate shall look to a judge, layer by layer, as the reference does.

    L = Σ_D Σ_l mean | D_l(s) − D_l(ŝ) |

(Larsen et al., 2016; the sums over judges D and their layers l as in HiFi-GAN, Kong et al., 2020, which gives it twice
the weight of the adversarial loss.) It is smoother than a judge's verdict, since it says what differs and where.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def feature_matching_loss(
    *,
    estimate: Sequence[Sequence[Float[Tensor, "batch *_"]]],
    reference: Sequence[Sequence[Float[Tensor, "batch *_"]]],
) -> Float[Tensor, ""]:
    """The absolute error of features; the gradient goes to the estimate's alone.

    Args:
        estimate: features of each layer of each judge, for the estimates.
        reference: the same for the references, of equal shapes.

    Raises:
        ValueError: If there are no features, or not as many for both.
    """
    pairs = [
        (ours, theirs)
        for our_layers, their_layers in zip(estimate, reference)
        for ours, theirs in zip(our_layers, their_layers)
    ]
    counts = [sum(len(layers) for layers in judges) for judges in (estimate, reference)]
    if not pairs or counts != [len(pairs), len(pairs)]:
        raise ValueError(
            "estimate and reference must hold the features of the same judges and layers, at least one; got "
            f"{counts[0]} and {counts[1]} features."
        )
    return torch.stack([(ours - theirs.detach()).abs().mean() for ours, theirs in pairs]).sum()
