"""What a network is asked for: each term by its name, at the level at which the network works."""

from dataclasses import replace

import pytest
import torch

from rephase.models.architectures import build
from rephase.models.presets import RENET_LITE, RENET_SMALL
from rephase.training.experiment import Losses
from rephase.training.objective import TERMS, loss_terms, output_of

ALL = Losses(**dict.fromkeys(TERMS, 1.0))
TINY_RENET = replace(RENET_SMALL, channels=(4, 4), heads=2, blocks=1, phase_hidden=4, dropout=0.0)


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    clean = 0.05 * torch.randn(2, 4000)
    return clean + 0.02 * torch.randn(2, 4000), clean


def test_every_loss_of_an_experiment_has_a_term():
    assert set(vars(ALL)) == set(TERMS)


@pytest.mark.parametrize("config", [RENET_LITE, TINY_RENET], ids=["lite", "renet"])
def test_terms_are_finite_and_those_without_weight_are_left_out(config, pair):
    network = build(config)
    output = output_of(network, *pair)
    terms = loss_terms(ALL, output, network)
    assert all(term.isfinite() for term in terms.values())
    assert set(loss_terms(Losses(time=1.0, ip=0.3), output, network)) == {"time", "ip"}


def test_a_perfect_output_costs_nothing(pair):
    network = build(RENET_LITE)
    _, clean = pair
    output = output_of(network, clean, clean)
    perfect = replace(output, magnitude=output.clean_magnitude, phasor=output.clean_phasor, waveform=output.clean)
    for name, term in loss_terms(replace(ALL, si_sdr=0.0), perfect, network).items():
        assert float(term) == pytest.approx(0.0, abs=2e-3), name


def test_the_waveform_is_what_the_network_gives(pair):
    for config in (RENET_LITE, TINY_RENET):
        network = build(config).eval()
        degraded, clean = pair
        output = output_of(network, degraded, clean)
        level = network.level(degraded)
        assert torch.allclose(level * output.waveform, network(degraded), atol=1e-5)
        assert torch.allclose(level * output.clean, clean, atol=1e-7)


def test_a_phase_retriever_hears_the_clean_magnitude_and_no_phase(pair):
    network = build(replace(RENET_LITE, phase_only=True)).eval()
    degraded, clean = pair
    output = output_of(network, degraded, clean)
    assert torch.equal(output.magnitude, output.clean_magnitude)
    assert torch.equal(output.phasor, output_of(network, -degraded, -clean).phasor), "it must not see the sign either"


def test_silence_has_finite_gradients(pair):
    network = build(TINY_RENET)
    silent = torch.zeros(2, 4000)
    terms = loss_terms(ALL, output_of(network, silent, silent), network)
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)
