"""Noise at a stated signal-to-noise ratio, measured where speech is active.

SNR = 10 log₁₀(P_speech / P_noise), P_speech the mean power of those 20 ms blocks that are within 30 dB of the loudest:
pauses do not count, so that a crop with one short word is not drowned. P_noise is the mean power of the whole crop.
"""

from jaxtyping import Float
from torch import Tensor

BLOCK = 320
ACTIVE_RANGE_DB = 30.0


def active_power(waveform: Float[Tensor, "batch time"]) -> Float[Tensor, " batch"]:
    """Mean power of the active blocks of each waveform, at least 1e-12.

    Args:
        waveform: cut into blocks of 320 samples, 20 ms at 16 kHz; a rest at its end is not looked at, unless it is all.
    """
    if waveform.shape[-1] < BLOCK:
        return waveform.square().mean(-1).clamp_min(1e-12)
    power = waveform.unfold(-1, BLOCK, BLOCK).square().mean(-1)
    active = power >= power.amax(-1, keepdim=True) * 10 ** (-ACTIVE_RANGE_DB / 10)
    return ((power * active).sum(-1) / active.sum(-1)).clamp_min(1e-12)


def add_noise(
    speech: Float[Tensor, "batch time"], noise: Float[Tensor, "batch time"], snr_db: Float[Tensor, " batch"]
) -> Float[Tensor, "batch time"]:
    """Speech with the noise scaled to the asked SNR; silent noise adds nothing.

    Args:
        speech: it stays as it is.
        noise: it is scaled.
        snr_db: signal-to-noise ratio of each item, dB.

    >>> import torch
    >>> speech, noise = torch.ones(1, 640), torch.full((1, 640), 0.5)
    >>> add_noise(speech, noise, torch.tensor([20.0])).max().round(decimals=4).item()
    1.1
    """
    noise_power = noise.square().mean(-1).clamp_min(1e-12)
    gain = (active_power(speech) / noise_power * 10 ** (-snr_db / 10)).sqrt()
    return speech + gain.unsqueeze(-1) * noise
