"""The signal-to-noise ratio is what was asked, on what is speech."""

import pytest
import torch

from rephase.degradations.noise import active_power, add_noise


def spoken(amplitude: float, blocks: int, pause: int) -> torch.Tensor:
    """A square wave, whose power is its amplitude squared, and a pause after it."""
    wave = amplitude * torch.tensor([1.0, -1.0]).repeat(160 * blocks)
    return torch.cat([wave, torch.zeros(320 * pause)])[None]


def test_active_power_leaves_pauses_out():
    assert active_power(spoken(0.5, 10, 30)).item() == pytest.approx(0.25, rel=1e-6)


@pytest.mark.parametrize(("below", "counts"), [(29.9, True), (30.1, False)])
def test_blocks_within_30_db_of_the_loudest_are_active(below, counts):
    soft = 10 ** (-below / 20)
    waveform = torch.cat([spoken(1.0, 1, 0), spoken(soft, 1, 0)], dim=1)
    assert active_power(waveform).item() == pytest.approx((1 + soft**2) / 2 if counts else 1.0, rel=1e-6)


def test_active_power_of_less_than_a_block_is_the_mean_power():
    assert active_power(torch.full((1, 100), 0.5)).item() == pytest.approx(0.25)


def test_active_power_of_silence_is_positive():
    assert active_power(torch.zeros(2, 3200)).tolist() == pytest.approx([1e-12, 1e-12])


def test_snr_is_what_was_asked_for_each_item():
    torch.manual_seed(0)
    speech = torch.cat([spoken(0.3, 20, 30), spoken(0.01, 45, 5)])
    noise = torch.randn(2, speech.shape[1]) * torch.tensor([[0.001], [10.0]])
    asked = torch.tensor([-5.0, 17.5])
    added = add_noise(speech, noise, asked) - speech
    power = torch.tensor([0.3**2, 0.01**2])
    measured = 10 * torch.log10(power / added.square().mean(-1))
    torch.testing.assert_close(measured, asked, atol=1e-3, rtol=0)
    # It is the same noise, made louder or softer.
    torch.testing.assert_close(torch.cosine_similarity(added, noise), torch.ones(2))


def test_silent_noise_adds_nothing():
    speech = spoken(0.3, 5, 5)
    torch.testing.assert_close(add_noise(speech, torch.zeros_like(speech), torch.tensor([-5.0])), speech)


def test_silence_takes_no_audible_noise():
    noise = torch.ones(1, 3200)
    assert add_noise(torch.zeros(1, 3200), noise, torch.tensor([0.0])).abs().max() < 1e-5
