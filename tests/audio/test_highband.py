import numpy as np
import pytest

from rephase.audio.highband import BandJoin, FollowedGain, ModelBlock, checked_highband
from rephase.audio.resample import Resampler

MODEL_RATE = 16000


def noise(rate, seconds=2.0, channels=1):
    rng = np.random.default_rng(0)
    return 0.1 * rng.standard_normal((channels, int(rate * seconds)), dtype=np.float32)


def joined(run, dry, rate, model, highband, level=4.0, sizes=(5000, 333, 8000)):
    """The recording through a model that works on the low band, as a stream."""
    low = run(Resampler(rate, MODEL_RATE, len(dry)), dry)
    gain = np.full((1, low.shape[1]), level)
    before = (low * gain).astype(np.float32)
    after = model(before).astype(np.float32)
    join = BandJoin(MODEL_RATE, rate, len(dry), highband, np.float32)
    parts, start, low_start = [], 0, 0
    for index in range(10**6):
        stop = start + sizes[index % len(sizes)]
        low_stop = max(low_start, stop * MODEL_RATE // rate - 4000)
        piece = slice(low_start, low_stop)
        if stop >= dry.shape[1]:
            break
        parts.append(join.push(dry[:, start:stop], ModelBlock(before[:, piece], after[:, piece], gain[:, piece])))
        start, low_start = stop, low_stop
    empty = slice(0, 0)
    parts.append(join.push(dry[:, start:], ModelBlock(before[:, empty], after[:, empty], gain[:, empty])))
    rest = slice(low_start, None)
    parts.append(join.finish(ModelBlock(before[:, rest], after[:, rest], gain[:, rest])))
    out_dry, wet = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    np.testing.assert_array_equal(out_dry, dry)
    return wet


def band_level_db(samples, rate, low, high):
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.shape[-1]))) ** 2
    frequency = np.fft.rfftfreq(samples.shape[-1], 1 / rate)
    return 10 * np.log10(power[..., (frequency >= low) & (frequency < high)].sum(axis=-1) + 1e-20)


@pytest.mark.parametrize("rate", [22050, 44100, 48000, 96000])
@pytest.mark.parametrize("highband", ["follow", "keep"])
def test_a_model_that_changes_nothing_changes_nothing(run, rate, highband):
    dry = noise(rate, channels=2)
    np.testing.assert_allclose(joined(run, dry, rate, lambda low: low, highband), dry, atol=2e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 16000])
def test_up_to_the_models_rate_there_is_no_band_above(run, rate):
    dry = noise(rate)
    results = [joined(run, dry, rate, lambda low: 0.5 * low, choice) for choice in ("follow", "keep", "drop")]
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("gain_db", [-3, -12, -30])
def test_the_band_above_gets_the_gain_of_the_band_below(run, rate, gain_db):
    dry = noise(rate)
    wet = joined(run, dry, rate, lambda low: low * 10 ** (gain_db / 20), "follow")
    for low, high in [(500, 6000), (6000, 7000), (7000, 9000), (9000, 12000), (12000, 20000)]:
        change = band_level_db(wet, rate, low, high) - band_level_db(dry, rate, low, high)
        assert change == pytest.approx(gain_db, abs=0.5), (low, high)


def test_the_gain_follows_frame_by_frame(run):
    """A model that opens and closes twice a second: the band above does what the band below does, when it does."""
    rate = 48000
    dry = noise(rate, 4.0)

    def gate(low):
        return low * np.where(np.arange(low.shape[1]) // 8000 % 2, 0.1, 1)

    wet = joined(run, dry, rate, gate, "follow")
    for half_second in range(8):
        inner = slice(half_second * rate // 2 + 3000, (half_second + 1) * rate // 2 - 3000)
        below, above = (
            band_level_db(wet[:, inner], rate, *band) - band_level_db(dry[:, inner], rate, *band)
            for band in ((6000, 7000), (9000, 20000))
        )
        assert above == pytest.approx(below, abs=0.5)


def test_keep_and_drop_do_what_they_say(run):
    dry = noise(48000)
    kept, dropped = (joined(run, dry, 48000, lambda low: 0.1 * low, choice) for choice in ("keep", "drop"))
    above = (9000, 20000)
    assert band_level_db(kept, 48000, *above) == pytest.approx(band_level_db(dry, 48000, *above), abs=0.01)
    assert band_level_db(dropped, 48000, *above) < band_level_db(dry, 48000, *above) - 80


def test_what_the_band_below_lacks_does_not_mute_the_band_above(run):
    time = np.arange(96000) / 48000
    dry = (0.2 * np.sin(2 * np.pi * 500 * time) + 0.1 * np.sin(2 * np.pi * 12000 * time)).astype(np.float32)[None]
    wet = joined(run, dry, 48000, lambda low: low, "follow")
    assert band_level_db(wet, 48000, 11000, 13000) == pytest.approx(band_level_db(dry, 48000, 11000, 13000), abs=0.1)


def test_a_model_that_adds_does_not_lift_the_band_above(run):
    dry = noise(48000)
    wet = joined(run, dry, 48000, lambda low: 4 * low, "follow")
    assert band_level_db(wet, 48000, 10000, 20000) == pytest.approx(band_level_db(dry, 48000, 10000, 20000), abs=0.1)


@pytest.mark.parametrize("sizes", [(1000,), (37, 4096), (100_000,)])
def test_blocks_of_any_size_give_the_same_curve(sizes):
    rng = np.random.default_rng(0)
    before, after = 0.1 * rng.standard_normal((2, 2, 40_000), dtype=np.float32)

    def curve(sizes):
        stage, parts, start, index = FollowedGain(MODEL_RATE, 44100, 2), [], 0, 0
        while start < before.shape[1]:
            block = slice(start, start + sizes[index % len(sizes)])
            stage.push(before[:, block], after[:, block], last=block.stop >= before.shape[1])
            parts.append(stage.take(stage.ready))
            start, index = block.stop, index + 1
        taken = sum(part.shape[1] for part in parts)
        return np.concatenate([*parts, stage.take(110_250 - taken)], axis=1)

    out = curve(sizes)
    np.testing.assert_array_equal(out, curve((40_000,)))
    assert 0 <= out.min() <= out.max() <= 1


def test_an_unknown_choice_is_named():
    assert checked_highband("keep") == "keep"
    with pytest.raises(ValueError, match="highband must be one of follow, keep, drop; got 'boost'"):
        checked_highband("boost")
