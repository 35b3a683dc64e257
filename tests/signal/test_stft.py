"""The STFT is what its equation says, and its inverse gives back every sample of every length."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rephase.signal.stft import analysis_window, frame_count, istft, stft

PUBLISHED = {"n_fft": 400, "hop_length": 100, "win_length": 400, "window": "hann"}
LITE = {"n_fft": 512, "hop_length": 256, "win_length": 512, "window": "sqrt_hann"}
SHORT_WINDOW = {"n_fft": 512, "hop_length": 128, "win_length": 320, "window": "sqrt_hann"}
ALL = [PUBLISHED, LITE, SHORT_WINDOW, {**LITE, "window": "hann"}, {**PUBLISHED, "window": "sqrt_hann"}]


def noise(length, batch=1, seed=0):
    return torch.randn(batch, length, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=60)
@given(length=st.integers(1, 3000), setting=st.sampled_from(ALL), batch=st.integers(1, 3))
def test_the_inverse_gives_back_every_sample(length, setting, batch):
    waveform = noise(length, batch, seed=length)
    spectrum = stft(waveform, **setting)
    assert spectrum.shape == (batch, setting["n_fft"] // 2 + 1, frame_count(length, setting["hop_length"]))
    restored = istft(spectrum, length=length, **setting)
    assert restored.shape == waveform.shape
    torch.testing.assert_close(restored, waveform, rtol=0, atol=3e-6)


def special_lengths(n_fft, hop_length):
    half = n_fft // 2
    return [1, 2, half - 1, half, half + 1, n_fft - 1, n_fft, n_fft + 1, 3 * hop_length, 3 * hop_length + 1, 7919]


@pytest.mark.parametrize(
    ("setting", "length"),
    [(setting, length) for setting in ALL for length in special_lengths(setting["n_fft"], setting["hop_length"])],
)
def test_the_inverse_at_the_edges(setting, length):
    waveform = noise(length, batch=2)
    restored = istft(stft(waveform, **setting), length=length, **setting)
    assert restored.shape == (2, length)
    torch.testing.assert_close(restored, waveform, rtol=0, atol=3e-6)


@pytest.mark.parametrize("setting", [PUBLISHED, LITE, SHORT_WINDOW])
@pytest.mark.parametrize("length", [1, 777])
def test_the_spectrum_is_the_sum_of_the_equation(setting, length):
    n_fft, hop, win = setting["n_fft"], setting["hop_length"], setting["win_length"]
    waveform = noise(length)[0].double().numpy()
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / win)
    window = np.zeros(n_fft)
    window[(n_fft - win) // 2 : (n_fft + win) // 2] = np.sqrt(hann) if setting["window"] == "sqrt_hann" else hann
    place = np.arange(n_fft)
    expected = np.empty((n_fft // 2 + 1, math.ceil(length / hop) + 1), dtype=complex)
    for frame in range(expected.shape[1]):
        at = place + frame * hop - n_fft // 2
        inside = (at >= 0) & (at < length)
        samples = np.where(inside, waveform[np.where(inside, at, 0)], 0) * window
        for freq in range(n_fft // 2 + 1):
            expected[freq, frame] = (samples * np.exp(-2j * np.pi * freq * place / n_fft)).sum()
    spectrum = stft(noise(length), **setting)[0].numpy()
    np.testing.assert_allclose(spectrum, expected, atol=1e-4)


@pytest.mark.parametrize("setting", [PUBLISHED, LITE])
def test_the_inverse_is_the_nearest_waveform(setting):
    """What it leaves of any spectrum is orthogonal to the spectrum of every waveform."""
    length = 1234
    frames = frame_count(length, setting["hop_length"])
    shape = (1, setting["n_fft"] // 2 + 1, frames)
    generator = torch.Generator().manual_seed(1)
    spectrum = torch.complex(torch.randn(shape, generator=generator), torch.randn(shape, generator=generator))
    nearest = stft(istft(spectrum, length=length, **setting), **setting)
    # Frequencies between 0 and Nyquist stand for two of the full DFT.
    weight = torch.full((shape[1], 1), 2.0)
    weight[0] = weight[-1] = 1.0

    def product(one, two):
        return (weight * (one * two.conj()).real).sum()

    rest = spectrum - nearest
    assert product(rest, rest) > 0.1 * product(spectrum, spectrum)
    for seed in range(3):
        other = stft(noise(length, seed=seed), **setting)
        cosine = product(rest, other) / (product(rest, rest) * product(other, other)).sqrt()
        assert abs(cosine.item()) < 1e-5


@pytest.mark.parametrize("setting", [PUBLISHED, LITE])
def test_a_frame_sees_no_sample_beyond_its_window(setting):
    waveform = noise(3000)
    longer = torch.cat([waveform, noise(1000, seed=1)], dim=1)
    common = (3000 - setting["win_length"] // 2) // setting["hop_length"] + 1
    one, two = stft(waveform, **setting), stft(longer, **setting)
    torch.testing.assert_close(one[..., :common], two[..., :common], rtol=0, atol=0)
    assert not torch.allclose(one[..., common : common + 1], two[..., common : common + 1])


@pytest.mark.parametrize("setting", [PUBLISHED, LITE])
def test_a_sinusoid_peaks_at_its_frequency_with_its_phase(setting):
    n_fft, hop = setting["n_fft"], setting["hop_length"]
    bin_, phase = 20, 0.8
    time = torch.arange(4000, dtype=torch.float64)
    waveform = torch.cos(2 * math.pi * bin_ / n_fft * time + phase).float()[None]
    column = stft(waveform, **setting)[0, :, 6]
    assert column.abs().argmax() == bin_
    window_sum = analysis_window(setting["window"], setting["win_length"]).sum().item()
    assert column[bin_].abs().item() == pytest.approx(window_sum / 2, rel=1e-4)
    first_sample = 6 * hop - n_fft // 2
    difference = column[bin_].angle().item() - (2 * math.pi * bin_ / n_fft * first_sample + phase)
    assert math.cos(difference) == pytest.approx(1, abs=1e-6)


def test_float32_whatever_comes_in():
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        assert stft(noise(500).to(dtype)).dtype == torch.complex64
    with torch.autocast("cpu", torch.bfloat16):
        waveform = noise(500)
        torch.testing.assert_close(istft(stft(waveform), length=500), waveform, rtol=0, atol=3e-6)


def test_items_of_a_batch_are_independent():
    waveform = noise(999, batch=3)
    torch.testing.assert_close(stft(waveform)[1:2], stft(waveform[1:2]), rtol=0, atol=1e-6)


def test_the_gradient_is_that_of_the_identity():
    waveform = noise(700).requires_grad_()
    direction = noise(700, seed=1)
    (istft(stft(waveform, **LITE), length=700, **LITE) * direction).sum().backward()
    torch.testing.assert_close(waveform.grad, direction, rtol=0, atol=1e-5)


def test_windows_add_up_to_one_at_half_overlap():
    window = analysis_window("sqrt_hann", 512)
    torch.testing.assert_close(window[:256].square() + window[256:].square(), torch.ones(256))
    assert window.dtype == torch.float32
    assert window.min() >= 0
    assert window.max() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hop_length": 512}, r"hop_length must .*win_length.*; got 512 and 400\. Try hop_length=100"),
        ({"hop_length": 201}, r"hop_length must .*win_length.*; got 201 and 400\. Try hop_length=100"),
        ({"hop_length": 0}, r"hop_length must .*win_length.*; got 0 and 400\. Try hop_length=100"),
        ({"win_length": 512}, r"win_length must .*n_fft.*; got 512 and 400\. Try win_length=400"),
        ({"n_fft": 401}, r"n_fft must be even.*; got 401\. Try n_fft=402"),
        ({"window": "hamming"}, r"window must be 'hann' or 'sqrt_hann'; got 'hamming'\. Try 'hann'"),
    ],
)
def test_settings_that_do_not_fit_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        stft(noise(500), **PUBLISHED | change)
    with pytest.raises(ValueError, match=message):
        istft(stft(noise(500)), length=500, **PUBLISHED | change)


def test_an_empty_waveform_is_refused():
    with pytest.raises(ValueError, match=r"waveform must have at least one sample; got shape \(1, 0\)"):
        stft(torch.zeros(1, 0))


@pytest.mark.parametrize(("length", "n_fft"), [(600, 400), (400, 400), (500, 512)])
def test_a_spectrum_of_another_length_or_size_is_refused(length, n_fft):
    with pytest.raises(ValueError, match=r"spectrum must have .* frequencies and .* frames .*; got 201 and 6\."):
        istft(stft(noise(500)), length=length, n_fft=n_fft)


def test_a_window_first_asked_for_in_inference_mode_serves_a_gradient():
    options = {"n_fft": 26, "hop_length": 13, "win_length": 26, "window": "sqrt_hann"}  # no other test asks for it
    with torch.inference_mode():
        stft(torch.ones(1, 100), **options)
    waveform = torch.ones(1, 100, requires_grad=True)
    istft(stft(waveform, **options), length=100, **options).sum().backward()
    assert waveform.grad is not None
    assert torch.allclose(waveform.grad, torch.ones(1, 100), atol=1e-4)
