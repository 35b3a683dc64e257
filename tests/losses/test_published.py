"""The sums of the published recipes."""

import math

import pytest
import torch

from rephase.losses.published import DENOISING, PHASE_RETRIEVAL, denoising_loss, phase_retrieval_loss
from rephase.models import PRESETS, build
from rephase.models.network import FastTransforms
from rephase.signal.compression import decompress, magnitude_and_phasor
from rephase.signal.real_pair import rotate

TRANSFORMS = FastTransforms(PRESETS["renet-small"])


@pytest.fixture(scope="module")
def clean(recordings) -> torch.Tensor:
    """Half a second of two recordings at unit RMS, as the published networks have them."""
    crops = recordings[1][:, 20000:28000].float()
    return crops / crops.square().mean(-1, keepdim=True).sqrt()


def parts(magnitude: torch.Tensor, phasor: torch.Tensor) -> dict[str, torch.Tensor]:
    """What the denoising loss takes of a network's output."""
    waveform = TRANSFORMS.istft(decompress(magnitude).unsqueeze(1) * phasor, length=8000)
    return {"magnitude": magnitude, "phasor": phasor, "estimate": waveform}


def denoising(clean: torch.Tensor, magnitude: torch.Tensor, phasor: torch.Tensor):
    return denoising_loss(**parts(magnitude, phasor), reference=clean, transforms=TRANSFORMS)


def test_a_perfect_network_has_no_error(clean):
    total, terms = denoising(clean, *magnitude_and_phasor(TRANSFORMS.stft(clean)))
    assert set(terms) == set(DENOISING)
    # Bins of next to nothing have no sure phase once the waveform is analysed again; the network's own has.
    assert total.item() == pytest.approx(0, abs=1e-3)


def test_a_gain_is_an_error_of_magnitude_alone(clean):
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(clean))
    gain = 0.5
    total, terms = denoising(clean, gain**0.3 * magnitude, phasor)
    error = (1 - gain**0.3) ** 2 * magnitude.square().mean().item()
    assert terms["magnitude"].item() == pytest.approx(error, rel=1e-4)
    assert terms["complex"].item() == pytest.approx(error, rel=1e-3)
    assert terms["time"].item() == pytest.approx((1 - gain) * clean.abs().mean().item(), rel=1e-4)
    for name in ("ip", "gd", "iaf", "consistency"):
        assert terms[name].item() == pytest.approx(0, abs=1e-3)
    expected = 0.9 * terms["magnitude"] + 0.1 * terms["complex"] + 0.2 * terms["time"]
    assert total.item() == pytest.approx(expected.item(), abs=1e-3)


def test_a_flipped_polarity_is_an_error_of_phase_alone(clean):
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(clean))
    total, terms = denoising(clean, magnitude, -phasor)
    assert terms["ip"].item() == pytest.approx(math.pi, rel=1e-3)
    assert terms["complex"].item() == pytest.approx(4 * magnitude.square().mean().item(), rel=1e-3)
    assert terms["time"].item() == pytest.approx(2 * clean.abs().mean().item(), rel=1e-4)
    for name in ("magnitude", "gd", "iaf", "consistency"):
        assert terms[name].item() == pytest.approx(0, abs=2e-3)
    assert total.item() == pytest.approx(sum(DENOISING[name] * term.item() for name, term in terms.items()), rel=1e-5)


def test_the_weights_are_the_published_ones(clean):
    """0.9 magnitude + 0.3 (IP + GD + IAF) + 0.1 · 2 complex MSE + 0.1 · 2 consistency MSE + 0.2 time."""
    generator = torch.Generator().manual_seed(0)
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(torch.randn(2, 8000, generator=generator)))
    phasor = rotate(phasor, 0.5)
    total, terms = denoising(clean, magnitude, phasor)
    theirs, their_phasor = magnitude_and_phasor(TRANSFORMS.stft(clean))
    again, again_phasor = magnitude_and_phasor(TRANSFORMS.stft(parts(magnitude, phasor)["estimate"]))

    def mse(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(a, b)

    ours = magnitude.unsqueeze(1) * phasor
    expected = (
        0.9 * mse(magnitude, theirs)
        + 0.3 * (terms["ip"] + terms["gd"] + terms["iaf"])
        + 0.1 * 2 * mse(ours, theirs.unsqueeze(1) * their_phasor)
        + 0.1 * 2 * mse(ours, again.unsqueeze(1) * again_phasor)
        + 0.2 * torch.nn.functional.l1_loss(parts(magnitude, phasor)["estimate"], clean)
    )
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_magnitude_of_bfloat16_is_compared_in_float32(clean):
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(clean))
    arguments = {"phasor": phasor, "estimate": clean, "reference": clean, "transforms": TRANSFORMS}
    rounded = magnitude.bfloat16()
    total, terms = denoising_loss(magnitude=rounded, **arguments)
    assert total.dtype == torch.float32
    assert terms["magnitude"].item() == pytest.approx((rounded.float() - magnitude).square().mean().item(), rel=1e-5)


