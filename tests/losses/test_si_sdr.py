"""SI-SDR of signals whose ratio is known."""

import math

import pytest
import torch

from rephase.losses.si_sdr import si_sdr_loss


def tone(turns: int, length: int = 8000) -> torch.Tensor:
    """A sine of whole turns: orthogonal to any other, power 1/2."""
    return torch.sin(2 * math.pi * turns * torch.arange(length, dtype=torch.float64) / length)[None]


@pytest.mark.parametrize("gain", [0.01, 0.5, 2.0])
def test_orthogonal_noise_gives_the_ratio_of_powers(gain):
    speech, noise = tone(100), gain * tone(333)
    loss = si_sdr_loss(estimate=speech + noise, reference=speech)
    assert loss.item() == pytest.approx(20 * math.log10(gain), abs=1e-4)


@pytest.mark.parametrize("scale", [-3.0, 0.2, 10.0])
def test_scale_does_not_matter(scale):
    speech, degraded = tone(100), tone(100) + 0.3 * tone(333)
    losses = [si_sdr_loss(estimate=factor * degraded, reference=speech).item() for factor in (1.0, scale)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_items_count_alike():
    speech = torch.cat([tone(100), tone(100)])
    noise = torch.cat([0.1 * tone(333), 1.0 * tone(333)])
    assert si_sdr_loss(estimate=speech + noise, reference=speech).item() == pytest.approx((-20 + 0) / 2, abs=1e-6)


def test_equal_waveforms_reach_the_bound_that_eps_sets():
    loss = si_sdr_loss(estimate=tone(100), reference=tone(100), eps=1e-6)
    assert loss.item() == pytest.approx(-10 * math.log10(4000 / 1e-6), abs=1e-3)


@pytest.mark.parametrize(("estimate_level", "reference_level"), [(0.0, 0.0), (0.0, 0.1), (0.1, 0.0)])
def test_gradients_are_finite_in_silence(estimate_level, reference_level):
    estimate = (estimate_level * tone(100).float()).requires_grad_()
    loss = si_sdr_loss(estimate=estimate, reference=reference_level * tone(100).float())
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(estimate.grad).all()
    if estimate_level == 0:
        assert not estimate.grad.any()
