"""Tempo and pitch change by exactly what was asked."""

import math

import pytest
import torch

from rephase.degradations.speed import change_speed, source_size


@pytest.mark.parametrize("percent", [90, 95, 100, 103, 110])
def test_a_sine_is_as_much_higher_as_it_is_faster(percent):
    size = source_size(16000, percent)
    cycles = 300  # in the crop that is read
    source = torch.sin(2 * math.pi * cycles * torch.arange(size, dtype=torch.float64) / size)[None]
    expected = torch.sin(2 * math.pi * cycles * torch.arange(16000, dtype=torch.float64) / 16000)[None]
    torch.testing.assert_close(change_speed(source, [percent], 16000), expected, atol=1e-9, rtol=0)
    assert size == 160 * percent


def test_what_the_slower_rate_can_not_hold_is_left_out_and_does_not_fold():
    size = source_size(16000, 110)
    source = torch.cos(2 * math.pi * 8500 * torch.arange(size, dtype=torch.float64) / size)[None]
    assert change_speed(source, [110], 16000).abs().max() < 1e-9


@pytest.mark.parametrize("length", [400, 401])
@pytest.mark.parametrize("percent", [90, 109])
def test_there_and_back_again_is_the_same_where_the_band_allows_it(length, percent):
    size = source_size(length, percent)
    low = torch.zeros(1, size // 2 + 1, dtype=torch.complex128)
    low[:, 1:150] = torch.randn(1, 149, generator=torch.Generator().manual_seed(0), dtype=torch.complex128)
    source = torch.fft.irfft(low, n=size)
    there = change_speed(source, [percent], length)
    spectrum = torch.zeros(1, size // 2 + 1, dtype=torch.complex128)
    spectrum[:, :150] = torch.fft.rfft(there)[:, :150] * size / length
    torch.testing.assert_close(torch.fft.irfft(spectrum, n=size), source, atol=1e-10, rtol=0)


def test_each_item_has_its_own_speed():
    source = torch.randn(4, 1100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    percents = [90, 110, 100, 110]
    result = change_speed(source, percents, 1000)
    assert result.shape == (4, 1000)
    assert torch.equal(result[2], source[2, :1000])
    for item, percent in enumerate(percents):
        alone = change_speed(source[item : item + 1], [percent], 1000)
        torch.testing.assert_close(alone[0], result[item], atol=1e-12, rtol=0)


def test_too_short_a_crop_is_refused():
    with pytest.raises(ValueError, match="waveform must have at least 1100 samples for these speeds; got 1000"):
        change_speed(torch.zeros(1, 1000), [110], 1000)
