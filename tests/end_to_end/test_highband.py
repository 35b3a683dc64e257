"""The band above the model's, with the model that ships, on speech in wide-band noise at 48 kHz."""

import numpy as np
import pytest
import soundfile
import soxr

from rephase.audio.resample import Resampler
from rephase.enhancer import Enhancer
from rephase.runtimes.stream import ModelStream
from rephase.weights import find_model

RATE, MODEL_RATE, HOP = 48000, 16000, 256


@pytest.fixture(scope="module")
def scene(example_audio):
    """Four seconds of speech, in noise that is as loud above 8 kHz as below."""
    speech, rate = soundfile.read(example_audio / "dishes-0db.clean.flac", dtype="float32")
    wide = soxr.resample(speech, rate, RATE)
    hiss = np.random.default_rng(0).standard_normal(wide.size, dtype=np.float32)
    return (wide + 0.1 * wide.std() * hiss)[None].astype(np.float32)


@pytest.fixture(scope="module")
def results(scene):
    """What each choice gives, and what went into the model and came out."""
    if not find_model("renet-lite").has_weights:
        pytest.skip("the default model ships no weights yet")
    enhancer = Enhancer.from_pretrained(threads=1)
    found = {choice: enhancer.enhance(scene, RATE, highband=choice)[0] for choice in ("follow", "keep", "drop")}
    down = Resampler(RATE, MODEL_RATE, 1)
    low = np.concatenate([down.push(scene), down.flush()], axis=1)
    found["model"] = ModelStream(enhancer.runtime, enhancer.model, 1).finish(low)
    return found


def frame_power(samples):
    """Power at 6 to 8 kHz of frames of 32 ms, one every 16 ms, the first centred on the first sample."""
    padded = np.pad(samples, (HOP, HOP), mode="edge")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * HOP)[::HOP] * np.hanning(2 * HOP + 1)[:-1]
    power = np.abs(np.fft.rfft(frames)) ** 2
    power = power[:, np.fft.rfftfreq(2 * HOP, 1 / MODEL_RATE) >= 6000].sum(axis=1)
    around = np.pad(power, 1, mode="edge")
    return (around[:-2] + 2 * around[1:-1] + around[2:]) / 4


def db(power):
    return 10 * np.log10(power)


def test_the_band_above_gets_the_models_gain_frame_by_frame(results):
    """What is above is (keep − drop) before and (follow − drop) after: their ratio is the gain, sample by sample."""
    above, turned = results["keep"] - results["drop"], results["follow"] - results["drop"]
    after, before = (frame_power(getattr(results["model"], part)[0].astype(float)) for part in ("after", "before"))
    expected = np.minimum(db(after / before), 0)
    at = np.arange(4, expected.size - 4)
    near = at[:, None] * HOP * RATE // MODEL_RATE + np.arange(-12, 13)
    applied = db((np.sum(above[near] * turned[near], axis=1) / np.sum(above[near] ** 2, axis=1)) ** 2)
    np.testing.assert_allclose(applied, expected[at], atol=0.5)
    assert np.ptp(expected) > 10, "the gain must move for this to mean anything"


def test_strength_0_applies_no_gain(scene):
    np.testing.assert_array_equal(Enhancer.from_pretrained(threads=1).enhance(scene, RATE, strength=0.0), scene)


def band_powers(samples, edges):
    """Power between edges, Hz, of frames of 32 ms."""
    size = 1536
    frames = samples[: samples.size // size * size].reshape(-1, size) * np.hanning(size)
    power = np.abs(np.fft.rfft(frames)) ** 2
    first = np.searchsorted(np.fft.rfftfreq(size, 1 / RATE), edges)
    return np.add.reduceat(power[:, : first[-1]], first[:-1], axis=1)


def test_there_is_no_step_at_8_khz(scene, results):
    """How far hiss is turned down in each 250 Hz, where speech pauses: no jump from just below 8 kHz to just above."""
    edges = np.arange(6000, 10001, 250)
    level = db(band_powers(scene[0], [6000, 8000])[:, 0])
    pauses = level < level.min() + 4
    assert pauses.sum() > 50
    before, followed, dropped = (
        db(band_powers(samples, edges)[pauses].sum(axis=0))
        for samples in (scene[0], results["follow"], results["drop"])
    )
    at_8_khz = int(np.flatnonzero(edges[1:-1] == 8000)[0])
    steps = np.abs(np.diff(followed - before))
    assert steps[at_8_khz] < 1.5
    assert steps[at_8_khz] <= np.delete(steps, at_8_khz).max(), "the model's own steps are larger"
    assert np.diff(dropped - before)[at_8_khz] < -20, "a step is found where there is one"
