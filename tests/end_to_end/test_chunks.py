"""The models that ship on speech, in chunks: what comes out is what one call for the whole recording gives."""

import dataclasses

import numpy as np
import pytest
import soundfile

from rephase.audio.levels import LevelStream
from rephase.enhancer import Enhancer
from rephase.runtimes.onnx import OnnxRuntime
from rephase.weights import list_models

WINDOW = 3200  # 200 ms
SHIPPED = [model for model in list_models() if model.has_weights and model.is_local]


@pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.name)
@pytest.mark.parametrize("whisper_db", [0, -36, -60])
def test_chunks_give_what_one_call_gives(model, example_audio, whisper_db):
    """Everywhere, also within a whisper after a shout and where the whisper ends."""
    names = ("dishes-0db", "exercise-bike-10db", "kitchen-0db")
    clips = [soundfile.read(example_audio / f"{name}.degraded.flac", dtype="float32")[0] for name in names]
    clips[1] = clips[1] * np.float32(10 ** (whisper_db / 20))
    speech = np.concatenate(clips)[None]
    assert speech.shape == (1, 12 * model.sample_rate)
    runtime = OnnxRuntime(model, "cpu")

    level = LevelStream(model.sample_rate, 1)
    (first, first_gain), (rest, rest_gain) = level.push(speech), level.flush()
    levelled, gain = np.concatenate([first, rest], axis=1), np.concatenate([first_gain, rest_gain], axis=1)
    whole = runtime(levelled) / gain

    in_chunks = dataclasses.replace(model, chunk_samples=2 * model.sample_rate)
    assert in_chunks.is_local
    error = Enhancer(runtime, in_chunks).enhance(speech, model.sample_rate) - whole
    error_db, local_db = (10 * np.log10(np.mean(x.reshape(-1, WINDOW) ** 2, axis=1)) for x in (error, whole))
    assert np.max(error_db - local_db) < -60
