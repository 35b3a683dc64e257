"""PESQ and ESTOI: ends of the scale, order, invariances, and published figures of the reference code."""

import warnings

import numpy as np
import pytest
import soundfile

from rephase.metrics import MetricError, estoi, pesq_wb

pytest.importorskip("pesq")
pytest.importorskip("pystoi")


def test_no_difference_is_the_best_score(speech):
    # x = 4.5 in the mapping of P.862.2
    assert pesq_wb(reference=speech, estimate=speech, sample_rate=16000) == pytest.approx(
        0.999 + 4 / (1 + np.exp(-1.3669 * 4.5 + 3.8224)), abs=1e-5
    )
    assert estoi(reference=speech, estimate=speech, sample_rate=16000) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("metric", [pesq_wb, estoi], ids=["pesq_wb", "estoi"])
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
