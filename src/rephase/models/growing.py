"""A larger `renet-lite` that begins with what a smaller one has learned, rather than at random.

The smaller network's channels become the first ones of the larger one, its blocks the first blocks. What is new says
nothing at first, and learns after the first steps: the weights that make a new feature of a stream are 0 while those
that read it are random; inside a block, new units are random and the weights that read them 0, and of an attention the
new queries are 0 and the new keys random. So the larger network begins with the function of the smaller one (Chen,
Goodfellow and Shlens, 2016: arXiv:1511.05641), but for two things: ε of the norms weighs a little more beside a mean
over more channels, and more blocks share what the attentions along time look ahead.
"""

import math
import re

import torch
from torch import Tensor

from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig

GROWS = ("stem_channels", "channels", "blocks", "dilations")
MAKES_FEATURES = r"(_convolution|_up\.convolution|attention\.\w+_out|contract)\.(weight\w*|bias)$"
READS_UNITS = r"(attention\.\w+_out|contract)\.weight\w*$"
MAKES_QUERIES = r"attention\.\w+_in\.weight\w*$"
ENDS_A_NEW_PART = r"(attention\.\w+_out|contract)\.\w+$|^convolutions\.\d+\.\w+_norm\."


def can_grow(small: RENetLiteConfig, large: RENetLiteConfig) -> bool:
    """Whether a network can begin with the weights of a smaller one, or of one like it.

    Args:
        small: configuration of the smaller one.
        large: its own: channels and blocks may be more, all else must be the same.
    """
    ours, theirs = small.to_dict(), large.to_dict()
    widths = [(*config.stem_channels, *config.channels) for config in (small, large)]
    return (
        all(narrow <= wide for narrow, wide in zip(*widths))
        and large.dilations[: small.blocks + 1] == small.dilations
        and all(ours[name] == theirs[name] for name in ours if name not in GROWS)
    )


@torch.no_grad()
def grow(small: RENetLite, large: RENetLite) -> None:
    """Gives a network that is fresh from its maker the weights of a smaller one, and its level (`makeup`).

    Args:
        small: the smaller one.
        large: the larger one; its random weights stay where something new is made or read.

    Raises:
        ValueError: If it can't begin with these weights, see `can_grow`.
    """
    if not can_grow(small.config, large.config):
        raise ValueError(
            "large must have the channels, blocks and dilations of small, or more after these, and all else as it has; "
            f"got {small.config} and {large.config}."
        )
    theirs = dict(small.named_parameters())
    for name, parameter in large.named_parameters():
        if name in theirs:
            _widen(name, theirs[name], parameter, small.config, large.config)
        elif re.search(ENDS_A_NEW_PART, name):
            parameter.zero_()
    large.makeup.copy_(small.makeup)


def _widen(name: str, old: Tensor, new: Tensor, small: RENetLiteConfig, large: RENetLiteConfig) -> None:
    """Puts a parameter of the smaller network into that of the larger one."""
    rows = _places(len(old), len(new), _parts(name, large))
    if re.search(MAKES_FEATURES, name):
        new[_others(rows, len(new))] = 0.0
    if re.search(MAKES_QUERIES, name):
        queries = torch.arange(len(new)) < len(new) // 3
        new[queries & _others(rows, len(new))] = 0.0
        scale = math.sqrt(_head_size(large) / _head_size(small))  # scores are divided by the root of that
        old = torch.cat([scale * old[: len(old) // 3], old[len(old) // 3 :]])
    if name.endswith("_norm.gain"):
        old = math.sqrt(len(old) / len(new)) * old  # the mean square falls, as new features are 0
    if ".weight" not in name:
        new[rows] = old
        return
    reads_units = re.search(READS_UNITS, name) is not None
    columns = _places(old.shape[1], new.shape[1], large.heads if reads_units and ".attention." in name else 1)
    if reads_units:
        new[:, _others(columns, new.shape[1])] = 0.0
    new[rows[:, None], columns] = old


def _parts(name: str, config: RENetLiteConfig) -> int:
    """How many parts the first dimension of a parameter has, each of which grows."""
    if re.search(MAKES_QUERIES, name):
        return 3 * config.heads  # queries, keys and values of each head
    if ".expand." in name:
        return 2  # values and gates
    return config.stride if "_up." in name else 1


def _head_size(config: RENetLiteConfig) -> int:
    return (config.channels[0] + 2 * config.channels[1]) // config.heads


def _places(old: int, new: int, parts: int) -> Tensor:
    """Where the entries of a dimension go, each of whose parts grows at its end."""
    return torch.arange(new).view(parts, -1)[:, : old // parts].flatten()


def _others(places: Tensor, size: int) -> Tensor:
    """Whether each entry of a dimension is new."""
    new = torch.ones(size, dtype=torch.bool)
    new[places] = False
    return new
