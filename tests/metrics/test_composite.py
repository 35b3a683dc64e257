"""LLR, WSS and the composite measures, against a plain re-statement of `composite.m` frame by frame."""

import math

import numpy as np
import pytest
import soundfile
from scipy.linalg import solve_toeplitz, toeplitz

from rephase.metrics import MetricError, cbak, covl, csig, llr, pesq_wb, segmental_snr_db, wss
from rephase.metrics.composite import cbak_of, covl_of, csig_of
from rephase.metrics.llr import _predictor
from rephase.metrics.loizou_frames import mean_of_least
from rephase.metrics.wss import CENTRES, WIDTHS

pytest.importorskip("pesq")
EPS = np.spacing(1)


def score(metric, reference, estimate, sample_rate=16000):
    return metric(reference=reference, estimate=estimate, sample_rate=sample_rate)


@pytest.fixture(scope="session")
def degraded(example_audio) -> np.ndarray:
    return soundfile.read(example_audio / "dishes-0db.degraded.flac")[0]


@pytest.fixture(scope="session")
def clean(example_audio) -> np.ndarray:
    return soundfile.read(example_audio / "dishes-0db.clean.flac")[0]


# ---------------------------------------------------------------- the re-statement
def frames_of(waveform):
    window = 0.5 * (1 - np.cos(2 * math.pi * np.arange(1, 481) / 481))
    return [waveform[start : start + 480] * window for start in range(0, 120 * int((len(waveform) - 480) / 120), 120)]


def plain_llr(clean, processed):
    distances = []
    for one, two in zip(frames_of(clean + EPS), frames_of(processed + EPS)):
        lags, others = ([float(w[: 480 - k] @ w[k:]) for k in range(17)] for w in (one, two))
        a, b = (np.concatenate([[1], -solve_toeplitz(r[:16], r[1:])]) for r in (lags, others))
        distances.append(math.log(b @ toeplitz(lags) @ b / (a @ toeplitz(lags) @ a)))
    return np.mean(sorted(distances)[: round(0.95 * len(distances))])


def plain_wss(clean, processed):
    filters = np.zeros((25, 512))
    for i, (centre, width) in enumerate(zip(CENTRES, WIDTHS)):
        f0, bw = centre / 8000 * 512, width / 8000 * 512
        row = np.exp(-11 * ((np.arange(512) - math.floor(f0)) / bw) ** 2 + math.log(70) - math.log(width))
        filters[i] = np.where(row > math.exp(-30 / (2 * 2.303)), row, 0)

    def energy_slope_peaks(frame):
        power = np.abs(np.fft.fft(frame / 32768, 1024))[:512] ** 2
        energy = 10 * np.log10(np.maximum(filters @ power, 1e-10))
        slope = energy[1:] - energy[:-1]
        peaks = np.empty(24)
        for i in range(24):
            n = i
            if slope[i] > 0:
                while n < 24 and slope[n] > 0:
                    n += 1
                peaks[i] = energy[n - 1]
            else:
                while n >= 0 and slope[n] <= 0:
                    n -= 1
                peaks[i] = energy[n + 1]
        weight = 20 / (20 + energy.max() - energy[:24]) * 1 / (1 + peaks - energy[:24])
        return slope, weight

    distances = []
    for one, two in zip(frames_of(clean), frames_of(processed)):
        (slope, weight), (other_slope, other_weight) = energy_slope_peaks(one), energy_slope_peaks(two)
        both = (weight + other_weight) / 2
        distances.append(both @ (slope - other_slope) ** 2 / both.sum())
    return np.mean(sorted(distances)[: round(0.95 * len(distances))])


def plain_segmental_snr(clean, processed):
    values = []
    for one, two in zip(frames_of(clean), frames_of(processed)):
        ratio = np.sum(one**2) / (np.sum((one - two) ** 2) + EPS)
        values.append(min(max(10 * math.log10(ratio + EPS), -10), 35))
    return np.mean(values)


@pytest.mark.parametrize("mix", [0.03, 1.0])
def test_parts_are_those_of_the_published_script(mix, clean, degraded):
    estimate = clean + mix * (degraded - clean)
    assert score(llr, clean, estimate) == pytest.approx(plain_llr(clean, estimate), rel=1e-4)
    assert score(wss, clean, estimate) == pytest.approx(plain_wss(clean, estimate), rel=1e-6)
    assert score(segmental_snr_db, clean, estimate) == pytest.approx(plain_segmental_snr(clean, estimate), rel=1e-6)