@pytest.mark.parametrize("angle", [0.0, 0.5, -2.0])
def test_phase_retrieval_sees_a_rotation_as_a_ninth_of_it(clean, angle):
    _, phasor = magnitude_and_phasor(TRANSFORMS.stft(clean))
    total, terms = phase_retrieval_loss(phasor=rotate(phasor, angle), reference=clean, transforms=TRANSFORMS)
    assert terms["wop"].item() == pytest.approx(abs(angle) / 9, abs=1e-6)
    assert total.item() == pytest.approx(PHASE_RETRIEVAL["wop"] * terms["wop"].item())


def test_weights_are_a_choice_but_none_is_forgotten(clean):
    _, phasor = magnitude_and_phasor(TRANSFORMS.stft(clean))
    arguments = {"phasor": -phasor, "reference": clean, "transforms": TRANSFORMS}
    total, terms = phase_retrieval_loss(**arguments, weights={"wop": 3.0})
    assert total.item() == pytest.approx(3 * terms["wop"].item())
    with pytest.raises(ValueError, match="weights must name the terms wop; got wop, time"):
        phase_retrieval_loss(**arguments, weights={"wop": 3.0, "time": 1.0})


@pytest.mark.parametrize("levels", [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)])
def test_gradients_are_finite_in_silence_and_at_equality(clean, levels):
    spectrum = TRANSFORMS.stft(levels[0] * clean)
    magnitude, phasor = (part.requires_grad_() for part in magnitude_and_phasor(spectrum))
    reference = levels[1] * clean
    total, terms = denoising(reference, magnitude, phasor)
    retrieval, _ = phase_retrieval_loss(phasor=phasor, reference=reference, transforms=TRANSFORMS)
    (total + retrieval).backward()
    assert all(torch.isfinite(term) for term in terms.values())
    assert torch.isfinite(magnitude.grad).all()
    assert torch.isfinite(phasor.grad).all()


@pytest.mark.parametrize("task", ["denoising", "phase retrieval"])
def test_the_gradients_of_a_network_are_finite_and_halves_add_up(clean, task):
    """A real network, and the batch in two halves as on two machines."""
    torch.manual_seed(0)
    network = build(PRESETS["renet-lite"])
    transforms = network.transforms
    degraded = clean + torch.randn(clean.shape)

    def gradients(degraded: torch.Tensor, clean: torch.Tensor) -> list[torch.Tensor]:
        spectrum = transforms.stft(degraded if task == "denoising" else clean)
        magnitude, phasor = network.forward_spectrum(*magnitude_and_phasor(spectrum))
        if task == "denoising":
            estimate = transforms.istft(decompress(magnitude).unsqueeze(1) * phasor, length=clean.shape[-1])
            total, _ = denoising_loss(
                magnitude=magnitude, phasor=phasor, estimate=estimate, reference=clean, transforms=transforms
            )
        else:
            total, _ = phase_retrieval_loss(phasor=phasor, reference=clean, transforms=transforms)
        return list(torch.autograd.grad(total, list(network.parameters()), allow_unused=True, materialize_grads=True))

    whole = gradients(degraded, clean)
    halves = [gradients(degraded[i : i + 1], clean[i : i + 1]) for i in (0, 1)]
    assert all(torch.isfinite(gradient).all() for gradient in whole)
    assert sum(gradient.norm() for gradient in whole) > 0
    for ours, one, other in zip(whole, *halves):
        assert (ours - (one + other) / 2).norm() <= 1e-3 * max(ours.norm().item(), 1e-3)
