"""Signals whose scores are known before anything is computed."""

import numpy as np
import pytest
import soundfile

SAMPLE_RATE = 16000


@pytest.fixture(scope="session")
def speech(example_audio) -> np.ndarray:
    """Four seconds of clean speech."""
    waveform, sample_rate = soundfile.read(example_audio / "dishes-0db.clean.flac", dtype="float32")
    assert sample_rate == SAMPLE_RATE
    return waveform


@pytest.fixture
def noise(speech) -> np.ndarray:
    """White noise, orthogonal to the speech and of the same energy."""
    draw = np.random.default_rng(3).standard_normal(speech.size)
    clean = speech.astype(np.float64)
    draw -= (draw @ clean) / (clean @ clean) * clean
    return draw * np.sqrt((clean @ clean) / (draw @ draw))
