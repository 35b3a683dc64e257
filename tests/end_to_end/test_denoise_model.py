"""The model for noise alone: noise goes, and what else a recording has stays."""

import numpy as np
import pytest
import soundfile

from rephase.enhancer import Enhancer
from rephase.metrics import si_sdr_db
from rephase.weights import find_model


@pytest.fixture(scope="module")
def enhancer():
    return Enhancer.from_pretrained("renet-lite-denoise")


@pytest.fixture(scope="module")
def enhanced(enhancer, example_audio):
    """(degraded, enhanced, clean) of a clip, and its rate."""

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


def test_a_narrow_band_without_noise_stays_as_it_is(enhanced):
    before, after, clean, rate = enhanced("narrow-band-4khz")
    high = np.fft.rfftfreq(len(before), 1 / rate) > 4500
    made, lost = (10 * np.log10((np.abs(np.fft.rfft(waveform))[high] ** 2).mean()) for waveform in (after, clean))
    assert made < lost - 40, "nothing is made up above the end of the band"
    assert above_change_db(before, after) > 30


def test_a_room_without_noise_stays_as_it_is(enhanced):
    before, after, _, _ = enhanced("hallway")
    assert above_change_db(before, after) > 30


def test_clean_speech_stays_as_it_is(enhancer, example_audio):
    clean, rate = soundfile.read(example_audio / "dishes-0db.clean.flac", dtype="float32")
    assert above_change_db(clean, enhancer.enhance(clean, rate)) > 30


def above_change_db(before, after):
    """Energy of a recording over that of what was changed in it, its level too, dB."""
    return 10 * np.log10(np.sum(before**2) / np.sum((after - before) ** 2))


def test_it_is_a_specialist_of_the_same_network():
    model, default = find_model("renet-lite-denoise"), find_model("renet-lite")
    assert (model.task, model.network) == ("denoise", default.network)
    assert sum(file.bytes for file in model.files.values()) <= 5e6
