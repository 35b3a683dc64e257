"""How two recordings are brought beside each other, on copies whose delay and length are known."""

import numpy as np
import pytest
import soundfile

from rephase.evaluation.catalogue import EvaluationError
from rephase.evaluation.signals import at_scoring_rate, delay_samples, placed_beside, read_waveform


@pytest.fixture(scope="module")
def speech(example_audio) -> np.ndarray:
    return soundfile.read(example_audio / "dishes-0db.clean.flac", dtype="float32")[0][None]


def delayed(waveform, samples):
    """Later by some samples, of the same length; earlier if negative."""
    moved = np.zeros_like(waveform)
    if samples >= 0:
        moved[:, samples:] = waveform[:, : waveform.shape[1] - samples]
    else:
        moved[:, :samples] = waveform[:, -samples:]
    return moved


@pytest.mark.parametrize("samples", [-400, -1, 0, 1, 333, 8000])
@pytest.mark.parametrize("gain", [0.1, -1.0])
def test_the_delay_is_found_whatever_gain_and_sign(samples, gain, speech):
    assert delay_samples(speech[0], gain * delayed(speech, samples)[0]) == samples


def test_of_unrelated_recordings_no_delay_is_told(speech):
    noise = np.random.default_rng(0).standard_normal(speech.shape[1])
    assert delay_samples(speech[0], noise) is None
    assert delay_samples(speech[0], np.zeros_like(speech[0])) is None


@pytest.mark.parametrize("samples", [-160, 160])
def test_alignment_is_told_and_done_only_on_request(samples, speech):
    late = delayed(speech, samples)
    reference, estimate, placed = placed_beside(speech, late)
    assert placed.delay_ms == pytest.approx(samples / 16)
    assert np.array_equal(reference, speech)
    assert np.array_equal(estimate, late)
    reference, estimate, placed = placed_beside(speech, late, align=True)
    assert np.array_equal(reference, estimate)
    assert reference.shape[1] == speech.shape[1] - 160
    assert placed.notes == [f"estimate moved by {-samples / 16:+.2f} ms"]


def test_the_level_is_told(speech):
    assert placed_beside(speech, 0.5 * speech)[2].level_db == pytest.approx(-6.02, abs=0.01)
    assert placed_beside(speech, np.zeros_like(speech))[2].level_db is None


@pytest.mark.parametrize(("change", "words"), [(-1600, "1600 samples shorter"), (1, "1 samples longer")])
def test_a_small_difference_of_length_is_cut_and_told(change, words, speech):
    other = np.pad(speech, ((0, 0), (0, change))) if change > 0 else speech[:, :change]
    reference, estimate, placed = placed_beside(speech, other)
    assert reference.shape == estimate.shape
    assert words in placed.notes[0]


def test_a_large_difference_of_length_is_refused(speech):
    with pytest.raises(EvaluationError, match=r"reference lasts 4\.00 s and estimate 3\.90 s"):
        placed_beside(speech, speech[:, :-1601])


def test_other_channels_are_refused(speech):
    with pytest.raises(EvaluationError, match="reference has 1 channel and estimate 2 channels"):
        placed_beside(speech, np.concatenate([speech, speech]))


def test_an_estimate_that_covers_too_little_is_refused(speech):
    with pytest.raises(EvaluationError, match="covers only 8"):
        placed_beside(speech, delayed(speech, 7500), align=True)


def test_other_rates_are_converted_and_told(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, -tone], axis=1), 48000, "FLOAT")
    waveform, sample_rate = read_waveform(tmp_path / "a.wav")
    notes: list[str] = []
    scored = at_scoring_rate(waveform, sample_rate, kind="estimate", notes=notes)
    assert scored.shape == (2, 16000)
    assert scored[0, 1000:-1000] == pytest.approx(tone[::3][1000:-1000], abs=1e-4)
    assert notes == ["estimate has 48000 Hz, scored at 16000 Hz"]
