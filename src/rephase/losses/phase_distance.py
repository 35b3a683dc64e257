"""Phase distance as a loss: the error of the phase, weighted by the clean magnitude, in radians.

    PD = Σ |S| f(φ̂ − φ) / Σ |S|,      f(x) = |x − 2π round(x / 2π)|

(Choi et al., 2019.) In degrees it is the metric `rephase.metrics.pd_deg`. Its gradient says in which direction a phase
must turn, never how strong a magnitude shall be.
"""

from jaxtyping import Float
from torch import Tensor

from rephase.losses.phase_errors import phase_errors_of, weighted_mean


def phase_distance_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    n_fft: int = 400,
    hop_length: int = 100,
) -> Float[Tensor, ""]:
    """The mean phase distance of a batch, 0 … π; the level of neither waveform matters.

    Args:
        estimate: enhanced waveform, longer than half a window.
        reference: clean waveform; an item that is silent counts as 0.
        n_fft: length of the DFT and of its Hann window, samples; the default is the metric's at 16 kHz.
        hop_length: samples.
    """
    error, magnitude = phase_errors_of(estimate=estimate, reference=reference, n_fft=n_fft, hop_length=hop_length)
    return weighted_mean(error, magnitude).mean()
