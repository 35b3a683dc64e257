"""Folding is decimation to the sample, nothing is left above the cut-off, and a good resampler is what soxr is."""

import math

import pytest
import soxr
import torch

from rephase.degradations.resampler import KINDS, filter_db, resample_and_back

RATE = 16000
FREQS = torch.fft.rfftfreq(RATE, 1 / RATE)


def noise(length: int, batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, length, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def filters(kind: str, cutoff_hz: float, first: float = 0.5, second: float = 0.5) -> torch.Tensor:
    drawn = torch.tensor([[first], [second]], dtype=torch.float64)
    return filter_db(torch.tensor([KINDS.index(kind)]), drawn, torch.tensor([cutoff_hz]), FREQS)


@pytest.mark.parametrize("factor", [1, 2, 4, 5, 8])
@pytest.mark.parametrize("length", [1600, 800])
def test_without_a_filter_it_is_decimation_to_the_sample(factor, length):
    waveform = noise(length)
    flat = torch.zeros(1, length // 2 + 1)
    result = resample_and_back(waveform, flat, torch.tensor([RATE / factor / 2]), sample_rate=RATE)
    torch.testing.assert_close(result[:, ::factor], waveform[:, ::factor], atol=1e-10, rtol=0)
    above = torch.fft.rfft(result)[:, length // factor // 2 + 1 :]
    assert above.numel() == 0 or above.abs().max() < 1e-10


@pytest.mark.parametrize("rate", [2000, 4000, 8000, 11025])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_above_the_cut_off(kind, rate):
    waveform = noise(RATE)
    for first, second in ((0.0, 0.0), (1.0, 1.0), (0.3, 0.6)):
        result = resample_and_back(
            waveform, filters(kind, rate / 2, first, second), torch.tensor([rate / 2]), sample_rate=RATE
        )
        power = torch.fft.rfft(result)[0].abs().square()
        assert 10 * torch.log10(power[rate // 2 + 2 :].max() / power[: rate // 5].mean()) < -60
        # What lies in the lowest part of the band stays as it is, up to what folds from the stop band.
        low = slice(1, int(0.2 * rate / 2))
        torch.testing.assert_close(torch.fft.rfft(result)[0, low], torch.fft.rfft(waveform)[0, low], atol=0.01, rtol=0)


def test_a_sine_above_the_cut_off_comes_back_mirrored_by_an_aliasing_resampler_alone():
    time = torch.arange(RATE, dtype=torch.float64) / RATE
    sine = torch.sin(2 * math.pi * 2100 * time)[None]
    cutoff = torch.tensor([2000.0])
    levels = {}
    for kind in KINDS:
        result = resample_and_back(sine, filters(kind, 2000.0, 1.0, 1.0), cutoff, sample_rate=RATE)
        levels[kind] = 20 * torch.log10(torch.fft.rfft(result)[0, 1900].abs() / (RATE / 2) + 1e-12)
    assert levels["alias"] == pytest.approx(0, abs=0.01)
    assert levels["brick"] < -90
    assert levels["gentle"] < -90


def test_the_good_one_is_what_soxr_gives():
    waveform = noise(RATE)
    # Silent at both ends, where a DFT goes round and soxr doesn't.
    waveform = waveform * torch.hann_window(RATE, dtype=torch.float64)
    ours = resample_and_back(waveform, filters("brick", 4000.0, 1.0), torch.tensor([4000.0]), sample_rate=RATE)
    low = soxr.resample(waveform[0].numpy(), RATE, 8000, "VHQ")
    theirs = torch.from_numpy(soxr.resample(low, 8000, RATE, "VHQ"))
    difference, whole = (torch.fft.rfft(each)[:3600].abs().square().mean() for each in (ours[0] - theirs, theirs))
    assert 10 * torch.log10(difference / whole) < -80


def test_each_item_has_its_own_filter_and_cut_off():
    waveform = noise(1600, batch=2)
    freqs = torch.fft.rfftfreq(1600, 1 / RATE)
    drawn = torch.full((2, 2), 0.5, dtype=torch.float64)
    kind, cutoff = torch.tensor([0, 2]), torch.tensor([1000.0, 3000.0])
    both = resample_and_back(waveform, filter_db(kind, drawn, cutoff, freqs), cutoff, sample_rate=RATE)
    for item in (0, 1):
        one = slice(item, item + 1)
        alone = filter_db(kind[one], drawn[:, one], cutoff[one], freqs)
        torch.testing.assert_close(
            resample_and_back(waveform[one], alone, cutoff[one], sample_rate=RATE), both[one], atol=1e-12, rtol=0
        )
