"""A larger network that begins with a smaller one's weights: the same function, and all of it learns."""

from dataclasses import replace

import pytest
import torch

from rephase.models.growing import can_grow, grow
from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig

# Causal, so that more blocks leave the attentions' reach as it is.
SMALL = RENetLiteConfig(
    stem_channels=(4, 2), channels=(8, 4), heads=2, blocks=1, dilations=(1, 2), lookback_frames=8, lookahead_frames=0
)
DEEPER = {"blocks": 3, "dilations": (1, 2, 1, 4)}


@pytest.fixture
def small() -> RENetLite:
    """With weights as after a training: none of them is what it began with."""
    network = RENetLite(SMALL).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.2 * torch.randn_like(parameter)
        network.makeup.fill_(1.1)
    return network


def grown(small: RENetLite, **changes) -> RENetLite:
    large = RENetLite(replace(small.config, **changes)).double()
    grow(small, large)
    return large


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"channels": (10, 4)},
        {"channels": (8, 6)},
        {"stem_channels": (6, 2)},
        {"stem_channels": (4, 3)},
        {"channels": (12, 8), "stem_channels": (5, 5)},
        DEEPER,
        {"channels": (12, 8), "stem_channels": (5, 5), **DEEPER},
    ],
    ids=str,
)
def test_the_function_stays(small, changes):
    waveform = 0.1 * torch.randn(2, 8000, dtype=torch.float64)
    with torch.no_grad():
        before, after = small(waveform), grown(small, **changes)(waveform)
    assert (before - waveform).norm() > 0.1 * waveform.norm(), "the small one does something"
    # ε of the norms weighs more beside a mean square that new features of 0 have lowered.
    assert (after - before).norm() < 1e-3 * before.norm()


def test_everything_learns(small):
    large = grown(small, channels=(12, 8), stem_channels=(5, 5), **DEEPER)
    begun = {name: parameter.detach().clone() for name, parameter in large.named_parameters()}
    optimizer = torch.optim.Adam(large.parameters(), 1e-3)
    for _ in range(5):  # what is read by weights of 0 gets no gradient before these have moved
        optimizer.zero_grad()
        (large(0.1 * torch.randn(2, 8000, dtype=torch.float64)) ** 2).mean().backward()
        optimizer.step()
    for name, parameter in large.named_parameters():
        assert parameter.isfinite().all(), name
        assert (parameter != begun[name]).all(), name


def test_new_channels_learn_different_things(small):
    large = grown(small, channels=(12, 8))
    (large(0.1 * torch.randn(2, 8000, dtype=torch.float64)) ** 2).mean().backward()
    gradient = large.convolutions[0].magnitude_convolution.weight.grad
    new = gradient[SMALL.channels[0] :].flatten(1)
    assert torch.linalg.matrix_rank(new) == len(new)


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": (6, 4)},
        {"stem_channels": (4, 1)},
        {"blocks": 2, "dilations": (1, 4, 2)},
        {"heads": 1},
        {"channels": (12, 6), "heads": 3},  # what the small one could not have been made with
        {"lookback_frames": 4},
        {"lookahead_frames": 12},
        {"compression": 0.5},
    ],
    ids=str,
)
def test_what_is_no_larger_network_is_refused(small, changes):
    large = replace(SMALL, **changes)
    assert not can_grow(SMALL, large)
    with pytest.raises(ValueError, match=r"large must have the channels, blocks and dilations of small, or more"):
        grow(small, RENetLite(large).double())


def test_the_presets_grow_into_each_other():
    from rephase.models.presets import RENET_LITE, RENET_LITE_CAUSAL, RENET_MEDIUM

    assert can_grow(RENET_LITE, RENET_MEDIUM)
    assert not can_grow(RENET_MEDIUM, RENET_LITE)
    assert not can_grow(RENET_LITE_CAUSAL, RENET_MEDIUM)
