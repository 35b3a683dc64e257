import pytest
import torch

from rephase.losses import loudness
from rephase.losses.loudness import loudness_loss


@pytest.fixture
def speechlike():
    """Noise with a falling spectrum and a slow envelope."""
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.fft.rfft(torch.randn(2, 16000, generator=generator))
    spectrum = spectrum / (1 + torch.arange(spectrum.shape[-1]) / 500)
    envelope = 1 + 0.9 * torch.sin(torch.arange(16000) * 2 * torch.pi * 4 / 16000)
    return 0.1 * envelope * torch.fft.irfft(spectrum, n=16000)


def noise(like, seed=1):
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed)) * like.std()


def test_loudness_is_one_sone_a_bark_at_40_db_and_1_khz():
    assert loudness._loudness(torch.tensor(1e4), torch.tensor(2.2)).item() == pytest.approx(1.0, rel=1e-5)


def test_ten_decibels_far_above_the_threshold_are_a_factor_of_ten_to_gamma():
    soft, loud = (loudness._loudness(torch.tensor(power), torch.tensor(2.2)) for power in (1e9, 1e10))
    assert (loud / soft).item() == pytest.approx(10**0.23, rel=0.02)


def test_each_bin_lies_in_one_band_and_no_band_is_empty():
    assignment, threshold, barks = loudness._bands(16000)
    assert torch.equal(assignment.sum(0), torch.ones(257))
    assert (assignment.sum(1) >= 1).all()
    assert barks == pytest.approx(19.7, abs=0.05)
    quietest = threshold.flatten().argmin().item()
    assert 2000 < (assignment[quietest].nonzero().float().mean() * 31.25).item() < 5000  # where hearing is keenest


def test_equal_waveforms_have_none(speechlike):
    assert loudness_loss(estimate=speechlike, reference=speechlike).item() == pytest.approx(0, abs=1e-5)


def test_the_level_of_the_pair_does_not_matter(speechlike):
    estimate = speechlike + 0.3 * noise(speechlike)
    at_full = loudness_loss(estimate=estimate, reference=speechlike)
    assert loudness_loss(estimate=0.1 * estimate, reference=0.1 * speechlike).item() == pytest.approx(
        at_full.item(), rel=1e-3
    )


def test_more_noise_is_more(speechlike):
    values = [
        loudness_loss(estimate=speechlike + gain * noise(speechlike), reference=speechlike).item()
        for gain in (0.003, 0.03, 0.3)
    ]
    assert values[0] < values[1] < values[2]


def test_what_is_added_counts_more_than_what_is_missing(speechlike):
    louder = loudness_loss(estimate=4 * speechlike, reference=speechlike)
    softer = loudness_loss(estimate=speechlike, reference=4 * speechlike)
    assert louder > 2 * softer


@pytest.mark.parametrize("silent", ["estimate", "reference", "both"])
def test_the_gradient_is_finite_in_silence(speechlike, silent):
    zeros = torch.zeros_like(speechlike)
    estimate = (zeros if silent != "reference" else speechlike).clone().requires_grad_()
    loudness_loss(estimate=estimate, reference=speechlike if silent == "estimate" else zeros).backward()
    assert torch.isfinite(estimate.grad).all()
