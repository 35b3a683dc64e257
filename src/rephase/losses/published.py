"""The losses of the published recipes, as one sum each (Wang, Li, Yao & Li, arXiv:2602.08556).

    denoising          0.9 magnitude + 0.3 (IP + GD + IAF) + 0.1 complex + 0.1 consistency + 0.2 time
    phase retrieval    200 WOP

Magnitude, complex and consistency are taken on spectra compressed by 0.3; the two of complex spectra are sums over real
and imaginary part, twice their mean square. The phase terms are those of the network's own phasor. What a discriminator
says is added where there is one, by `rephase.losses.adversarial` and `rephase.losses.feature_matching`.

The published weight of WOP, 2e4, belongs to a sum that is not normalised. Here WOP is at most π, and its weight was
chosen so that it leads and a multi-period discriminator of weight 1 (adversarial + 2 · feature matching) follows: with
200, its gradient at the network's phasor is 14 and 21 times as long as the discriminator's where phases are off by a
standard deviation of 3 and of 1 radian (`python benchmarks/phase_retrieval_weight.py`); 12 and 17 times with the
discriminator as published (`--channels 32 128 512 1024 1024 --steps 25`). Those discriminators have learned from a few
hundred batches at most; where phases are off by 0.3 they tell nothing yet, and one that has learned for long may pull
harder.

All is at the level at which the network works: for the published ones, scale the clean waveform by what the degraded
one was scaled by, to unit RMS.
"""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.losses.compressed_spectrum import complex_loss, magnitude_loss
from rephase.losses.consistency import Analysis, consistency_loss
from rephase.losses.phase_derivatives import derivative_losses_of_pairs
from rephase.losses.waveform import waveform_loss
from rephase.losses.wopd import wopd_loss_of_pairs
from rephase.signal.compression import magnitude_and_phasor

DENOISING: Mapping[str, float] = MappingProxyType(
    {"magnitude": 0.9, "ip": 0.3, "gd": 0.3, "iaf": 0.3, "complex": 0.1, "consistency": 0.1, "time": 0.2}
)
PHASE_RETRIEVAL: Mapping[str, float] = MappingProxyType({"wop": 200.0})


def denoising_loss(
    *,
    magnitude: Float[Tensor, "batch frames freqs"],
    phasor: Float[Tensor, "batch 2 frames freqs"],
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    transforms: Analysis,
    exponent: float = 0.3,
    weights: Mapping[str, float] = DENOISING,
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """The loss of denoising, dereverberation, bandwidth extension and their mixture, without discriminators.

    Args:
        magnitude: compressed, as the network gives it.
        phasor: the network's.
        estimate: the waveform of both.
        reference: clean waveform.
        transforms: of the network.
        exponent: of the compression.
        weights: of the terms, by name.

    Returns:
        The weighted sum, and each term by name, without its weight.

    Raises:
        ValueError: If weights are missing, or name no term.
    """
    with torch.no_grad():
        clean_magnitude, clean_phasor = magnitude_and_phasor(transforms.stft(reference), exponent)
    # In bfloat16 a small error would vanish in the rounding.
    magnitude, phasor = (part.to(torch.promote_types(part.dtype, torch.float32)) for part in (magnitude, phasor))
    compressed = magnitude.unsqueeze(1) * phasor
    terms = {
        "magnitude": magnitude_loss(estimate=magnitude, reference=clean_magnitude),
        **derivative_losses_of_pairs(estimate=phasor, reference=clean_phasor),
        "complex": complex_loss(estimate=compressed, reference=clean_magnitude.unsqueeze(1) * clean_phasor),
        "consistency": consistency_loss(
            estimate=compressed, waveform=estimate, transforms=transforms, exponent=exponent
        ),
        "time": waveform_loss(estimate=estimate, reference=reference),
    }
    return weighted_sum(terms, weights), terms


def phase_retrieval_loss(
    *,
    phasor: Float[Tensor, "batch 2 frames freqs"],
    reference: Float[Tensor, "batch time"],
    transforms: Analysis,
    weights: Mapping[str, float] = PHASE_RETRIEVAL,
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """The loss of phase retrieval, without discriminators: WOP, each bin weighted by its clean magnitude.

    Args:
        phasor: the network's.
        reference: clean waveform, at any level.
        transforms: of the network.
        weights: of the term `wop`.

    Returns:
        The weighted sum, and the term by name, without its weight.

    Raises:
        ValueError: If weights are missing, or name no term.
    """
    phasor = phasor.to(torch.promote_types(phasor.dtype, torch.float32))
    terms = {"wop": wopd_loss_of_pairs(estimate=phasor, reference=transforms.stft(reference))}
    return weighted_sum(terms, weights), terms


def weighted_sum(terms: Mapping[str, Float[Tensor, ""]], weights: Mapping[str, float]) -> Float[Tensor, ""]:
    """Σ weight · term.

    Args:
        terms: by name.
        weights: of all of them, by name.

    Raises:
        ValueError: If weights are missing, or name no term.
    """
    if set(terms) != set(weights):
        raise ValueError(f"weights must name the terms {', '.join(terms)}; got {', '.join(weights) or 'none'}.")
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()
