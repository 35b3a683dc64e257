"""Whatever can't be scored has no score: every metric says why, and never gives a number."""

import builtins

import numpy as np
import pytest

from rephase.errors import RephaseError
from rephase.metrics import (
    MetricError,
    band_level_db,
    csig,
    dnsmos,
    estoi,
    llr,
    lsd,
    pesq_nb,
    pesq_wb,
    sdr_db,
    segmental_snr_db,
    si_sdr_db,
    snr_db,
    stoi,
    wss,
)


def band_level(**signals):
    return band_level_db(**signals, band_hz=(2000, 4000))


METRICS = pytest.mark.parametrize(
    "metric",
    [pesq_wb, pesq_nb, stoi, estoi, si_sdr_db, sdr_db, snr_db, segmental_snr_db, lsd, band_level, llr, wss, csig],
    ids=lambda metric: metric.__name__,
)


@METRICS
@pytest.mark.parametrize("damaged", ["reference", "estimate"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda waveform: np.stack([waveform, waveform]), r"\[time\]; got \[2, 64000\]"),
        (lambda waveform: (waveform * 32767).astype(np.int16), "floats.*int16"),
        (lambda waveform: waveform[:0], "is empty"),
        (lambda waveform: np.where(np.arange(waveform.size) == 99, np.nan, waveform), "NaN or Inf"),
        (lambda waveform: np.where(np.arange(waveform.size) == 99, np.inf, waveform), "NaN or Inf"),
        (lambda waveform: waveform[:-1], "same length"),
    ],
    ids=["stereo", "integers", "empty", "NaN", "Inf", "length"],
)
def test_a_pair_that_can_not_be_compared_has_no_score(metric, damaged, damage, reason, speech):
    signals = {"reference": speech, "estimate": speech}
    signals[damaged] = damage(speech)
    with pytest.raises(MetricError, match=reason):
        metric(**signals, sample_rate=16000)


@METRICS
def test_a_rate_must_be_positive(metric, speech):
    with pytest.raises(MetricError, match="sample_rate must be positive"):
        metric(reference=speech, estimate=speech, sample_rate=0)


@pytest.mark.parametrize(
    "metric", [pesq_wb, pesq_nb, stoi, estoi, si_sdr_db, sdr_db, llr, csig], ids=lambda metric: metric.__name__
)
@pytest.mark.parametrize("silent", ["reference", "estimate"])
def test_silence_has_no_score(metric, silent, speech):
    signals = {"reference": speech, "estimate": speech}
    signals[silent] = np.zeros_like(speech)
    with pytest.raises(MetricError, match=f"{silent} is silent"):
        metric(**signals, sample_rate=16000)


@METRICS
def test_a_waveform_can_be_too_short(metric, speech):
    if metric in (si_sdr_db, snr_db):
        assert metric(reference=speech[9000:9001], estimate=speech[9000:9001], sample_rate=16000) == np.inf
        return
    with pytest.raises(MetricError, match=r"1/4 of a second|0\.4 s|at least (400|600) samples|more than 512"):
        metric(reference=speech[9000:9399], estimate=speech[9000:9399], sample_rate=16000)


@pytest.mark.parametrize(("metric", "package"), [(pesq_wb, "pesq"), (estoi, "pystoi"), (sdr_db, "fast_bss_eval")])
def test_a_missing_package_is_named_with_the_extra(metric, package, speech, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=rf"{package}: pip install 'rephase\[eval\]'") as caught:
        metric(reference=speech, estimate=speech, sample_rate=16000)
    assert not isinstance(caught.value, MetricError)  # else every file would count as one without a value


def test_a_missing_package_of_dnsmos_is_named(speech, monkeypatch):
    from rephase.metrics.dnsmos import _networks

    real = builtins.__import__

    def without(name, *rest):
        if name == "speechmos":
            raise ModuleNotFoundError("No module named 'librosa'", name="librosa")
        return real(name, *rest)

    _networks.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"librosa: pip install 'rephase\[eval\]'"):
        dnsmos(estimate=speech, sample_rate=16000)


def test_the_error_is_of_the_family():
    assert issubclass(MetricError, RephaseError)
    assert issubclass(MetricError, ValueError)
