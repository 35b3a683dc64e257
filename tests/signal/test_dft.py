"""The transforms as convolutions: the same as STFT and inverse, for every length, and their own inverse."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rephase.signal.dft import DFTConvolutions
from rephase.signal.real_pair import from_pair, to_pair
from rephase.signal.stft import istft, stft

SETTINGS = [
    {"n_fft": 512, "hop_length": 256, "win_length": 512, "window": "sqrt_hann"},
    {"n_fft": 400, "hop_length": 100, "win_length": 400, "window": "hann"},
    {"n_fft": 64, "hop_length": 16, "win_length": 32, "window": "hann"},
    {"n_fft": 64, "hop_length": 32, "win_length": 64, "window": "hann"},
]
LENGTHS = [1, 2, 15, 199, 201, 255, 256, 257, 399, 511, 512, 3000]


def noise(length, batch=2):
    return torch.randn(batch, length, generator=torch.Generator().manual_seed(length))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting['n_fft']}-{setting['hop_length']}")
def test_the_same_as_the_transforms(setting, length):
    transforms, waveform = DFTConvolutions(**setting), noise(length)
    spectrum = stft(waveform, **setting)
    pair = transforms.stft(waveform)
    expected = to_pair(spectrum).transpose(-1, -2)
    assert pair.shape == expected.shape
    scale = setting["n_fft"] ** 0.5
    torch.testing.assert_close(pair, expected, rtol=0, atol=2e-6 * scale)
    # Not only on spectra of signals: a network's spectrum is none.
    other = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        transforms.istft(other, length=length),
        istft(from_pair(other).transpose(-1, -2), length=length, **setting),
        rtol=0,
        atol=2e-5,
    )


@given(length=st.integers(1, 2000))
def test_there_and_back(length):
    transforms, waveform = DFTConvolutions(**SETTINGS[0]), noise(length)
    back = transforms.istft(transforms.stft(waveform), length=length)
    assert back.shape == waveform.shape
    torch.testing.assert_close(back, waveform, rtol=0, atol=1e-5)


def test_a_tone_stands_at_its_frequency_with_its_phase():
    transforms = DFTConvolutions(**SETTINGS[0])
    tone = torch.cos(2 * torch.pi * 32 * torch.arange(4096) / 512 + 1.0)[None]
    spectrum = from_pair(transforms.stft(tone))[0, 8]
    assert int(spectrum.abs().argmax()) == 32
    assert spectrum[32].angle().item() == pytest.approx(1.0, abs=0.01)


def test_its_constants_are_no_weights():
    transforms = DFTConvolutions(**SETTINGS[0])
    assert not list(transforms.parameters())
    assert not transforms.state_dict()
