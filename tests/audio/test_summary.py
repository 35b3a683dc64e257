"""Peak, level and bandwidth of signals for which they are known."""

import numpy as np
import pytest
import soundfile

from rephase.audio.summary import summarise


def pieces(samples, length):
    """`samples` [channels, time] in blocks of `length`."""
    return (samples[:, start : start + length] for start in range(0, samples.shape[1], length))


def test_levels_of_a_sine():
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)[None]
    summary = summarise(pieces(sine, 4096), 48000)
    assert summary.peak_db == pytest.approx(20 * np.log10(0.5), abs=1e-3)
    assert summary.rms_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=1e-3)
    assert summary.bandwidth_hz == pytest.approx(1000, abs=150)


@pytest.mark.parametrize("cutoff", [500, 2000, 4000, 11025, 20000])
def test_bandwidth_of_noise_that_ends_somewhere(cutoff):
    rate = 44100
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(3 * rate))
    spectrum[np.fft.rfftfreq(3 * rate, 1 / rate) > cutoff] = 0
    noise = np.round(np.fft.irfft(spectrum)[None] * 1000) / 32768  # with the noise of 16 bits above the cutoff
    assert summarise(pieces(noise, 5000), rate).bandwidth_hz == pytest.approx(cutoff, abs=150)


def test_full_band_noise_ends_at_nyquist():
    noise = np.random.default_rng(0).standard_normal((2, 16000)) / 10
    assert summarise(pieces(noise, 999), 16000).bandwidth_hz == 8000


def test_the_clips_are_as_wide_as_they_were_made(example_audio):
    for name, width in {"narrow-band-4khz.degraded": 4000, "narrow-band-4khz.clean": 8000}.items():
        samples, rate = soundfile.read(example_audio / f"{name}.flac", dtype="float32", always_2d=True)
        assert summarise(pieces(samples.T, 4096), rate).bandwidth_hz == pytest.approx(width, rel=0.04)


def test_silence_and_nothing():
    for length in (0, 1, 5000):
        summary = summarise(pieces(np.zeros((2, length), dtype=np.float32), 4096), 16000)
        assert (summary.peak_db, summary.rms_db, summary.bandwidth_hz) == (-np.inf, -np.inf, 0.0)


def test_the_size_of_the_blocks_does_not_matter():
    noise = np.random.default_rng(1).standard_normal((2, 10_000))
    one, many = summarise([noise], 16000), summarise(pieces(noise, 77), 16000)
    assert one.rms_db == pytest.approx(many.rms_db)
    assert (one.peak_db, one.bandwidth_hz) == (many.peak_db, many.bandwidth_hz)
