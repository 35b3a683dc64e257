"""LSD and band level of gains and tones, which are known in closed form."""

import numpy as np
import pytest

from rephase.metrics import MetricError, band_level_db, lsd
from rephase.metrics.spectra import FRAMES_PER_BLOCK, power_blocks

BANDS = [(0, 2000), (2000, 4000), (4000, 6000), (6000, 8000)]


def level(reference, estimate, band, sample_rate=16000):
    return band_level_db(reference=reference, estimate=estimate, sample_rate=sample_rate, band_hz=band)


def tone(frequency, sample_rate=16000, seconds=1):
    return np.sin(2 * np.pi * frequency * np.arange(seconds * sample_rate) / sample_rate + 0.3)


def test_frames_are_those_of_a_centred_stft(speech):
    torch = pytest.importorskip("torch")
    spectrum = torch.stft(
        torch.from_numpy(speech).double(),
        400,
        100,
        400,
        torch.hann_window(400, dtype=torch.float64),
        return_complex=True,
    )
    power = np.concatenate(list(power_blocks(speech.astype(np.float64), 16000, metric="test")))
    assert np.allclose(power.T, spectrum.abs().square().numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("metric", [lsd, level], ids=["lsd", "band level"])
def test_a_long_recording_is_the_sum_of_its_blocks(metric, noise):
    # More than one block; the silent half leaves the distance where it is only if all frames have the same weight.
    loud = np.resize(noise, 100 * (FRAMES_PER_BLOCK + 99))
    assert len(list(power_blocks(loud, 16000, metric="test"))) == 2
    if metric is lsd:
        assert lsd(reference=loud, estimate=10 * loud, sample_rate=16000) == pytest.approx(2, abs=1e-4)
    else:
        assert level(loud, 10 * loud, (2000, 4000)) == pytest.approx(20, abs=1e-9)


@pytest.mark.parametrize("gain_db", [-20.0, 6.0, 20.0])
@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_lsd_of_a_gain_is_a_tenth_of_its_decibels(gain_db, sample_rate, noise):
    # White noise: all bins lie far above the floor.
    value = lsd(reference=noise, estimate=10 ** (gain_db / 20) * noise, sample_rate=sample_rate)
    assert value == pytest.approx(abs(gain_db) / 10, abs=1e-3)


@pytest.mark.parametrize(
    ("band", "expected"), [((0, 4000), 0.0), ((4000, 8000), 2.0), ((2000, 8000), 2 * (101 / 151) ** 0.5)]
)
def test_lsd_of_a_band_sees_that_band_alone(band, expected, noise):
    """White noise that is 20 dB down above 4 kHz: √(share of the bins) · 2."""
    spectrum = np.fft.rfft(noise)
    spectrum[len(spectrum) // 2 :] *= 0.1
    estimate = np.fft.irfft(spectrum, noise.size)
    value = lsd(reference=noise, estimate=estimate, sample_rate=16000, band_hz=band)
    assert value == pytest.approx(expected, abs=0.05)


def test_lsd_knows_magnitudes_only(speech):
    assert lsd(reference=speech, estimate=-speech, sample_rate=16000) == 0


def test_lsd_of_silence_is_the_distance_to_the_floor():
    # An impulse of height a has |S|² = (a w)² in all bins of the frames that see it: w is 1 in the frame on whose
    # centre it lies, and 1/2 in those beside it.
    impulse = np.zeros(16000)
    impulse[8000] = 0.1
    heights = 0.1 * np.array([1.0, 0.5, 0.5])
    expected = np.sum(np.log10(heights**2 + 1e-8) + 8) / 161
    assert lsd(reference=impulse, estimate=np.zeros(16000), sample_rate=16000) == pytest.approx(expected, rel=1e-9)
    assert lsd(reference=np.zeros(16000), estimate=impulse, sample_rate=16000) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("gain_db", [-7.0, 3.0])
def test_a_gain_shows_in_every_band(band, gain_db, speech):
    assert level(speech, 10 ** (gain_db / 20) * speech.astype(np.float64), band) == pytest.approx(gain_db, abs=1e-9)


@pytest.mark.parametrize("index", range(4))
def test_what_happens_in_a_band_shows_in_that_band_alone(index):
    tones = [tone(1000 + 2000 * number) for number in range(4)]
    changed = [0.5 * part if number == index else part for number, part in enumerate(tones)]
    for number, band in enumerate(BANDS):
        expected = 20 * np.log10(0.5) if number == index else 0
        # Not exactly: both ends, where the tones are mirrored, sound in all bands.
        assert level(sum(tones), sum(changed), band) == pytest.approx(expected, abs=0.01)


def test_bands_share_no_bin_and_leave_none_out(speech, noise):
    # Energies of the bands add up to the energy of all.
    def energies(waveform):
        impulse = np.zeros(speech.size)
        impulse[32000] = 1.0  # |S|² = 1 in all bins of one frame, 1/4 in two: energy of a band = 1.5 × its bins
        return [1.5 * bins * 10 ** (level(impulse, waveform, band) / 10) for band, bins in zip(counted, [50, 50, 101])]

    counted = [(0, 2000), (2000, 4000), (4000, 8000)]
    whole = sum(block.sum() for block in power_blocks(noise, 16000, metric="test"))
    assert sum(energies(noise)) == pytest.approx(whole, rel=1e-9)


def test_band_level_of_nothing(speech):
    assert level(speech, np.zeros_like(speech), (2000, 4000)) == -np.inf
    with pytest.raises(MetricError, match="reference holds nothing from 2000 to 4000 Hz"):
        level(np.zeros_like(speech), speech, (2000, 4000))


@pytest.mark.parametrize("band", [(4000, 2000), (-1, 2000), (4000, 8001), (2001, 2039)])
def test_band_must_lie_below_half_the_rate(band, speech):
    with pytest.raises(MetricError, match="two rising edges from 0 to 8000 Hz"):
        level(speech, speech, band)
