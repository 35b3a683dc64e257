"""What a network costs: learned numbers and multiply-accumulates, counted and not estimated.

torch's counter of operations runs along. Convolutions and matrix products count as the layers compute them: each
complex product is four real ones, attention scores its whole window, the recurrence its gates at every place. STFT, its
inverse, norms and other operations on single points don't count.
"""

import copy

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from rephase.models.network import Network
from rephase.models.renet_lite import RENetLite


def count_parameters(network: torch.nn.Module) -> int:
    """How many learned numbers a network holds.

    Args:
        network: any module.

    Returns:
        The sum over all parameters; constants such as windows don't count.
    """
    return sum(parameter.numel() for parameter in network.parameters())


def gmac_per_second(network: Network) -> float:
    """1e9 multiply-accumulates for a second of audio.

    Of `renet-lite` in the steady state, which is what a long recording costs: the difference between four blocks of the
    attention along time and two leaves out what happens at the ends. Of the published networks on a clip of one second,
    as their authors count; their attention along time grows with the square of the length (`gmac_of_clip`).

    Args:
        network: its weights don't matter.

    Returns:
        GMAC/s.
    """
    if not isinstance(network, RENetLite):
        return gmac_of_clip(network, 1.0)
    config = network.config
    block = config.lookback_frames * config.hop_length
    longer, shorter = (_multiply_accumulates(network, count * block - config.hop_length) for count in (4, 2))
    return (longer - shorter) / (2 * block / config.sample_rate) / 1e9


def gmac_of_clip(network: Network, seconds: float) -> float:
    """1e9 multiply-accumulates for a second of a clip, all of it in one call.

    Args:
        network: its weights don't matter.
        seconds: length of the clip, s.

    Returns:
        GMAC/s.
    """
    return _multiply_accumulates(network, round(seconds * network.config.sample_rate)) / seconds / 1e9


def _multiply_accumulates(network: Network, length: int) -> int:
    # On the CPU, where a recurrence is made of matrix products, and with the plain form of attention: the counter knows
    # products, but not every fused kernel.
    counted = copy.deepcopy(network).cpu()
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        counted(torch.zeros(1, length))
    return counter.get_total_flops() // 2
