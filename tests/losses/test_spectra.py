"""Losses on a network's own spectrum, before it becomes a waveform: closed forms, and the sums of the metrics."""

import math

import numpy as np
import pytest
import torch

from rephase import metrics
from rephase.losses.compressed_spectrum import complex_loss, compressed_spectrum_loss, magnitude_loss
from rephase.losses.consistency import consistency_loss
from rephase.losses.phase_derivatives import derivative_losses_of_pairs
from rephase.losses.phase_errors import mirrored_stft, phase_error, phase_error_of_pairs
from rephase.losses.waveform import waveform_loss
from rephase.losses.wopd import wopd_loss_of_pairs
from rephase.models.network import FastTransforms
from rephase.models.presets import RENET_SMALL
from rephase.signal.compression import magnitude_and_phasor
from rephase.signal.real_pair import rotate, to_pair, unit

TRANSFORMS = FastTransforms(RENET_SMALL)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def as_pair(waveform: torch.Tensor) -> torch.Tensor:
    """The spectrum of the metrics as a network would have it, [batch, 2, frames, freqs]."""
    return to_pair(mirrored_stft(waveform, n_fft=400, hop_length=100)).transpose(-1, -2)


def test_magnitudes_differ_by_a_constant():
    reference = noise(2, 5, 7).abs()
    assert magnitude_loss(estimate=reference + 0.3, reference=reference).item() == pytest.approx(0.09)


def test_the_error_of_a_turned_spectrum_is_its_chord():
    # |e^{jθ} z − z|² = 4 sin²(θ/2) |z|²
    pair = noise(2, 2, 5, 7)
    loss = complex_loss(estimate=rotate(pair, 0.8), reference=pair)
    assert loss.item() == pytest.approx(4 * math.sin(0.4) ** 2 * pair.square().sum(1).mean().item())


def test_both_are_parts_of_the_loss_of_waveforms():
    reference = 0.1 * noise(2, 4000)
    estimate = reference + 0.05 * noise(2, 4000, seed=1)
    parts = [magnitude_and_phasor(TRANSFORMS.stft(w)) for w in (estimate, reference)]
    (ours, our_phasor), (theirs, their_phasor) = parts
    expected = 7 * magnitude_loss(estimate=ours, reference=theirs) + 3 * complex_loss(
        estimate=ours.unsqueeze(1) * our_phasor, reference=theirs.unsqueeze(1) * their_phasor
    )
    loss = compressed_spectrum_loss(estimate=estimate, reference=reference, n_fft=400, hop_length=100)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_error_of_waveforms_is_their_mean_distance():
    assert waveform_loss(estimate=torch.tensor([[0.5, -0.5]]), reference=torch.tensor([[0.25, 0.25]])).item() == 0.5


def test_a_spectrum_of_a_waveform_is_consistent():
    waveform = 0.1 * noise(2, 4000).float()
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(waveform))
    pair = magnitude.unsqueeze(1) * phasor
    assert consistency_loss(estimate=pair, waveform=waveform, transforms=TRANSFORMS).item() == 0


