"""Means, intervals and tests of values whose answer is known."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from rephase.evaluation.statistics import compare, holm, interval, summarise


def test_the_interval_of_many_normal_values_is_that_of_theory():
    values = np.random.default_rng(0).normal(3, 2, 400)
    low, high = interval(values)
    half = norm.ppf(0.975) * values.std() / math.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)
    assert interval(values) == (low, high)  # always the same draws


def test_intervals_hold_the_true_mean_nineteen_times_in_twenty():
    random = np.random.default_rng(1)
    hits = sum(low <= 0 <= high for low, high in (interval(random.normal(0, 1, 60)) for _ in range(200)))
    assert binomtest(hits, 200, 0.95).pvalue > 0.01


def test_a_summary_in_closed_form():
    found = summarise([1.0, 2.0, 6.0], missing=2)
    assert (found.count, found.missing, found.mean, found.median) == (3, 2, 3.0, 2.0)
    assert found.deviation == pytest.approx(math.sqrt(7))
    assert 1 <= found.low < 3 < found.high <= 6
    one = summarise([4.0])
    assert (one.low, one.mean, one.high, one.deviation) == (4, 4, 4, 0)
    nothing = summarise([], missing=3)
    assert (nothing.count, nothing.missing) == (0, 3)
    assert math.isnan(nothing.mean)
    assert math.isnan(nothing.low)


def test_many_items_are_drawn_in_parts_that_fit_into_memory(monkeypatch):
    values = np.random.default_rng(0).normal(3, 2, 400)
    whole = interval(values)
    monkeypatch.setattr("rephase.evaluation.statistics.AT_ONCE", 400 * 7)
    assert interval(values) == pytest.approx(whole, abs=1e-3)


@pytest.mark.parametrize(("better", "wins", "losses"), [("higher", 2, 1), ("lower", 1, 2), ("zero", 1, 2)])
def test_wins_follow_what_is_better(better, wins, losses):
    found = compare([-1.0, 0.0, 1.0, 2.0], [0.0, 3.0, -2.0, 2.0], better)
    assert (found.wins, found.losses, found.ties, found.count) == (wins, losses, 1, 4)
    assert found.difference == pytest.approx(0.25)


def test_the_better_system_is_the_one_the_ranks_favour_not_the_one_with_more_wins():
    """Many small losses and fewer great gains: the test is significant, and for the second."""
    gains = np.concatenate([np.linspace(0.5, 1.0, 45), -np.linspace(0.01, 0.1, 55)])
    for better, sign in (("higher", 1), ("lower", -1)):
        found = compare(np.zeros(100), sign * gains, better)
        assert found.wins < found.losses
        assert found.p_value < 0.01
        assert found.second_better
        assert not compare(sign * gains, np.zeros(100), better).second_better


def test_the_test_tells_a_shift_from_chance():
    random = np.random.default_rng(2)
    first = random.normal(0, 1, 40)
    assert compare(first, first + 0.5 + random.normal(0, 0.5, 40), "higher").p_value < 1e-3
    assert compare(first, random.permutation(first), "higher").p_value > 0.05
    assert compare(first, first, "higher").p_value == 1
    # Six differences of one sign: two of the 2⁶ patterns of signs are as extreme.
    assert compare([0.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "higher").p_value == pytest.approx(2 / 64)


def test_holm_corrects_step_by_step():
    assert holm([0.01, 0.5, 0.03]) == pytest.approx([0.03, 0.5, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
