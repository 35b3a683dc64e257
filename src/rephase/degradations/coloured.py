"""Noise whose power goes with a power of the frequency: brown, pink, white, blue, violet, and all between.

White noise, filtered in the frequency domain of the whole crop so that

    P(f) ∝ f^α,  f ≥ 20 Hz;  P(f) = P(20 Hz) below, and nothing at 0 Hz

α = −2 is brown noise (−6 dB an octave), −1 pink (−3 dB), 0 white, 1 blue, 2 violet. What real noise lacks, a recording
doesn't have to bring: the slope of most fans, tyres and wind lies in between.
"""

import torch
from jaxtyping import Float
from torch import Tensor

LOWEST_HZ = 20.0


def coloured_noise(
    white: Float[Tensor, "batch time"], slope: Float[Tensor, " batch"], *, sample_rate: int
) -> Float[Tensor, "batch time"]:
    """Gives white noise a colour.

    Args:
        white: normally distributed, as torch.randn gives it; at least two samples.
        slope: α of each item, −2 … 2 for the colours that have a name.
        sample_rate: Hz.

    Returns:
        Noise with a root mean square of 1.

    >>> noise = coloured_noise(torch.randn(1, 16000), torch.tensor([-1.0]), sample_rate=16000)
    >>> noise.square().mean().item()
    1.0
    """
    length = white.shape[-1]
    freqs = torch.fft.rfftfreq(length, 1 / sample_rate).to(white.device)
    gain = (freqs.clamp_min(LOWEST_HZ) / 1000) ** (0.5 * slope.unsqueeze(-1)) * (freqs > 0)
    noise = torch.fft.irfft(torch.fft.rfft(white) * gain, n=length)
    return noise / noise.square().mean(-1, keepdim=True).clamp_min(1e-24).sqrt()
