"""Convolution is aligned, the direct path is cut where it should be, and rooms decay as asked."""

import numpy as np
import pytest
import torch

from rephase.degradations.rooms import convolve, direct_path, room_responses, simulate_bank
from rephase.errors import RephaseError

RATE = 16000


def impulse(taps: int, *places: int) -> torch.Tensor:
    """One response for each place: 1 there, 0 elsewhere."""
    response = torch.zeros(len(places), taps)
    response[torch.arange(len(places)), torch.tensor(places)] = 1
    return response


def test_a_unit_impulse_changes_nothing_wherever_it_stands():
    waveform = torch.randn(3, 500, generator=torch.Generator().manual_seed(0))
    result = convolve(waveform, impulse(200, 0, 40, 199))
    torch.testing.assert_close(result, waveform, atol=1e-5, rtol=0)


def test_each_item_is_aligned_to_its_own_peak():
    click = torch.zeros(2, 100)
    click[:, 20] = 1.0
    response = impulse(50, 10, 30)
    response[0, 15], response[1, 20] = 0.5, -0.25  # an echo 5 samples late, and something 10 samples early
    result = convolve(click, response)
    expected = torch.zeros(2, 100)
    expected[:, 20], expected[0, 25], expected[1, 10] = 1.0, 0.5, -0.25
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


def test_convolution_does_not_wrap_round():
    late = torch.zeros(1, 100)
    late[:, 99] = 1.0
    response = impulse(80, 0)
    response[0, 1:] = 0.5
    torch.testing.assert_close(convolve(late, response), late, atol=1e-6, rtol=0)


def test_convolution_is_that_of_numpy():
    random = np.random.default_rng(0)
    waveform, response = random.standard_normal(300), random.standard_normal(64) * 0.1
    response[17] = 2.0
    expected = np.convolve(waveform, response)[17 : 17 + 300]
    result = convolve(torch.from_numpy(waveform)[None], torch.from_numpy(response)[None])
    np.testing.assert_allclose(result[0].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_the_direct_path_is_what_lies_within_2_5_ms_of_the_peak(rate):
    reach = rate * 25 // 10000
    response = torch.full((2, 4 * reach), 0.1)
    response[0, reach + 3], response[1, 2 * reach] = -1.0, 1.0
    kept = direct_path(response, rate) != 0
    assert kept[0].nonzero().flatten().tolist() == list(range(3, 2 * reach + 4))
    assert kept[1].nonzero().flatten().tolist() == list(range(reach, 3 * reach + 1))
    assert torch.equal(direct_path(response, rate)[kept], response[kept])


def decay_time(response: np.ndarray) -> float:
    """T60 by Schroeder's backward integration: the line through the decay from −5 to −25 dB, drawn on to −60 dB."""
    energy = np.cumsum(response[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    first, last = np.argmax(level < -5), np.argmax(level < -25)
    slope, _ = np.polyfit(np.arange(first, last) / RATE, level[first:last], 1)
    return -60 / slope


def test_early_reflections_are_kept_as_long_as_asked():
    response = torch.ones(1, 4000)
    response[0, 1000] = 2
    kept = direct_path(response, 16000, early_seconds=0.05)[0].nonzero().flatten()
    assert (kept.min().item(), kept.max().item()) == (960, 1800)


@pytest.mark.parametrize("t60", [0.25, 0.4, 0.65])
def test_a_room_decays_about_as_fast_as_asked(t60):
    # Sabine's formula holds for a diffuse field; a shoebox keeps to it within about an eighth.
    source, microphones = np.array([1.2, 1.0, 1.3]), np.array([[4.1, 3.2, 1.6], [2.9, 4.0, 1.1]])
    size = np.array([6.0, 5.0, 3.0])
    responses = room_responses(size, t60, source, microphones, sample_rate=RATE, seconds=1.2)
    measured = np.mean([decay_time(response) for response in responses])
    assert t60 / 1.2 < measured < t60 * 1.2


def test_a_bank_has_its_peaks_where_promised_and_is_the_same_for_a_seed(tmp_path):
    bank = simulate_bank(tmp_path / "a.npy", rooms=2, seconds=0.3, seed=3)
    assert bank.shape == (6, 4800)
    assert bank.abs().argmax(1).tolist() == [40] * 6
    assert bank[:, 40].tolist() == [1.0] * 6
    assert torch.equal(bank, simulate_bank(tmp_path / "b.npy", rooms=2, seconds=0.3, seed=3))
    assert not torch.equal(bank, simulate_bank(tmp_path / "c.npy", rooms=2, seconds=0.3, seed=4))


def test_a_bank_is_opened_and_not_made_again_and_must_have_its_shape(tmp_path):
    path = tmp_path / "bank.npy"
    np.save(path, np.zeros((3, 1600), dtype=np.float32))
    assert simulate_bank(path, rooms=1, seconds=0.1).shape == (3, 1600)
    with pytest.raises(RephaseError, match=r"target must hold 6 responses of 1600 samples; .*\(3, 1600\)"):
        simulate_bank(path, rooms=2, seconds=0.1)
