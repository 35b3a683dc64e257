"""A microphone that is driven too hard: everything beyond a threshold is cut off.

    y = max(−c, min(c, x)),   c = max |x| · 10^(−D / 20)

D is how far below its peak a recording is clipped, whatever its level.
"""

from jaxtyping import Float
from torch import Tensor


def clip(waveform: Float[Tensor, "batch time"], below_peak_db: Float[Tensor, " batch"]) -> Float[Tensor, "batch time"]:
    """Clips each item.

    Args:
        waveform: any scale.
        below_peak_db: D of each item; 0 leaves it as it is.

    >>> import torch
    >>> clip(torch.tensor([[0.5, -1.0]]), torch.tensor([20.0])).round(decimals=4)
    tensor([[ 0.1000, -0.1000]])
    """
    threshold = waveform.abs().amax(-1, keepdim=True) * 10 ** (-below_peak_db.unsqueeze(-1) / 20)
    return waveform.clamp(-threshold, threshold)
