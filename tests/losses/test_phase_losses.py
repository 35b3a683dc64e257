"""The losses of phase and LSD are the metrics of the same name, and their gradients are of use."""

import math

import numpy as np
import pytest
import torch

from rephase import metrics
from rephase.losses.log_spectral import log_spectral_loss
from rephase.losses.phase_derivatives import gd_loss, iaf_loss, ip_loss
from rephase.losses.phase_distance import phase_distance_loss
from rephase.losses.phase_errors import phase_error
from rephase.losses.si_sdr import si_sdr_loss
from rephase.losses.wopd import wopd_loss

PHASE = {
    phase_distance_loss: lambda **pair: math.radians(metrics.pd_deg(**pair)),
    wopd_loss: metrics.wopd_rad,
    ip_loss: metrics.ip_rad,
    gd_loss: metrics.gd_rad,
    iaf_loss: metrics.iaf_rad,
}
ALL = PHASE | {log_spectral_loss: metrics.lsd, si_sdr_loss: lambda **pair: -metrics.si_sdr_db(**pair)}
every_loss = pytest.mark.parametrize("loss", ALL, ids=lambda loss: loss.__name__)
every_phase_loss = pytest.mark.parametrize("loss", PHASE, ids=lambda loss: loss.__name__)


def metric_of(loss, estimate: torch.Tensor, reference: torch.Tensor) -> float:
    """Mean of the metric over the items."""
    return np.mean(
        [ALL[loss](reference=r.numpy(), estimate=e.numpy(), sample_rate=16000) for e, r in zip(estimate, reference)]
    )


@every_loss
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_a_loss_is_the_mean_of_its_metric(loss, dtype, recordings):
    degraded, clean = recordings
    value = loss(estimate=degraded.to(dtype), reference=clean.to(dtype))
    tolerance = {torch.float64: 1e-6, torch.float32: 1e-4}[dtype]
    assert value.item() == pytest.approx(metric_of(loss, degraded, clean), rel=tolerance)


@every_loss
def test_also_where_parts_are_cut_out_to_zeros(loss, recordings):
    degraded, clean = (waveform.clone() for waveform in recordings)
    degraded[:, 10000:30000] = 0
    clean[:, 25000:40000] = 0
    value = loss(estimate=degraded, reference=clean)
    assert value.item() == pytest.approx(metric_of(loss, degraded, clean), rel=1e-6)


@every_loss
@pytest.mark.parametrize("silent", ["estimate", "reference", "both"])
@pytest.mark.parametrize("level", [0.0, 1e-30, 1e-6])
def test_value_and_gradient_are_finite_in_silence(loss, silent, level, recordings):
    degraded, clean = (waveform.float() for waveform in recordings)
    estimate = (level * degraded if silent != "reference" else degraded.clone()).requires_grad_()
    value = loss(estimate=estimate, reference=level * clean if silent != "estimate" else clean)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(estimate.grad).all()


@every_loss
def test_equal_waveforms_have_a_finite_gradient(loss, recordings):
    estimate = recordings[1].float().requires_grad_()
    loss(estimate=estimate, reference=recordings[1].float()).backward()
    assert torch.isfinite(estimate.grad).all()


@every_loss
def test_steps_along_the_gradient_lead_to_the_reference(loss, recordings):
    degraded, clean = recordings
    estimate = degraded.clone().requires_grad_()
    before = loss(estimate=estimate, reference=clean)
    (gradient,) = torch.autograd.grad(before, estimate)
    step = 1e-3 * degraded.norm() / gradient.norm()
    assert loss(estimate=estimate - step * gradient, reference=clean) < before


@every_phase_loss
def test_the_gradient_is_that_of_differences(loss, recordings):
    """Against central differences, where no bin is so quiet that the bound on the gradient is felt."""
    generator = torch.Generator().manual_seed(5)
    pair = torch.randn(2, 1, 1000, dtype=torch.float64, generator=generator)
    estimate, reference = pair[0].requires_grad_(), pair[1]
    direction = torch.randn(1, 1000, dtype=torch.float64, generator=generator)
    (gradient,) = torch.autograd.grad(loss(estimate=estimate, reference=reference), estimate)
    with torch.no_grad():
        ahead, behind = (loss(estimate=estimate + h * direction, reference=reference) for h in (1e-8, -1e-8))
    assert (gradient * direction).sum().item() == pytest.approx(((ahead - behind) / 2e-8).item(), rel=1e-3)


@every_phase_loss
def test_a_gain_changes_nothing(loss, recordings):
    degraded, clean = recordings
    assert loss(estimate=0.1 * degraded, reference=3 * clean).item() == pytest.approx(
        loss(estimate=degraded, reference=clean).item(), rel=1e-9
    )


@pytest.mark.parametrize("angle", [-3.0, -0.5, 0.7, 2.0])
def test_the_error_of_a_turned_spectrum_is_its_angle(angle):
    spectrum = torch.randn(2, 5, 7, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    turned = 0.3 * spectrum * complex(math.cos(angle), math.sin(angle))
    assert torch.allclose(phase_error(estimate=turned, reference=spectrum), torch.full((2, 5, 7), angle).double())


def test_a_spectrum_of_nothing_has_the_phase_zero():
    spectrum = torch.tensor([[[1 + 1j, -1 - 1j, -1 + 1j, 0]]], dtype=torch.complex128)
    error = phase_error(estimate=torch.zeros_like(spectrum), reference=spectrum)
    assert torch.allclose(error, torch.tensor([[[-1, 3, -3, 0]]]).double() * math.pi / 4)


def test_what_is_shorter_than_half_a_window_is_refused():
    short = torch.randn(1, 200)
    with pytest.raises(ValueError, match="longer than half a window, 200 samples; got 200"):
        phase_distance_loss(estimate=short, reference=short)
