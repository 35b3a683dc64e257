"""Scale-invariant signal-to-distortion ratio as a loss (Le Roux et al., 2019), in dB and negative.

SI-SDR = 10 log₁₀(‖αs‖² / ‖αs − ŝ‖²),      α = ⟨ŝ, s⟩ / ‖s‖²
"""

import torch
from jaxtyping import Float
from torch import Tensor


def si_sdr_loss(
    *, estimate: Float[Tensor, "batch time"], reference: Float[Tensor, "batch time"], eps: float = 1e-6
) -> Float[Tensor, ""]:
    """Minus the mean SI-SDR; `eps` in both powers bounds it at silence, where its gradient is 0.

    Args:
        estimate: enhanced waveform.
        reference: clean waveform.
        eps: power per item added to numerator and denominator.
    """
    scale = (estimate * reference).sum(-1, keepdim=True) / (reference.square().sum(-1, keepdim=True) + eps)
    target = scale * reference
    ratio = (target.square().sum(-1) + eps) / ((estimate - target).square().sum(-1) + eps)
    return -10 * torch.log10(ratio).mean()
