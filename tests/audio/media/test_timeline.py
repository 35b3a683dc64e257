"""Frames in their place: what is jitter, what is a gap, and what is there twice."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rephase.audio.media.timeline import GapError, Timeline

RATE, FRAME = 1000, 20


def run(times, start=0.0, tick=0.001):
    """Frame k holds the value k + 1; silence is 0."""
    timeline = Timeline(start, RATE, tick)
    out = []
    for number, time in enumerate(times):
        block = np.full((1, FRAME), number + 1, np.float32)
        out += timeline.push(block, None if time is None else float(time))
    out += timeline.flush()
    return timeline, np.concatenate(out, axis=1)[0]


def frames(*parts):
    return np.concatenate([np.full(length, value) for value, length in parts])


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=100))
def test_jitter_changes_nothing(jitter):
    timeline, out = run([Fraction(20 * k + j, 1000) for k, j in enumerate(jitter)], start=jitter[0] / 1000)
    np.testing.assert_array_equal(out, np.repeat(np.arange(len(jitter)) + 1, FRAME))
    assert (timeline.filled, timeline.dropped) == (0, 0)


@pytest.mark.parametrize("gap", [0.02, 0.1, 7.0])
@pytest.mark.parametrize("at", [1, 30, 49])
def test_a_gap_is_filled_where_it_is(gap, at):
    times = [0.02 * k + (gap if k >= at else 0) for k in range(50)]
    timeline, out = run([Fraction(round(1000 * time), 1000) for time in times])
    silence = np.flatnonzero(out == 0)
    assert silence.size == timeline.filled == round(gap * RATE)
    assert silence[0] == at * FRAME
    assert out.size == 50 * FRAME + silence.size


def test_what_is_there_twice_is_left_out_once():
    times = [0.02 * k - (0.05 if k >= 30 else 0) for k in range(50)]
    timeline, out = run([Fraction(round(1000 * time), 1000) for time in times])
    assert timeline.dropped == 50
    assert out.size == 50 * FRAME - 50
    np.testing.assert_array_equal(out[: 30 * FRAME], np.repeat(np.arange(30) + 1, FRAME))
    np.testing.assert_array_equal(out[30 * FRAME :], frames((33, 10), *((k, 20) for k in range(34, 51))))


def test_one_wrong_stamp_is_no_gap():
    times = [Fraction(20 * k, 1000) for k in range(50)]
    times[20] = Fraction(10**6)
    times[30] = None
    _, out = run(times)
    np.testing.assert_array_equal(out, np.repeat(np.arange(50) + 1, FRAME))


def test_no_stamps_at_all():
    _, out = run([None] * 30)
    np.testing.assert_array_equal(out, np.repeat(np.arange(30) + 1, FRAME))


def test_a_slow_clock_is_followed():
    """A camera whose 1000 Hz are 999: after an hour of frames nothing is off by more than the tolerance."""
    count = 3600 * RATE // FRAME // 10
    timeline, out = run([Fraction(20 * k, 999) for k in range(count)])
    expected = count * FRAME * 1000 / 999
    assert abs(out.size - expected) < 0.01 * RATE
    assert timeline.dropped == 0


def test_a_clock_that_runs_a_thousand_times_too_fast_is_refused_at_once():
    with pytest.raises(GapError, match="one frame is heard 20 s after the other"):
        run([20.02 * k for k in range(50)])


def test_a_codec_that_pauses_in_silence_is_none():
    timeline, out = run([0.4 * k for k in range(50)])
    assert out.size == 49 * 400 + FRAME
    assert timeline.filled == 49 * 380


def test_a_year_is_no_gap():
    times = [Fraction(20 * k, 1000) + (10**7 if k >= 20 else 0) for k in range(50)]
    with pytest.raises(GapError, match="nothing is there for 10000000 s"):
        run(times)
