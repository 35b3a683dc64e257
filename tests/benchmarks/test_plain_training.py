"""The yardstick of training is the same loss: equal value and equal gradient."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rephase.models.architectures import build
from rephase.models.presets import RENET_LITE, RENET_SMALL
from rephase.testing import randomise_parameters
from rephase.training.experiment import Losses
from rephase.training.objective import loss_terms, output_of

SMALL = replace(RENET_SMALL, channels=(8, 4), blocks=1, phase_hidden=6, dropout=0.0)
LITE = replace(RENET_LITE, stem_channels=(4, 2), channels=(4, 4), heads=2, groups=1, blocks=1, dilations=(1, 2))
PUBLISHED = Losses(magnitude=0.9, complex=0.1, consistency=0.1, time=0.2, ip=0.3, gd=0.3, iaf=0.3)
OURS = Losses(compressed_spectrum=1.0, loudness=0.25, si_sdr=0.02, log_spectral=0.1)


@pytest.mark.parametrize(("config", "losses"), [(SMALL, PUBLISHED), (LITE, OURS)], ids=["published", "lite"])
def test_equal_loss_and_gradient(config, losses, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2] / "benchmarks"), *sys.path])
    plain_training = importlib.import_module("plain_training")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = randomise_parameters(build(config), seed=1)
        clean = 0.05 * torch.randn(2, 8000)
        degraded = clean + 0.02 * torch.randn(2, 8000)
    _, enhance = plain_training.plain_network(network)
    plain_loss = plain_training.PlainLoss(losses, network, enhance)
    found = []
    for loss_of in (lambda given: _ours(losses, network, given, clean), lambda given: plain_loss(given, clean)):
        given = degraded.clone().requires_grad_()
        loss = loss_of(given)
        loss.backward()
        found.append((float(loss.detach()), given.grad))
    (one, gradient), (two, other) = found
    assert two == pytest.approx(one, rel=1e-3)
    assert gradient.abs().max() > 0
    assert (gradient - other).norm() <= 0.02 * gradient.norm()


def _ours(losses, network, degraded, clean):
    terms = loss_terms(losses, output_of(network, degraded, clean), network)
    return torch.stack([getattr(losses, name) * term for name, term in terms.items()]).sum()
