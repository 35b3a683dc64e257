"""SI-SDR of mixtures whose parts are orthogonal is the ratio of their energies."""

import numpy as np
import pytest

from rephase.metrics import si_sdr_db


@pytest.mark.parametrize("snr_db", [-30.0, -5.0, 0.0, 12.5, 60.0])
def test_orthogonal_noise_gives_the_signal_to_noise_ratio(snr_db, speech, noise):
    estimate = speech + 10 ** (-snr_db / 20) * noise
    assert si_sdr_db(reference=speech, estimate=estimate, sample_rate=16000) == pytest.approx(snr_db, abs=1e-6)


@pytest.mark.parametrize("gain", [-1.0, 1e-6, -0.3, 100.0])
def test_gain_and_polarity_of_either_change_nothing(gain, speech, noise):
    estimate = speech + 0.5 * noise
    expected = si_sdr_db(reference=speech, estimate=estimate, sample_rate=16000)
    assert si_sdr_db(reference=speech, estimate=gain * estimate, sample_rate=16000) == pytest.approx(expected, abs=1e-6)
    assert si_sdr_db(reference=gain * speech, estimate=estimate, sample_rate=16000) == pytest.approx(expected, abs=1e-4)


def test_very_quiet_waveforms_do_not_underflow(speech, noise):
    clean = speech.astype(np.float64)
    value = si_sdr_db(reference=1e-200 * clean, estimate=1e-180 * (clean + 0.1 * noise), sample_rate=16000)
    assert value == pytest.approx(20, abs=1e-6)


def test_the_mean_counts_as_signal():
    # s = (1, 1), ŝ = (1, 0): α = 1/2, the rest (1/2, −1/2) is as strong as the target.
    value = si_sdr_db(reference=np.array([1.0, 1.0]), estimate=np.array([1.0, 0.0]), sample_rate=16000)
    assert value == pytest.approx(0, abs=1e-12)


def test_the_ends_of_the_scale():
    square = np.array([1.0, 1.0, -1.0, -1.0])
    assert si_sdr_db(reference=square, estimate=-2 * square, sample_rate=16000) == np.inf
    assert si_sdr_db(reference=square, estimate=np.array([1.0, -1.0, -1.0, 1.0]), sample_rate=16000) == -np.inf
