import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rephase.audio.levels import LevelStream

RATE = 16000


def speech(seconds, dbfs, seed=0):
    """Noise bursts of 0.3 s with pauses of 0.2 s, 60 dB down: active parts have the level `dbfs`."""
    samples = np.random.default_rng(seed).standard_normal(int(seconds * RATE))
    active = (np.arange(samples.size) / RATE) % 0.5 < 0.3
    return (samples * np.where(active, 1, 1e-3) * 10 ** (dbfs / 20)).astype(np.float32)[None]


def levelled(samples, sizes=(10**9,)):
    stage = LevelStream(RATE, len(samples))
    out, start, index = [], 0, 0
    while start < samples.shape[1]:
        size = sizes[index % len(sizes)]
        out.append(stage.push(samples[:, start : start + size]))
        start, index = start + size, index + 1
    out.append(stage.flush())
    return tuple(np.concatenate(parts, axis=1) for parts in zip(*out, strict=True))


def gain_db(samples):
    return 20 * np.log10(levelled(samples)[1][0])


@settings(max_examples=25)
@given(st.lists(st.integers(1, 20000), min_size=1, max_size=4), st.integers(1, 90000))
def test_blocks_of_any_size_give_the_identical_curve(sizes, length):
    samples = np.concatenate([speech(2, -50), speech(4, -10, seed=1)], axis=1)[:, :length]
    for blocks, whole in zip(levelled(samples, sizes), levelled(samples), strict=True):
        np.testing.assert_array_equal(blocks, whole)


def test_single_samples_give_the_identical_curve():
    samples = speech(0.7, -20)
    np.testing.assert_array_equal(levelled(samples, sizes=(1,))[1], levelled(samples)[1])


@pytest.mark.parametrize("dbfs", [-60, -40, -26, -10, 0, 90])
def test_active_speech_comes_to_the_models_level(dbfs):
    out, gain = levelled(speech(8, dbfs))
    time = np.arange(out.shape[1]) / RATE
    settled = (time % 0.5 < 0.3) & (time > (3 if dbfs < -36 else 0))
    assert 10 * np.log10(np.mean(np.square(out[0, settled], dtype=np.float64))) == pytest.approx(-26, abs=2.5)
    np.testing.assert_allclose(out / gain, speech(8, dbfs), rtol=1e-6)


def test_steady_speech_is_not_pumped():
    assert np.ptp(gain_db(speech(12, -32))) < 2.5
    pauses = np.concatenate([speech(5, -30), speech(3, -90), speech(5, -30)], axis=1)
    assert np.ptp(gain_db(pauses)) < 2.5, "a pause of three seconds moves nothing"


def test_a_whisper_after_a_shout_is_lifted_and_a_shout_is_expected():
    gain = gain_db(np.concatenate([speech(5, -8), speech(15, -48), speech(3, -8)], axis=1))
    at = lambda seconds: gain[int(seconds * RATE)]  # noqa: E731
    assert at(4) == pytest.approx(-18, abs=2)
    assert at(19) == pytest.approx(22, abs=2)
    assert at(20) == pytest.approx(-18, abs=3), "the gain is down when the second shout begins"
    rising = np.diff(gain[4 * RATE : 19 * RATE])
    assert rising.max() * RATE <= 6.01, "at most 6 dB a second upwards"


def test_silence_keeps_the_gain_and_stays_silence():
    silence = np.zeros((1, 10 * RATE), np.float32)
    out, gain = levelled(silence)
    np.testing.assert_array_equal(out, 0)
    np.testing.assert_array_equal(gain, 1)
    after_speech = gain_db(np.concatenate([speech(5, -40), silence], axis=1))
    # after the four seconds that are remembered nothing moves any more
    assert np.ptp(after_speech[int(9.6 * RATE) :]) == 0
    assert 12 < after_speech[-1] < 18


def test_a_pause_at_the_start_is_not_taken_for_a_whisper():
    gain = gain_db(np.concatenate([0.003 * speech(0.8, -5), speech(4, -20)], axis=1).astype(np.float32))
    assert gain[0] <= 10, "half a second ahead there is nothing but the pause"
    assert gain.max() < 18
    assert gain[int(0.8 * RATE)] == pytest.approx(-6, abs=3)


def test_silence_before_the_first_word_does_not_delay_the_gain():
    gain = gain_db(np.concatenate([np.zeros((1, 3 * RATE), np.float32), speech(3, -33)], axis=1))
    assert gain[3 * RATE] == pytest.approx(7, abs=2)
    assert gain[RATE] == 0


@pytest.mark.parametrize("frequency", [0, 1, 5, 15])
def test_offset_and_infrasound_do_not_count(frequency):
    samples = speech(6, -35)
    rumble = 0.1 * np.cos(2 * np.pi * frequency * np.arange(samples.shape[1]) / RATE)
    np.testing.assert_allclose(gain_db((samples + rumble).astype(np.float32)), gain_db(samples), atol=1.5)


def test_each_channel_comes_to_the_models_level_as_if_it_were_alone():
    loud, quiet, mute = speech(6, -20), speech(6, -50, seed=1), np.zeros((1, 6 * RATE), np.float32)
    both, gains = levelled(np.concatenate([loud, quiet, mute]))
    for channel, alone in enumerate((loud, quiet, mute)):
        np.testing.assert_array_equal(gains[[channel]], levelled(alone)[1])
    np.testing.assert_allclose(both / gains, np.concatenate([loud, quiet, mute]), rtol=1e-6)


def test_a_click_is_not_a_shout():
    samples = speech(8, -40)
    samples[0, 4 * RATE : 4 * RATE + 16] = 0.5  # 1 ms
    assert gain_db(samples).min() > 14 - 6


def test_the_gain_is_bounded():
    whisper = speech(4, -68)
    assert gain_db(whisper).max() <= 40
