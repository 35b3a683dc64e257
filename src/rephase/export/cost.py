"""What a network costs: learned numbers and multiply-accumulates, counted and not estimated."""

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from rephase.models.renet_lite import RENetLite


def count_parameters(network: torch.nn.Module) -> int:
    """How many learned numbers a network holds.

    Args:
        network: any module.

    Returns:
        The sum over all parameters; constants such as windows don't count.
    """
    return sum(parameter.numel() for parameter in network.parameters())


def gmac_per_second(network: RENetLite) -> float:
    """1e9 multiply-accumulates for a second of audio, in the steady state.

    torch's counter of operations runs along for four blocks of the attention along time and for two; their difference
    leaves out what happens at the ends. Convolutions and matrix products count as the layers compute them (each complex
    product is four real ones, attention along time scores its whole window of two blocks and the look-ahead). STFT,
    its inverse, norms and other operations on single points don't count.

    Args:
        network: its weights don't matter.

    Returns:
        GMAC/s.
    """
    config = network.config
    block = config.lookback_frames * config.hop_length
    longer, shorter = (_multiply_accumulates(network, count * block - config.hop_length) for count in (4, 2))
    return (longer - shorter) / (2 * block / config.sample_rate) / 1e9


def _multiply_accumulates(network: RENetLite, length: int) -> int:
    device = next(network.parameters()).device
    # The plain form of attention, because the counter knows matrix products but not every fused kernel.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, length, device=device))
    return counter.get_total_flops() // 2
