"""What a network is asked for: each term by its name, at the level at which the network works."""

import math
from dataclasses import replace

import pytest
import torch

from rephase.losses.published import DENOISING, PHASE_RETRIEVAL
from rephase.models.architectures import build
from rephase.models.presets import RENET_LITE, RENET_SMALL
from rephase.signal.compression import decompress, magnitude_and_phasor
from rephase.signal.real_pair import rotate
from rephase.training.experiment import Losses
from rephase.training.objective import TERMS, Output, loss_terms, output_of

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


def given(network, clean: torch.Tensor, magnitude: torch.Tensor, phasor: torch.Tensor) -> Output:
    """What is compared if a network gives that magnitude and phasor."""
    spectrum = decompress(magnitude, network.config.compression).unsqueeze(1) * phasor
    waveform = network.transforms.istft(spectrum, length=clean.shape[-1])
    target = network.transforms.stft(clean)
    return Output(magnitude, phasor, waveform, clean, target, *magnitude_and_phasor(target, network.config.compression))


def test_a_gain_is_an_error_of_magnitude_alone(pair):
    network, clean, gain = build(RENET_SMALL), 20 * pair[1], 0.5
    power = network.config.compression
    magnitude, phasor = magnitude_and_phasor(network.transforms.stft(clean), power)
    terms = loss_terms(Losses(**DENOISING), given(network, clean, gain**power * magnitude, phasor), network)
    error = (1 - gain**power) ** 2 * magnitude.square().mean().item()
    assert terms["magnitude"].item() == pytest.approx(error, rel=1e-4)
    assert terms["complex"].item() == pytest.approx(error, rel=1e-3)
    assert terms["time"].item() == pytest.approx((1 - gain) * clean.abs().mean().item(), rel=1e-4)
    for name in ("ip", "gd", "iaf", "consistency"):
        assert terms[name].item() == pytest.approx(0, abs=1e-3)


def test_a_flipped_polarity_is_an_error_of_phase_alone(pair):
    network, clean = build(RENET_SMALL), 20 * pair[1]
    magnitude, phasor = magnitude_and_phasor(network.transforms.stft(clean), network.config.compression)
    terms = loss_terms(Losses(**DENOISING), given(network, clean, magnitude, -phasor), network)
    assert terms["ip"].item() == pytest.approx(math.pi, rel=1e-3)
    assert terms["complex"].item() == pytest.approx(4 * magnitude.square().mean().item(), rel=1e-3)
    assert terms["time"].item() == pytest.approx(2 * clean.abs().mean().item(), rel=1e-4)
    for name in ("magnitude", "gd", "iaf", "consistency"):
        assert terms[name].item() == pytest.approx(0, abs=2e-3)


def test_published_terms_are_those_of_the_paper(pair):
    """0.9 magnitude + 0.3 (IP + GD + IAF) + 0.1 · 2 complex MSE + 0.1 · 2 consistency MSE + 0.2 time."""
    network, (degraded, clean) = build(RENET_SMALL), (20 * side for side in pair)
    magnitude, phasor = magnitude_and_phasor(network.transforms.stft(degraded), network.config.compression)
    output = given(network, clean, magnitude, rotate(phasor, 0.5))
    terms = loss_terms(Losses(**DENOISING), output, network)
    again, again_phasor = magnitude_and_phasor(network.transforms.stft(output.waveform), network.config.compression)
    mse = torch.nn.functional.mse_loss
    expected = (
        0.9 * mse(magnitude, output.clean_magnitude)
        + 0.3 * (terms["ip"] + terms["gd"] + terms["iaf"])
        + 0.1 * 2 * mse(output.compressed, output.clean_compressed)
        + 0.1 * 2 * mse(output.compressed, again.unsqueeze(1) * again_phasor)
        + 0.2 * torch.nn.functional.l1_loss(output.waveform, clean)
    )
    total = sum(DENOISING[name] * term for name, term in terms.items())
    assert terms.keys() == DENOISING.keys()
    assert float(total) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("angle", [0.0, 0.5, -2.0])
def test_phase_retrieval_sees_a_rotation_as_a_ninth_of_it(pair, angle):
    network, clean = build(RENET_SMALL), 20 * pair[1]
    magnitude, phasor = magnitude_and_phasor(network.transforms.stft(clean), network.config.compression)
    terms = loss_terms(Losses(**PHASE_RETRIEVAL), given(network, clean, magnitude, rotate(phasor, angle)), network)
    assert terms.keys() == {"wop"}
    assert terms["wop"].item() == pytest.approx(abs(angle) / 9, abs=1e-6)


def test_what_a_network_gives_in_bfloat16_is_compared_in_float32(pair):
    network, (degraded, clean) = build(RENET_LITE), pair
    output = output_of(
        network, degraded, clean, enhance=lambda spectrum: tuple(part.bfloat16() for part in network.enhance(spectrum))
    )
    assert {output.magnitude.dtype, output.phasor.dtype, output.waveform.dtype} == {torch.float32}
    assert torch.equal(output.magnitude, output.magnitude.bfloat16().float())
    assert {term.dtype for term in loss_terms(ALL, output, network).values()} == {torch.float32}


def test_gradients_of_a_batch_are_the_mean_of_those_of_its_halves(pair):
    """As on two machines."""
    torch.manual_seed(0)
    network = build(RENET_LITE)

    def gradients(degraded: torch.Tensor, clean: torch.Tensor) -> list[torch.Tensor]:
        terms = loss_terms(Losses(**DENOISING), output_of(network, degraded, clean), network)
        total = torch.stack([DENOISING[name] * term for name, term in terms.items()]).sum()
        return list(torch.autograd.grad(total, list(network.parameters()), allow_unused=True, materialize_grads=True))

    whole = gradients(*pair)
    halves = [gradients(*(side[i : i + 1] for side in pair)) for i in (0, 1)]
    assert sum(gradient.norm() for gradient in whole) > 0
    for ours, one, other in zip(whole, *halves):
        assert (ours - (one + other) / 2).norm() <= 1e-3 * max(ours.norm().item(), 1e-3)
