"""The yardstick is the same network: equal output and equal gradients."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rephase.models.presets import RENET_SMALL
from rephase.models.renet import RENet
from rephase.testing import randomise_parameters

FILE = Path(__file__).parents[2] / "benchmarks" / "complex_renet.py"


@pytest.fixture(scope="module")
def pair():
    spec = importlib.util.spec_from_file_location("complex_renet", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = replace(RENET_SMALL, channels=(8, 4), blocks=2, phase_hidden=6, dropout=0.0)
        network = randomise_parameters(RENet(config), seed=1)
        network.decoder.magnitude_out.weight.data.abs_()  # so that the last ReLU lets through
    return network, module.ComplexRENet(network)


def test_equal_output(pair):
    network, plain = pair
    waveform = 0.1 * torch.randn(2, 5000, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, theirs = network(waveform), plain(waveform)
    assert ours.abs().max() > 1e-3
    assert (ours - theirs).norm() <= 1e-4 * ours.norm()


def test_equal_gradients(pair):
    """With regard to the waveform, to a real weight, and to a complex one, whose gradient is ∂Wr + j∂Wi."""
    network, plain = pair
    given = [(0.1 * torch.randn(1, 3000, generator=torch.Generator().manual_seed(2))).requires_grad_() for _ in "ab"]
    for module, waveform in zip((network, plain), given):
        module.zero_grad()
        module(waveform).square().sum().backward()
    ours, theirs = network.encoder.dense.layers[0], plain.encoder_dense.layers[0]
    phase = ours.phase_convolution
    for one, two in (
        (given[0].grad, given[1].grad),
        (ours.magnitude_convolution.weight.grad, theirs.m_conv.weight.grad),
        (torch.complex(phase.weight_real.grad, phase.weight_imaginary.grad), theirs.z_conv.weight.grad),
        (network.bottleneck[1].magnitude_ffn.contract.weight.grad, plain.hadfs[1].contract.grad),
    ):
        assert one.abs().max() > 0
        assert (one - two).norm() <= 1e-3 * one.norm()


def test_as_many_learned_numbers(pair):
    network, plain = pair
    ours = sum(parameter.numel() for parameter in network.parameters())
    assert sum(parameter.numel() * (1 + parameter.is_complex()) for parameter in plain.parameters()) == ours
