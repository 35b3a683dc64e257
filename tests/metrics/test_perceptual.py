"""PESQ and ESTOI: ends of the scale, order, invariances, and published figures of the reference code."""

import warnings

import numpy as np
import pytest
import soundfile

from rephase.metrics import MetricError, estoi, pesq_nb, pesq_wb, stoi

pytest.importorskip("pesq")
pytest.importorskip("pystoi")


def test_no_difference_is_the_best_score(speech):
    # x = 4.5 in the mapping of P.862.2
    assert pesq_wb(reference=speech, estimate=speech, sample_rate=16000) == pytest.approx(
        0.999 + 4 / (1 + np.exp(-1.3669 * 4.5 + 3.8224)), abs=1e-5
    )
    assert pesq_nb(reference=speech, estimate=speech, sample_rate=16000) == pytest.approx(
        0.999 + 4 / (1 + np.exp(-1.4945 * 4.5 + 4.6607)), abs=1e-5
    )
    assert estoi(reference=speech, estimate=speech, sample_rate=16000) == pytest.approx(1, abs=1e-9)
    assert stoi(reference=speech, estimate=speech, sample_rate=16000) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("metric", [pesq_wb, pesq_nb, estoi, stoi], ids=lambda metric: metric.__name__)
def test_more_noise_is_a_lower_score(metric, speech, noise):
    scores = [
        metric(reference=speech, estimate=speech + 10 ** (-snr_db / 20) * noise, sample_rate=16000)
        for snr_db in (30, 20, 10, 0)
    ]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4


def test_scores_of_the_example(speech, example_audio):
    # The same pair, scored by another program with the reference packages.
    degraded, _ = soundfile.read(example_audio / "dishes-0db.degraded.flac", dtype="float32")
    assert pesq_wb(reference=speech, estimate=degraded, sample_rate=16000) == pytest.approx(1.0597, abs=1e-4)
    assert estoi(reference=speech, estimate=degraded, sample_rate=16000) == pytest.approx(0.5208, abs=1e-4)


def test_scores_are_those_of_the_packages(speech, example_audio):
    import pesq
    import pystoi

    degraded, _ = soundfile.read(example_audio / "dishes-0db.degraded.flac", dtype="float32")
    pair = {"reference": speech, "estimate": degraded, "sample_rate": 16000}
    assert pesq_wb(**pair) == pytest.approx(pesq.pesq(16000, speech, degraded, "wb"), abs=1e-4)
    assert pesq_nb(**pair) == pytest.approx(pesq.pesq(16000, speech, degraded, "nb"), abs=1e-4)
    assert stoi(**pair) == pytest.approx(pystoi.stoi(speech, degraded, 16000, extended=False), abs=1e-4)
    assert estoi(**pair) == pytest.approx(pystoi.stoi(speech, degraded, 16000, extended=True), abs=1e-4)


def test_the_narrow_band_is_that_of_a_telephone(speech):
    """What is lost above 4 kHz doesn't matter to it."""
    spectrum = np.fft.rfft(speech)
    spectrum[len(spectrum) // 2 :] = 0
    narrow = np.fft.irfft(spectrum, speech.size)
    assert pesq_nb(reference=speech, estimate=narrow, sample_rate=16000) > 4.5
    assert pesq_wb(reference=speech, estimate=narrow, sample_rate=16000) < 4
    assert pesq_nb(reference=speech[::2], estimate=speech[::2], sample_rate=8000) > 4.5


@pytest.mark.parametrize("gain", [1e-12, 1e-3, 5.0])
def test_estoi_knows_no_level(gain, speech, noise):
    estimate = speech + 0.3 * noise
    expected = estoi(reference=speech, estimate=estimate, sample_rate=16000)
    assert estoi(reference=speech, estimate=gain * estimate, sample_rate=16000) == pytest.approx(expected, abs=1e-6)
    assert estoi(reference=gain * speech, estimate=estimate, sample_rate=16000) == pytest.approx(expected, abs=1e-6)


def test_unrelated_noise_is_not_understood(speech, noise):
    assert abs(estoi(reference=speech, estimate=noise, sample_rate=16000)) < 0.1


def test_estoi_of_a_moment_of_sound_has_no_value(speech):
    click = np.zeros_like(speech)
    click[20000:22000] = speech[20000:22000]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MetricError, match="fewer than 30 frames"):
            estoi(reference=click, estimate=speech, sample_rate=16000)


def test_pesq_is_defined_at_one_rate(speech):
    with pytest.raises(MetricError, match="16000 Hz; got 8000; resample"):
        pesq_wb(reference=speech, estimate=speech, sample_rate=8000)


def test_pesq_refuses_what_would_overflow_the_reference_code(speech):
    assert (
        pesq_wb(reference=np.resize(speech, 19 * 16000), estimate=np.resize(speech, 19 * 16000), sample_rate=16000)
        > 4.6
    )
    long = np.resize(speech, 19 * 16000 + 1)
    with pytest.raises(MetricError, match="at most 19 s"):
        pesq_wb(reference=long, estimate=long, sample_rate=16000)


def test_pesq_takes_as_many_utterances_as_fit_into_the_longest_recording(speech):
    # 200 ms of speech and 184 ms of pause, over and over: more than 50 of them would make the reference code crash.
    loud = speech[np.abs(speech).argmax() - 1600 :][:3200]
    burst = np.concatenate([loud + 0.1 * np.sign(loud), np.zeros(3000, np.float32)])
    bursts = np.resize(burst, 19 * 16000)
    assert 1 <= pesq_wb(reference=bursts, estimate=bursts + 1e-3, sample_rate=16000) <= 4.65


def test_levels_too_far_apart_for_pesq(speech):
    with pytest.raises(MetricError, match="pesq_wb has no value"):
        pesq_wb(reference=speech, estimate=1e-30 * speech, sample_rate=16000)
