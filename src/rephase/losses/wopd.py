"""Weighted omnidirectional phase distance as a loss: the phase and its differences to all eight neighbours.

    WOPD = 1/9 Σ_d  Σ |S| f(∂_d φ̂ − ∂_d φ) / Σ |S|      in radians, 0 … π

with d the identity and the differences φ[k, t] − φ[k + i, t + j] for i, j ∈ {−1, 0, 1}, not both 0 (Wang et al.,
arXiv:2602.08556); |S| is taken at [k, t], and a direction's sums run over the places that have that neighbour. It is
the metric `rephase.metrics.wopd_rad`.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.losses.phase_errors import phase_error_of_pairs, phase_errors_of, weighted_mean


def wopd_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int = 400,
    hop_length: int = 100,
) -> Float[Tensor, ""]:
    """The mean weighted omnidirectional phase distance of a batch; the level of neither waveform matters.

    Args:
        estimate: enhanced waveform, longer than half a window and with two frames at least.
        reference: clean waveform; an item that is silent counts as 0.
        n_fft: length of the DFT and of its Hann window, samples; the default is the metric's at 16 kHz.
        hop_length: samples.
    """
    error, magnitude = phase_errors_of(estimate=estimate, reference=reference, n_fft=n_fft, hop_length=hop_length)
    return wopd_of_errors(error, magnitude).mean()


def wopd_loss_of_pairs(
    *, estimate: Float[Tensor, "batch 2 frames freqs"], reference: Float[Tensor, "batch 2 frames freqs"]
) -> Float[Tensor, ""]:
    """The same of a network's own phasor, before it becomes a waveform.

    Args:
        estimate: phasor or spectrum as a real pair, two frames or more; its magnitude doesn't matter.
        reference: clean spectrum, uncompressed: its magnitude is the weight. An item that is silent counts as 0.
    """
    error = phase_error_of_pairs(estimate=estimate, reference=reference)
    magnitude = torch.hypot(reference[:, 0], reference[:, 1]).detach().transpose(1, 2)
    return wopd_of_errors(error, magnitude).mean()


def wopd_of_errors(
    error: Float[Tensor, "batch freqs frames"], magnitude: Float[Tensor, "batch freqs frames"]
) -> Float[Tensor, " batch"]:
    """The mean over the nine directions, of phase errors Δ (f(∂φ̂ − ∂φ) = f(∂Δ)) weighted by a magnitude.

    Args:
        error: Δ, radians.
        magnitude: of the reference.

    Returns:
        Radians, 0 … π, for each item.
    """
    freqs, frames = error.shape[1:]
    directions = [weighted_mean(error, magnitude)]
    # A difference and its opposite have the same size and two places: each of four is weighed at both its ends.
    for i, j in ((1, 0), (0, 1), (1, 1), (1, -1)):
        here = error[:, : freqs - i, max(0, -j) : frames - max(0, j)]
        there = error[:, i:, max(0, j) : frames - max(0, -j)]
        difference = there - here
        weight_here = magnitude[:, : freqs - i, max(0, -j) : frames - max(0, j)]
        weight_there = magnitude[:, i:, max(0, j) : frames - max(0, -j)]
        directions += [weighted_mean(difference, weight_here), weighted_mean(difference, weight_there)]
    return torch.stack(directions).mean(0)