@pytest.mark.parametrize("exponent", [0.3, 1.0])
def test_inconsistency_is_what_the_inverse_loses(exponent):
    """A single bin of a single frame: the inverse spreads it over its neighbours, as numpy says."""
    spectrum = torch.zeros(1, 2, 21, 201)
    spectrum[0, 0, 10, 40] = 4.0
    waveform = TRANSFORMS.istft(spectrum, length=2000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    # The least-squares inverse divides by the overlapping squared windows: 1.5 at a quarter of overlap.
    frame = np.zeros(2800)
    frame[1000:1400] = window * 4.0 * 2 / 400 * np.cos(2 * np.pi * 40 * np.arange(400) / 400) / 1.5
    frames = np.stack([np.fft.rfft(window * frame[100 * t : 100 * t + 400]) for t in range(21)])
    expected_spectrum = frames * (np.abs(frames) ** 2 + 1e-10) ** ((exponent - 1) / 2)
    magnitude, phasor = magnitude_and_phasor(spectrum, exponent)
    ours = (magnitude.unsqueeze(1) * phasor)[0].numpy()
    expected = np.mean(np.abs(ours[0] + 1j * ours[1] - expected_spectrum) ** 2)
    loss = consistency_loss(
        estimate=magnitude.unsqueeze(1) * phasor, waveform=waveform, transforms=TRANSFORMS, exponent=exponent
    )
    assert loss.item() == pytest.approx(expected, rel=1e-3)
    assert expected > 0


PHASE = {
    "ip": (metrics.ip_rad, lambda **pair: derivative_losses_of_pairs(**pair)["ip"]),
    "gd": (metrics.gd_rad, lambda **pair: derivative_losses_of_pairs(**pair)["gd"]),
    "iaf": (metrics.iaf_rad, lambda **pair: derivative_losses_of_pairs(**pair)["iaf"]),
    "wopd": (metrics.wopd_rad, wopd_loss_of_pairs),
}
every_phase_loss = pytest.mark.parametrize("name", PHASE)


@every_phase_loss
def test_a_phase_loss_of_spectra_is_the_mean_of_its_metric(name, recordings):
    degraded, clean = recordings
    metric, loss = PHASE[name]
    expected = np.mean(
        [metric(reference=c.numpy(), estimate=d.numpy(), sample_rate=16000) for d, c in zip(degraded, clean)]
    )
    # A network gives a phasor: its length is 1 whatever the magnitude.
    value = loss(estimate=unit(as_pair(degraded), eps=0.0), reference=as_pair(clean))
    assert value.item() == pytest.approx(expected, rel=1e-6)


@every_phase_loss
@pytest.mark.parametrize("angle", [-3.0, 0.4, 2.0])
def test_a_rotation_is_seen_by_the_phase_alone(name, angle):
    spectrum = noise(2, 2, 6, 9)
    value = PHASE[name][1](estimate=rotate(spectrum, angle), reference=spectrum)
    expected = {"ip": abs(angle), "wopd": abs(angle) / 9}.get(name, 0)
    assert value.item() == pytest.approx(expected, abs=1e-12)


def test_a_delay_is_a_group_delay_and_a_shift_of_frequency_an_angular_one():
    pair = noise(1, 2, 6, 9)
    k, t = torch.arange(9.0).double(), torch.arange(6.0).double()
    for name, angle in (("gd", 0.1 * k.expand(6, 9)), ("iaf", 0.2 * t[:, None].expand(6, 9))):
        turned = torch.stack(
            [
                pair[:, 0] * angle.cos() - pair[:, 1] * angle.sin(),
                pair[:, 0] * angle.sin() + pair[:, 1] * angle.cos(),
            ],
            1,
        )
        values = derivative_losses_of_pairs(estimate=turned, reference=pair)
        assert values[name].item() == pytest.approx({"gd": 0.1, "iaf": 0.2}[name])
        assert values[{"gd": "iaf", "iaf": "gd"}[name]].item() == pytest.approx(0, abs=1e-12)


def test_pairs_and_complex_numbers_have_one_error():
    estimate, reference = (torch.complex(noise(2, 9, 6, seed=s), noise(2, 9, 6, seed=s + 1)) for s in (0, 2))
    reference[0, 0], estimate[1, 1] = 0, 0
    pairs = {"estimate": to_pair(estimate).transpose(-1, -2), "reference": to_pair(reference).transpose(-1, -2)}
    assert torch.equal(phase_error_of_pairs(**pairs), phase_error(estimate=estimate, reference=reference))


@every_phase_loss
def test_the_gradient_turns_a_phasor_and_never_stretches_it(name):
    phasor, reference = unit(noise(1, 2, 6, 9), eps=0.0).requires_grad_(), noise(1, 2, 6, 9, seed=1)
    (gradient,) = torch.autograd.grad(PHASE[name][1](estimate=phasor, reference=reference), phasor)
    assert (gradient * phasor).sum(1).abs().max() < 1e-12
    assert gradient.abs().max() > 0


@every_phase_loss
@pytest.mark.parametrize("silent", ["estimate", "reference", "both"])
def test_phase_gradients_are_finite_in_silence_and_at_equality(name, silent):
    levels = {"estimate": (0, 1), "reference": (1, 0), "both": (0, 0)}[silent]
    base = noise(1, 2, 6, 9).float()
    for estimate, reference in ([level * base for level in levels], (base, base)):
        estimate = estimate.clone().requires_grad_()
        value = PHASE[name][1](estimate=estimate, reference=reference)
        (200 * value).backward()  # weights are no small numbers
        assert torch.isfinite(value)
        assert torch.isfinite(estimate.grad).all()


@pytest.mark.parametrize("levels", [(0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (0.1, 0.1)])
def test_gradients_through_the_transforms_are_finite_in_silence_and_at_equality(levels):
    base = noise(1, 2000).float()
    waveform = (levels[0] * base).requires_grad_()
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(levels[1] * base))
    pair = (magnitude.unsqueeze(1) * phasor).requires_grad_()
    loss = consistency_loss(estimate=pair, waveform=waveform, transforms=TRANSFORMS)
    (loss + waveform_loss(estimate=waveform, reference=levels[1] * base)).backward()
    assert torch.isfinite(waveform.grad).all()
    assert torch.isfinite(pair.grad).all()


def test_gradients_are_those_of_differences():
    magnitude, pair = noise(1, 3, 4).requires_grad_(), noise(1, 2, 3, 4).requires_grad_()
    other = noise(1, 2, 3, 4, seed=1)
    assert torch.autograd.gradcheck(lambda m: magnitude_loss(estimate=m, reference=other[:, 0]), magnitude)
    assert torch.autograd.gradcheck(lambda z: complex_loss(estimate=z, reference=other), pair)
    assert torch.autograd.gradcheck(lambda w: waveform_loss(estimate=w, reference=other.flatten(1)), pair.flatten(1))
    assert torch.autograd.gradcheck(magnitude_and_phasor, pair)


@every_phase_loss
def test_phase_gradients_are_those_of_differences(name):
    """The bound on the gradient is felt below: |z|² + 1e-8."""
    estimate, reference = noise(1, 2, 3, 4).requires_grad_(), noise(1, 2, 3, 4, seed=1)
    assert torch.autograd.gradcheck(
        lambda z: PHASE[name][1](estimate=z, reference=reference), estimate, atol=1e-5, rtol=1e-5
    )


def test_the_transforms_gradient_is_that_of_differences():
    """Along one direction, and in float32, as the transforms are."""
    waveform, direction = (0.1 * noise(1, 2000, seed=s).float() for s in (0, 1))
    magnitude, phasor = magnitude_and_phasor(TRANSFORMS.stft(0.1 * noise(1, 2000, seed=2).float()))
    pair = magnitude.unsqueeze(1) * phasor

    def loss(w: torch.Tensor) -> torch.Tensor:
        return consistency_loss(estimate=pair, waveform=w, transforms=TRANSFORMS, exponent=0.6)

    (gradient,) = torch.autograd.grad(loss(waveform.requires_grad_()), waveform)
    with torch.no_grad():
        slope = (loss(waveform + 1e-2 * direction) - loss(waveform - 1e-2 * direction)) / 2e-2
    assert (gradient * direction).sum().item() == pytest.approx(slope.item(), rel=1e-2)
