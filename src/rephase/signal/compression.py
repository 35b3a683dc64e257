"""Power-law compression of magnitudes, m = (|S|² + ε)^{c/2}, and the way back, m^{1/c}.

Loudness grows about with the 0.3rd power of amplitude (Stevens, 1955); on that scale soft harmonics weigh in a
loss. ε keeps the gradient finite in silence. With the same ε the phasor S / √(|S|² + ε) makes the round trip exact:
decompress(compress(|S|²)) · phasor = S, also where S = 0.
"""

import torch
from jaxtyping import Float
from torch import Tensor

EPS = 1e-10


def compress(power: Float[Tensor, "..."], exponent: float = 0.3) -> Float[Tensor, "..."]:
    """Compressed magnitude of a power spectrum (magnitude², ≥ 0); at least ε^{c/2}."""
    return (power + EPS) ** (exponent / 2)


def decompress(compressed: Float[Tensor, "..."], exponent: float = 0.3) -> Float[Tensor, "..."]:
    """Linear magnitude √(|S|² + ε) of a compressed one (≥ 0)."""
    return compressed ** (1 / exponent)


def magnitude_and_phasor(
    pair: Float[Tensor, "batch 2 ..."], exponent: float = 0.3
) -> tuple[Float[Tensor, "batch ..."], Float[Tensor, "batch 2 ..."]]:
    """What the networks see of a spectrum: its compressed magnitude, and its phasor S / √(|S|² + ε).

    Args:
        pair: uncompressed spectrum as a real pair.
        exponent: c.
    """
    power = pair.square().sum(dim=1)
    return compress(power, exponent), pair * torch.rsqrt(power + EPS).unsqueeze(1)
