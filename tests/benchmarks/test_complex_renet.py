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


def test_as_many_learned_numbers(pair):
    network, plain = pair
    ours = sum(parameter.numel() for parameter in network.parameters())
    assert sum(parameter.numel() * (1 + parameter.is_complex()) for parameter in plain.parameters()) == ours
