"""Errors of spectra compressed by 0.3, on pairs whose error is known."""

import pytest
import torch

from rephase.losses.compressed_spectrum import compressed_spectrum_loss
from rephase.signal.stft import stft


@pytest.fixture
def reference() -> torch.Tensor:
    return 0.1 * torch.randn(2, 8000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def mean_compressed_power(waveform: torch.Tensor, exponent: float = 0.3) -> float:
    """mean |S|^{2c}, taken from the spectrum itself."""
    spectrum = stft(waveform, n_fft=512, hop_length=128, win_length=512)
    return spectrum.abs().pow(2 * exponent).mean().item()


def test_equal_waveforms_have_no_error(reference):
    assert compressed_spectrum_loss(estimate=reference, reference=reference).item() == 0


@pytest.mark.parametrize("gain", [0.25, 0.9, 3.0])
def test_a_gain_gives_the_error_of_its_compression(reference, gain):
    # |a S|^c − |S|^c = (a^c − 1) |S|^c, in magnitude and, the phase being the same, in the complex number.
    loss = compressed_spectrum_loss(estimate=gain * reference, reference=reference)
    expected = (7 + 3) * (gain**0.3 - 1) ** 2 * mean_compressed_power(reference)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_polarity_is_seen_by_the_complex_part_alone(reference):
    # |S|^c e^{jφ} against −|S|^c e^{jφ}: 4 |S|^{2c}; magnitudes are the same.
    pair = {"estimate": -reference, "reference": reference}
    expected = 4 * mean_compressed_power(reference)
    assert compressed_spectrum_loss(**pair).item() == pytest.approx(3 * expected, rel=1e-4)
    assert compressed_spectrum_loss(**pair, complex_weight=0.0).item() == pytest.approx(0, abs=1e-12)
    assert compressed_spectrum_loss(**pair, magnitude_weight=0.0, complex_weight=1.0).item() == pytest.approx(
        expected, rel=1e-4
    )


def test_the_exponent_is_that_of_the_compression(reference):
    loss = compressed_spectrum_loss(estimate=2 * reference, reference=reference, exponent=1.0)
    assert loss.item() == pytest.approx(10 * mean_compressed_power(reference, 1.0), rel=1e-6)


@pytest.mark.parametrize(("estimate_level", "reference_level"), [(0.0, 0.0), (0.0, 0.1), (0.1, 0.0)])
def test_gradients_are_finite_in_silence(reference, estimate_level, reference_level):
    estimate = (estimate_level * reference.float()).requires_grad_()
    compressed_spectrum_loss(estimate=estimate, reference=reference_level * reference.float()).backward()
    assert torch.isfinite(estimate.grad).all()


def test_the_gradient_leads_to_the_reference(reference):
    estimate = (0.5 * reference).requires_grad_()
    loss = compressed_spectrum_loss(estimate=estimate, reference=reference)
    (gradient,) = torch.autograd.grad(loss, estimate)
    assert (gradient * (reference - estimate)).sum() < 0
