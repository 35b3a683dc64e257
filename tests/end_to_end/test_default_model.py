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
    # These weights take a decibel off speech (MODEL_CARD.md); more, or less, would be a fault of the pipeline.
    assert 20 * np.log10(enhanced.std() / clean.std()) == pytest.approx(-1.0, abs=0.3)


def test_the_bundled_model_is_complete_and_small():
    model = find_model("renet-lite")
    assert model in list_models()
    assert set(model.files) == {"model.onnx", "model.safetensors"}
    assert sum(file.bytes for file in model.files.values()) <= 5e6
    assert model.parameters <= 500_000
    assert model.gmac_per_second <= 0.8
