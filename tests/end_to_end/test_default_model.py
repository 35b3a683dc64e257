"""The default model on real recordings: noise goes, speech and loudness stay."""

import numpy as np
import pytest
import soundfile

import rephase
from rephase.weights import find_model, list_models


def si_sdr_db(reference, estimate):
    """Le Roux et al., 2019: the reference scaled to fit best, over what is left."""
    target = reference * np.dot(reference, estimate) / np.dot(reference, reference)
    return 10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))


@pytest.fixture(scope="module")
def read(example_audio):
    return lambda name: soundfile.read(example_audio / f"{name}.flac", dtype="float32")


@pytest.mark.parametrize(("name", "gain_db"), [("dishes-0db", 8.0), ("kitchen-0db", 6.0), ("exercise-bike-10db", 6.0)])
def test_noise_goes(read, name, gain_db):
    degraded, rate = read(f"{name}.degraded")
    clean, _ = read(f"{name}.clean")
    enhanced = rephase.enhance(degraded, rate)
    assert enhanced.shape == degraded.shape
    assert si_sdr_db(clean, enhanced) > si_sdr_db(clean, degraded) + gain_db


def test_clean_speech_stays(read):
    clean, rate = read("dishes-0db.clean")
    enhanced = rephase.enhance(clean, rate)
    assert si_sdr_db(clean, enhanced) > 40
    assert 20 * np.log10(enhanced.std() / clean.std()) == pytest.approx(0.0, abs=0.3)


def test_a_narrow_band_is_widened_and_what_it_had_stays(read):
    degraded, rate = read("narrow-band-4khz.degraded")
    clean, _ = read("narrow-band-4khz.clean")
    enhanced = rephase.enhance(degraded, rate)
    empty, filled, whole = (band_db(waveform, rate, 4500, 7500) for waveform in (degraded, enhanced, clean))
    assert filled > empty + 30
    assert filled < whole + 3
    assert band_db(enhanced, rate, 100, 3000) == pytest.approx(band_db(degraded, rate, 100, 3000), abs=1.0)


def test_a_room_gets_drier(read):
    degraded, rate = read("hallway.degraded")
    clean, _ = read("hallway.clean")
    enhanced = rephase.enhance(degraded, rate)
    gaps = {"in": gap_db(degraded, clean), "out": gap_db(enhanced, clean)}
    assert gaps["out"] < gaps["in"] - 5


@pytest.mark.parametrize(("quieter_db", "least_db"), [(12, 30), (30, 17)])
def test_a_quiet_speaker_of_a_pair_is_enhanced_as_well_as_a_loud_one(read, quieter_db, least_db):
    """The gain begins within bounds and rises: the first moments of one 30 dB down are softer to the network."""
    degraded, rate = read("dishes-0db.degraded")
    factor = np.float32(10 ** (-quieter_db / 20))
    loud, quiet = rephase.enhance(np.stack([degraded, factor * degraded]), rate)
    assert si_sdr_db(loud, quiet) > least_db
    assert 20 * np.log10(quiet.std() / loud.std()) == pytest.approx(-quieter_db, abs=0.2)


def test_the_quiet_channel_of_a_pair_is_not_blown_up(read):
    """Speech on the left and, 50 dB below it, nothing but noise on the right: it becomes hardly louder anywhere."""
    speech, rate = read("dishes-0db.clean")
    noise = np.random.default_rng(0).standard_normal(speech.size, dtype=np.float32)
    noise *= speech.std() * 10 ** (-50 / 20)
    left, right = rephase.enhance(np.stack([speech, noise]), rate)
    before, after = (np.square(x[: x.size // 3200 * 3200].reshape(-1, 3200)).mean(axis=1) for x in (noise, right))
    assert 10 * np.log10(np.max(after / before)) < 1
    np.testing.assert_allclose(left, rephase.enhance(speech, rate), atol=1e-6)


def band_db(waveform, rate, low, high):
    """Power of a band, dB."""
    power = np.abs(np.fft.rfft(waveform)) ** 2
    freqs = np.fft.rfftfreq(len(waveform), 1 / rate)
    return 10 * np.log10(power[(freqs >= low) & (freqs < high)].mean())


def gap_db(waveform, clean):
    """Power where the clean recording pauses, over the power where it speaks, dB."""
    frames, dry = (signal[: len(signal) // 320 * 320].reshape(-1, 320) for signal in (waveform, clean))
    level = (dry**2).mean(1)
    return 10 * np.log10(
        (frames[level < np.quantile(level, 0.15)] ** 2).mean() / (frames[level > np.median(level)] ** 2).mean()
    )


def test_the_bundled_model_is_complete_and_small():
    model = find_model("renet-lite")
    assert model in list_models()
    assert set(model.files) == {"model.onnx", "model.safetensors"}
    assert sum(file.bytes for file in model.files.values()) <= 5e6
    assert model.parameters <= 500_000
    assert model.gmac_per_second <= 0.8
