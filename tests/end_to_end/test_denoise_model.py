"""The model for noise alone: noise goes, and what else a recording has stays."""

import numpy as np
import pytest
import soundfile

from rephase.enhancer import Enhancer
from rephase.metrics import si_sdr_db
from rephase.weights import find_model


@pytest.fixture(scope="module")
def enhanced(example_audio):
    """(degraded, enhanced, clean) of a clip, and its rate."""
    enhancer = Enhancer.from_pretrained("renet-lite-denoise")

    def of(name):
        degraded, rate = soundfile.read(example_audio / f"{name}.degraded.flac", dtype="float32")
        clean, _ = soundfile.read(example_audio / f"{name}.clean.flac", dtype="float32")
        return degraded, enhancer.enhance(degraded, rate), clean, rate

    return of


@pytest.mark.parametrize(("name", "gain_db"), [("dishes-0db", 8.0), ("kitchen-0db", 6.0), ("exercise-bike-10db", 6.0)])
def test_noise_goes(enhanced, name, gain_db):
    before, after, clean, rate = enhanced(name)
    scores = [si_sdr_db(reference=clean, estimate=waveform, sample_rate=rate) for waveform in (before, after)]
    assert scores[1] > scores[0] + gain_db


def test_a_narrow_band_stays_narrow(enhanced):
    before, after, clean, rate = enhanced("narrow-band-4khz")
    spectra = [np.abs(np.fft.rfft(waveform)) ** 2 for waveform in (before, after, clean)]
    freqs = np.fft.rfftfreq(len(before), 1 / rate)
    low, high = ([10 * np.log10(power[band].mean()) for power in spectra] for band in (freqs < 3000, freqs > 4500))
    assert low[1] == pytest.approx(low[0], abs=1.0)
    assert high[1] < high[2] - 20, "nothing is made up above the end of the band"


def test_a_room_stays(enhanced):
    before, after, _, rate = enhanced("hallway")
    assert si_sdr_db(reference=before, estimate=after, sample_rate=rate) > 10


def test_it_is_a_specialist_of_the_same_network():
    model, default = find_model("renet-lite-denoise"), find_model("renet-lite")
    assert (model.task, model.network) == ("denoise", default.network)
    assert sum(file.bytes for file in model.files.values()) <= 5e6
