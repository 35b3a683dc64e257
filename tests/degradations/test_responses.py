"""Measured responses: each channel aligned by itself, at the rate that is asked for."""

import numpy as np
import pytest
import soundfile

from rephase.degradations.responses import read_response, read_responses
from rephase.errors import AudioFileError, RephaseError


def test_channels_are_aligned_each_to_its_direct_sound(tmp_path):
    samples = np.zeros((2000, 2), dtype=np.float32)
    samples[500, 0], samples[520, 0] = -0.5, 0.25
    samples[10, 1], samples[5, 1], samples[110, 1] = 0.8, 0.2, 0.4
    soundfile.write(tmp_path / "room.wav", samples, 16000, "FLOAT")
    first, second = read_response(tmp_path / "room.wav")
    assert {int(place): float(first[place]) for place in first.nonzero()[0]} == {40: 1.0, 60: -0.5}
    assert second[[35, 40, 140]] == pytest.approx([0.25, 1.0, 0.5])
    assert np.count_nonzero(second) == 3


def test_a_reflection_may_be_stronger_than_the_direct_sound(tmp_path):
    samples = np.zeros(2000, dtype=np.float32)
    samples[495], samples[500], samples[600], samples[200] = 0.45, 0.5, -0.8, 0.1
    soundfile.write(tmp_path / "room.wav", samples, 16000, "FLOAT")
    (response,) = read_response(tmp_path / "room.wav")
    assert {int(place): round(float(response[place]), 4) for place in response.nonzero()[0]} == {
        35: 0.9,
        40: 1,
        140: -1.6,
    }


def test_other_rates_are_resampled(tmp_path):
    samples = np.zeros(9600, dtype=np.float32)
    samples[4800], samples[4800 + 480] = 0.5, 0.25  # 10 ms
    soundfile.write(tmp_path / "room.flac", samples, 48000, "PCM_24")
    (response,) = read_response(tmp_path / "room.flac")
    assert response[40] == 1
    assert np.argmax(np.abs(response[60:])) + 60 == 200
    assert response[200] == pytest.approx(0.5, abs=0.01)


def test_a_folder_is_read_whole_and_names_tell_which_is_which(tmp_path):
    (tmp_path / "hall").mkdir()
    for name, frames, channels in (("b.wav", 800, 1), ("hall/a.flac", 1600, 2)):
        samples = np.random.default_rng(0).uniform(-0.4, 0.4, (frames, channels))
        samples[100] = 0.9
        soundfile.write(tmp_path / name, samples, 16000)
    (tmp_path / "readme.txt").write_text("not a response")
    responses = read_responses(tmp_path)
    assert responses.names == ("b.wav", "hall/a.flac", "hall/a.flac#2")
    assert responses.values.shape == (3, 40 + 1500)
    assert not responses.values[0, 40 + 700 :].any()
    assert np.abs(responses.values).argmax(1).tolist() == [40, 40, 40]


def test_silence_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(RephaseError, match=r"there are no room responses; .*; name a folder"):
        read_responses(tmp_path)
    soundfile.write(tmp_path / "silent.wav", np.zeros(100), 16000)
    with pytest.raises(AudioFileError, match=r"a channel of this room response is silent; .*silent\.wav"):
        read_responses(tmp_path)
