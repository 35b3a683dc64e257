"""DNSMOS is what the package `speechmos` gives, on one thread and without repeated work."""

import numpy as np
import pytest
import soundfile

from rephase.metrics import MetricError, dnsmos
from rephase.metrics.dnsmos import NAMES, _networks

package = pytest.importorskip("speechmos.dnsmos")


def test_opinions_are_those_of_the_package(example_audio):
    degraded, _ = soundfile.read(example_audio / "dishes-0db.degraded.flac")
    theirs = package.run(degraded, 16000)
    ours = dnsmos(estimate=degraded, sample_rate=16000)
    assert list(ours) == ["dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl", "dnsmos_p808"]
    for name, value in ours.items():
        assert value == pytest.approx(float(theirs[NAMES[name]]), abs=1e-4)


def test_clean_speech_is_better(speech, example_audio):
    degraded, _ = soundfile.read(example_audio / "dishes-0db.degraded.flac")
    clean = dnsmos(estimate=speech, sample_rate=16000)
    assert all(1 <= value <= 5 for value in clean.values())
    assert all(clean[name] > value for name, value in dnsmos(estimate=degraded, sample_rate=16000).items())


def test_windows_that_repeat_are_scored_once(speech):
    # Four seconds, repeated to sixteen: seven windows, of which those after the fourth are the first ones again.
    networks = _networks()
    networks.onnx_sess._answers.clear()
    dnsmos(estimate=speech[:64000], sample_rate=16000)
    assert len(networks.onnx_sess._answers) == 4


def test_what_has_no_opinion(speech):
    with pytest.raises(MetricError, match="estimate is silent"):
        dnsmos(estimate=np.zeros_like(speech), sample_rate=16000)
    with pytest.raises(MetricError, match="16000 Hz; got 8000"):
        dnsmos(estimate=speech, sample_rate=8000)
    with pytest.raises(MetricError, match=r"within ±1; got a peak of 1\.5"):
        dnsmos(estimate=speech * (1.5 / np.abs(speech).max()), sample_rate=16000)
    with pytest.raises(MetricError, match="NaN or Inf"):
        dnsmos(estimate=np.full(16000, np.nan), sample_rate=16000)
