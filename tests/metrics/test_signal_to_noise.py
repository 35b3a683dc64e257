"""SNR, segmental SNR and SDR of mixtures whose parts are orthogonal, which are known in closed form."""

import numpy as np
import pytest

from rephase.metrics import MetricError, sdr_db, segmental_snr_db, si_sdr_db, snr_db


def score(metric, reference, estimate):
    return metric(reference=reference, estimate=estimate, sample_rate=16000)


@pytest.mark.parametrize("ratio_db", [-30.0, 0.0, 12.5, 60.0])
def test_orthogonal_noise_gives_the_signal_to_noise_ratio(ratio_db, speech, noise):
    estimate = speech + 10 ** (-ratio_db / 20) * noise
    assert score(snr_db, speech, estimate) == pytest.approx(ratio_db, abs=1e-6)


@pytest.mark.parametrize("gain", [0.5, 1.1, 3.0])
def test_a_gain_is_noise(gain, speech):
    expected = -20 * np.log10(abs(gain - 1))
    assert score(snr_db, speech, gain * speech.astype(np.float64)) == pytest.approx(expected, abs=1e-6)


def test_snr_of_silence_and_of_no_difference(speech):
    assert score(snr_db, speech, np.zeros_like(speech)) == 0
    assert score(snr_db, speech, speech) == np.inf
    quiet = 1e-200 * speech.astype(np.float64)
    assert score(snr_db, quiet, 1.1 * quiet) == pytest.approx(20, abs=1e-6)


@pytest.mark.parametrize("metric", [snr_db, segmental_snr_db, sdr_db], ids=lambda metric: metric.__name__)
def test_a_silent_reference_has_no_ratio(metric, speech):
    with pytest.raises(MetricError, match="reference is silent"):
        score(metric, np.zeros_like(speech), speech)


@pytest.mark.parametrize(("ratio_db", "expected"), [(-25.0, -10.0), (-3.0, -3.0), (20.0, 20.0), (50.0, 35.0)])
def test_every_frame_of_a_gain_has_its_ratio_within_limits(ratio_db, expected):
    loud = np.random.default_rng(0).standard_normal(16000)
    estimate = loud * (1 + 10 ** (-ratio_db / 20))
    assert score(segmental_snr_db, loud, estimate) == pytest.approx(expected, abs=1e-6)


def test_segments_count_alike_however_loud_they_are():
    """20 dB in the loud half and 0 dB in one 40 dB below: 10 dB, where SNR has 20."""
    draw = np.random.default_rng(0).standard_normal(32000)
    reference = np.concatenate([draw[:16000], 0.01 * draw[16000:]])
    estimate = np.concatenate([1.1 * draw[:16000], 0.02 * draw[16000:]])
    assert score(segmental_snr_db, reference, estimate) == pytest.approx(10, abs=0.3)
    assert score(snr_db, reference, estimate) == pytest.approx(20, abs=0.1)


def test_a_pause_in_which_something_is_left_counts_the_least():
    draw = np.random.default_rng(0).standard_normal(16000)
    reference = np.concatenate([draw, np.zeros(16000)])
    estimate = np.concatenate([1.1 * draw, np.full(16000, 1e-4)])
    assert score(segmental_snr_db, reference, estimate) == pytest.approx((20 - 10) / 2, abs=0.5)


def test_less_than_a_frame_has_no_segments(speech):
    with pytest.raises(MetricError, match="at least 600 samples"):
        score(segmental_snr_db, speech[20000:20599], speech[20000:20599])
    assert score(segmental_snr_db, speech[20000:20600], -speech[20000:20600]) == pytest.approx(-20 * np.log10(2), 1e-4)


@pytest.mark.parametrize("ratio_db", [-10.0, 5.0, 30.0])
def test_a_filter_costs_sdr_nothing_and_noise_counts(ratio_db):
    """A filter of 100 taps is within the 512; of the noise, 512 of all 64,511 dimensions count as speech."""
    random = np.random.default_rng(1)
    reference, noise = random.standard_normal((2, 64000))
    reference[-600:] = 0
    filtered = np.convolve(reference, random.standard_normal(100) / 10)[:64000]
    noise *= np.linalg.norm(filtered) / np.linalg.norm(noise)
    estimate = filtered + 10 ** (-ratio_db / 20) * noise
    share, noise_power = 512 / 64511, 10 ** (-ratio_db / 10)
    expected = 10 * np.log10((1 + share * noise_power) / ((1 - share) * noise_power))
    assert score(sdr_db, reference, estimate) == pytest.approx(expected, abs=0.2)
    assert score(si_sdr_db, reference, estimate) < ratio_db - 3


def test_sdr_is_the_projection_on_all_delays():
    """By least squares on the 512 delayed copies, written out."""
    random = np.random.default_rng(2)
    reference, estimate = random.standard_normal((2, 2000))
    padded = np.concatenate([estimate, np.zeros(511)])
    copies = np.zeros((2511, 512))
    for delay in range(512):
        copies[delay : delay + 2000, delay] = reference
    target = copies @ np.linalg.lstsq(copies, padded, rcond=None)[0]
    expected = 10 * np.log10(target @ target / ((padded - target) @ (padded - target)))
    assert score(sdr_db, reference, estimate) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("gain", [-1.0, 1e-3, 20.0])
def test_a_gain_costs_sdr_nothing(gain, speech, noise):
    estimate = speech + 0.3 * noise
    assert score(sdr_db, speech, gain * estimate) == pytest.approx(score(sdr_db, speech, estimate), abs=1e-4)


def test_an_estimate_of_silence_has_no_sdr(speech):
    with pytest.raises(MetricError, match="estimate is silent"):
        score(sdr_db, speech, np.zeros_like(speech))
