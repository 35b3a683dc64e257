"""The default model on speech, in chunks: what comes out is what one call for the whole recording gives."""

import dataclasses

import numpy as np
import pytest
import soundfile

from rephase.audio.levels import LevelStream
from rephase.enhancer import Enhancer
from rephase.runtimes.onnx import OnnxRuntime
from rephase.weights import list_models

WINDOW = 3200  # 200 ms


@pytest.fixture(scope="module")
def model():
    for model in list_models():
        if model.name == "renet-lite" and model.has_weights:
            return model
    pytest.skip("the default model ships no weights yet")


def test_chunks_give_what_one_call_gives(model, example_audio):
    clips = [example_audio / f"{name}.degraded.flac" for name in ("dishes-0db", "exercise-bike-10db", "kitchen-0db")]
    speech = np.concatenate([soundfile.read(clip, dtype="float32")[0] for clip in clips])[None]
    assert speech.shape == (1, 12 * model.sample_rate)
    runtime = OnnxRuntime(model, "cpu")

    level = LevelStream(model.sample_rate, 1)
    (first, first_gain), (rest, rest_gain) = level.push(speech), level.flush()
    levelled, gain = np.concatenate([first, rest], axis=1), np.concatenate([first_gain, rest_gain], axis=1)
    whole = runtime(levelled) / gain

    in_chunks = dataclasses.replace(model, chunk_samples=2 * model.sample_rate)
    error = Enhancer(runtime, in_chunks).enhance(speech, model.sample_rate) - whole
    error_db, local_db = (10 * np.log10(np.mean(x.reshape(-1, WINDOW) ** 2, axis=1)) for x in (error, whole))
    assert np.max(error_db - local_db) < -60
