"""What many values say: mean, spread, a 95 % interval of the mean by bootstrap, and whether two systems differ.

The bootstrap draws as many items as there are, with replacement, 10,000 times, always the same draws; the interval is
the range of the middle 95 % of their means (Efron and Tibshirani, 1993). It says how the mean would vary with other
items of the same kind, not what a system does on items of another kind. Two systems are compared item by item: the
interval of the mean difference, and the signed-rank test of Wilcoxon, which needs no normal distribution.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 10_000
Values = Sequence[float] | np.ndarray  # one an item
AT_ONCE = 2_000_000  # indices drawn at a time, so that memory stays flat


@dataclass(frozen=True)
class Summary:
    """Values of a column.

    Attributes:
        count: how many there are.
        missing: how many items have none.
        mean, deviation, median: of the values; NaN if there is none.
        low, high: 95 % interval of the mean.
    """

    count: int
    missing: int
    mean: float
    deviation: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Paired:
    """Two systems on the same items.

    Attributes:
        count: items on which both have a value.
        first_mean, second_mean: over these items.
        difference: mean of second − first.
        low, high: 95 % interval of the mean difference.
        p_value: of Wilcoxon's signed-rank test, two-sided; 1 if no item differs.
        second_better: whether the ranks of that test favour the second.
        wins, losses, ties: items on which the second is better, worse, equal.
    """

    count: int
    first_mean: float
    second_mean: float
    difference: float
    low: float
    high: float
    p_value: float
    second_better: bool
    wins: int
    losses: int
    ties: int


def interval(values: Values) -> tuple[float, float]:
    """The 95 % interval of a mean.

    Args:
        values: one an item.

    Returns:
        Lower and upper end; NaN without values, the value itself for one.

    >>> low, high = interval([1.0, 2.0, 3.0, 4.0])
    >>> 1.0 < low < 2.0 and 3.0 < high < 4.0
    True
    """
    if not len(values):
        return math.nan, math.nan
    array = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(0)
    rows = max(1, AT_ONCE // array.size)
    means = [
        array[random.integers(array.size, size=(min(rows, RESAMPLES - start), array.size))].mean(axis=1)
        for start in range(0, RESAMPLES, rows)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def summarise(values: Values, missing: int = 0) -> Summary:
    """Mean, spread and interval.

    Args:
        values: one an item that has one.
        missing: how many items have none.

    Returns:
        All of them.
    """
    if not len(values):
        return Summary(0, missing, *[math.nan] * 5)
    array = np.asarray(values, dtype=np.float64)
    deviation = float(array.std(ddof=1)) if array.size > 1 else 0.0
    return Summary(array.size, missing, float(array.mean()), deviation, float(np.median(array)), *interval(array))


def compare(first: Values, second: Values, better: str) -> Paired:
    """Compares two systems item by item.

    Args:
        first: values of one.
        second: values of the other, of the same items in the same order.
        better: `higher`, `lower`, or `zero` for values that are better near 0.

    Returns:
        Differences, whether they may be chance, and who wins how often.
    """
    one, two = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    difference = two - one
    gain = {"higher": difference, "lower": -difference, "zero": np.abs(one) - np.abs(two)}[better]
    low, high = interval(difference)
    p_value, second_better = _wilcoxon(gain)
    first_mean, second_mean, mean = (float(part.mean()) if part.size else math.nan for part in (one, two, difference))
    return Paired(
        count=difference.size,
        first_mean=first_mean,
        second_mean=second_mean,
        difference=mean,
        low=low,
        high=high,
        p_value=p_value,
        second_better=second_better,
        wins=int(np.sum(gain > 0)),
        losses=int(np.sum(gain < 0)),
        ties=int(np.sum(gain == 0)),
    )


def _wilcoxon(gains: np.ndarray) -> tuple[float, bool]:
    """The two-sided p value, and whether the ranks favour the second system: not the count of wins, which may not."""
    if not gains.any():
        return 1.0, False
    from scipy.stats import wilcoxon

    return float(wilcoxon(gains).pvalue), bool(wilcoxon(gains, alternative="greater").pvalue < 0.5)


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrects p values for their number, after Holm (1979): the chance that any of them is below by chance.

    Args:
        p_values: of several tests.

    Returns:
        In the same order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
