from fractions import Fraction
from types import SimpleNamespace

from rephase.audio.media.clock import SourceClock


def packet(stream, time, duration=0.1):
    return SimpleNamespace(
        stream_index=stream, pts=round(time * 1000), dts=round(time * 1000), duration=round(duration * 1000),
        time_base=Fraction(1, 1000),
    )  # fmt: skip


def run(*packets):
    clock = SourceClock()
    for one in packets:
        clock.put_right(one)
    return clock, [one.pts / 1000 for one in packets]


def test_a_clock_that_runs_is_left_alone():
    clock, times = run(packet(0, 5), packet(1, 4.2), packet(0, 5.1), packet(1, 9), packet(0, 4.9))
    assert (clock.resets, times) == (0, [5, 4.2, 5.1, 9, 4.9])


def test_what_starts_anew_goes_on_where_the_longest_stream_ended():
    clock, times = run(
        packet(0, 5.0), packet(1, 5.0), packet(1, 8.0), packet(0, 8.2),
        packet(0, 1.0), packet(1, 8.1), packet(1, 1.05), packet(0, 1.1), packet(1, 1.15),
    )  # fmt: skip
    assert clock.resets == 1
    assert times == [5.0, 5.0, 8.0, 8.2, 8.3, 8.1, 8.35, 8.4, 8.45]


def test_a_stream_with_few_packets_changes_over_too():
    _, times = run(packet(0, 0), packet(2, 1), packet(0, 9.8), packet(0, 9.9), packet(0, 0), packet(0, 2), packet(2, 2))
    assert times == [0, 1, 9.8, 9.9, 10, 12, 12]


def test_one_wrong_stamp_is_no_seam():
    clock, times = run(packet(0, 0.8), packet(0, 0.9), packet(0, 2098), packet(0, 1.1), packet(0, 1.2))
    assert (clock.resets, times) == (0, [0.8, 0.9, 2098, 1.1, 1.2])


def test_it_may_happen_again():
    clock, times = run(*[packet(0, time) for time in (0, 2, 4, 0, 2, 4, 0, 2)])
    assert clock.resets == 2
    assert times == [0, 2, 4, 4.1, 6.1, 8.1, 8.2, 10.2]
