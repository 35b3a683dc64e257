"""A part is enhanced as the whole would be, and outside it not a bit changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rephase.audio.limiter import Limiter
from rephase.audio.part import FADE_SECONDS, Part, PartStream
from rephase.audio.stages import Chain
from rephase.errors import AudioFileError

RATE = 1000


class Delayed:
    """Multiplies, and gives everything `delay` samples later."""

    def __init__(self, channels, factor=-1.0, delay=700):
        self.heard = np.zeros((channels, 0), np.float32)
        self.given, self.factor, self.delay = 0, np.float32(factor), delay

    def push(self, block):
        self.heard = np.concatenate([self.heard, block], axis=1)
        return self._take(max(0, self.heard.shape[1] - self.delay - self.given))

    def flush(self):
        return self._take(self.heard.shape[1] - self.given)

    def _take(self, count):
        self.given += count
        return self.factor * self.heard[:, self.given - count : self.given]


def samples(seconds, channels=2):
    return np.random.default_rng(0).uniform(-1, 1, (channels, int(seconds * RATE))).astype(np.float32)


def through(run, recording, part, sizes=(10**9,), stage=None):
    stage = stage or Delayed(len(recording))
    return run(PartStream(stage, part, RATE, len(recording)), recording, sizes), stage


@pytest.mark.parametrize("sizes", [(10**9,), (1000,), (37, 4096), (1,)])
@pytest.mark.parametrize(("start", "end"), [(12.5, 14.25), (0.0, 3.0), (20.0, None), (0.0, None)])
def test_the_part_is_enhanced_and_the_rest_stays(run, sizes, start, end):
    recording = samples(25)
    if sizes == (1,):
        recording = recording[:, :15_000]
        if start == 20.0:
            start = 14.0
    out, _ = through(run, recording, Part(start, end), sizes)
    assert out.shape == recording.shape
    first, last = round(start * RATE), recording.shape[1] if end is None else round(end * RATE)
    np.testing.assert_array_equal(out[:, :first], recording[:, :first])
    np.testing.assert_array_equal(out[:, last:], recording[:, last:])
    fade = round(FADE_SECONDS * RATE)
    inner = slice(first + (fade if start else 0), last - (fade if end else 0))
    np.testing.assert_array_equal(out[:, inner], -recording[:, inner])


def test_the_edges_are_faded(run):
    recording = np.ones((1, 5000), np.float32)
    out, _ = through(run, recording, Part(1.0, 3.0))
    assert np.abs(np.diff(out)).max() < 2.2 / (FADE_SECONDS * RATE), "from 1 to -1 in 20 ms"
    assert out.min() == -1


def test_a_short_part_fits_its_fades(run):
    recording = samples(5)
    out, _ = through(run, recording, Part(2.0, 2.002))
    changed = np.flatnonzero((out != recording).any(axis=0))
    assert changed.min() >= 2000
    assert changed.max() < 2002


def test_the_stage_hears_a_little_around_the_part(run):
    _, stage = through(run, samples(60), Part(30.0, 31.0))
    assert stage.heard.shape[1] == 13 * RATE


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=4), st.floats(0, 20), st.floats(0.001, 20))
def test_blocks_of_any_size_give_the_same_samples(run, sizes, start, length):
    recording = samples(15)
    part = Part(start, start + length)
    np.testing.assert_array_equal(through(run, recording, part, sizes)[0], through(run, recording, part)[0])


def test_a_recording_that_ends_early_keeps_its_length(run):
    recording = samples(2)
    for part in (Part(1.9, 5.0), Part(3.0, 5.0), Part(50.0, 60.0)):
        out, _ = through(run, recording, part, (333,))
        assert out.shape == recording.shape


def test_what_waits_is_bounded():
    stream = PartStream(Delayed(1, delay=700), Part(1.0, 2.0), RATE, 1)
    waits = []
    for _ in range(100):
        stream.push(np.ones((1, 500), np.float32))
        waits.append(len(stream._dry))
    assert max(waits) <= 1000 + 2000 + 700
    assert waits[-1] == 0


def test_parts_that_cannot_be(tmp_path):
    for start, end in [(-1.0, None), (2.0, 2.0), (2.0, 1.0), (float("nan"), None), (0.0, float("inf"))]:
        with pytest.raises(ValueError, match=r"--start|--end"):
            Part(start, end)
    assert Part(1.0, 9.0).within(5.0, tmp_path) == Part(1.0)
    assert Part(1.0, 3.0).within(5.0, tmp_path) == Part(1.0, 3.0)
    with pytest.raises(AudioFileError, match=r"begins at 9 s, but the recording ends at 5\.000 s; .*--start"):
        Part(9.0).within(5.0, tmp_path)


def test_stages_in_a_chain_are_one(run):
    recording = samples(3)
    chain = Chain([Delayed(2, 2.0, 300), Limiter(RATE, 2), Delayed(2, -1.0, 50)])
    one = run(Delayed(2, -1.0), run(Limiter(RATE, 2), run(Delayed(2, 2.0), recording)))
    np.testing.assert_array_equal(run(chain, recording, (77,)), one)