def test_composites_are_the_regressions_of_their_parts(clean, degraded):
    parts = {
        "pesq": score(pesq_wb, clean, degraded),
        "llr": plain_llr(clean, degraded),
        "wss": plain_wss(clean, degraded),
    }
    expected = {
        csig: 3.093 - 1.029 * parts["llr"] + 0.603 * parts["pesq"] - 0.009 * parts["wss"],
        cbak: 1.634 + 0.478 * parts["pesq"] - 0.007 * parts["wss"] + 0.063 * plain_segmental_snr(clean, degraded),
        covl: 1.594 + 0.805 * parts["pesq"] - 0.512 * parts["llr"] - 0.007 * parts["wss"],
    }
    for metric, value in expected.items():
        assert score(metric, clean, degraded) == pytest.approx(min(max(value, 1), 5), abs=1e-4)


def test_composites_stay_on_the_scale_of_opinions():
    assert csig_of(pesq=4.6, llr=0.0, wss=0.0) == 5
    assert cbak_of(pesq=1.0, wss=300.0, segmental_snr_db=-10.0) == 1
    assert covl_of(pesq=2.0, llr=1.0, wss=50.0) == pytest.approx(1.594 + 1.61 - 0.512 - 0.35)


def test_no_difference_is_the_best(clean):
    assert score(llr, clean, clean) == 0
    assert score(wss, clean, clean) == 0
    assert score(covl, clean, clean) == 5


# ---------------------------------------------------------------- in closed form
def test_llr_of_a_predictable_process_beside_white_noise():
    """An AR(1) process predicted as if it were white is off by its power over its innovation's, 1 / (1 − ρ²)."""
    innovation = np.random.default_rng(0).standard_normal(160_000)
    process = np.zeros_like(innovation)
    for n in range(1, innovation.size):
        process[n] = 0.9 * process[n - 1] + innovation[n]
    white = np.random.default_rng(1).standard_normal(160_000)
    # Frames are short: the predictors of 16 taps scatter, and the frames of most distance are left out.
    assert score(llr, process, white) == pytest.approx(-math.log(1 - 0.9**2), abs=0.15)


@pytest.mark.parametrize("gain", [-1.0, 1e-3, 30.0])
def test_llr_knows_no_level(gain, clean, degraded):
    assert score(llr, clean, gain * degraded) == pytest.approx(score(llr, clean, degraded), rel=1e-6)


def test_predictors_solve_the_normal_equations():
    lags = np.array([[4.0, 2.0, 1.0, -0.5], [9.0, -3.0, 2.0, 0.0]])
    for row, found in zip(lags, _predictor(lags)):
        assert found[0] == 1
        assert -found[1:] == pytest.approx(solve_toeplitz(row[:-1], row[1:]), rel=1e-12)


def test_wss_knows_no_level_far_above_its_floor():
    loud = 100 * np.random.default_rng(0).standard_normal(16000)
    assert score(wss, loud, 3 * loud) == pytest.approx(0, abs=1e-9)


def test_wss_of_a_tone_beside_silence():
    """The slopes to its band and away from it count with their squares; two silences have none."""
    tone, silent = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000), np.zeros(16000)
    assert score(wss, tone, silent) > 100
    assert score(wss, silent, silent) == 0


def test_the_worst_frames_are_left_out():
    assert mean_of_least(np.array([1.0] * 95 + [1000.0] * 5)) == 1
    assert mean_of_least(np.array([7.0])) == 7


# ---------------------------------------------------------------- no value
def test_frames_of_digital_silence_have_no_ratio(clean, degraded):
    cut, estimate = clean.copy(), degraded.copy()
    cut[10000:30000] = 0
    estimate[5000:9000] = 0
    assert 0 < score(llr, cut, estimate) < 10
    click = np.zeros(16000)
    click[:100] = 1e-3
    later = np.zeros(16000)
    later[-600:-500] = 1e-3
    with pytest.raises(MetricError, match="no frame in which both sound"):
        score(llr, click, later)


def test_silence_has_no_envelope(clean):
    with pytest.raises(MetricError, match="estimate is silent"):
        score(llr, clean, np.zeros_like(clean))
    with pytest.raises(MetricError, match="reference is silent"):
        score(csig, np.zeros_like(clean), clean)
