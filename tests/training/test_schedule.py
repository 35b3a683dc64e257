"""The learning rate's way, and the budget that it follows."""

import pytest

from rephase.training.experiment import Budget, ExperimentError, Optimizer
from rephase.training.schedule import learning_rate_at, share_spent

COSINE = Optimizer(learning_rate=1e-3, warmup_steps=10)


def rate(optimizer: Optimizer, step: int, spent: float = 0.0) -> float:
    return learning_rate_at(optimizer, step, spent, epoch_steps=50)


def test_the_learning_rate_rises_linearly_and_falls_with_a_cosine():
    for step, share in ((0, 0.1), (4, 0.5), (9, 1.0), (5000, 1.0)):
        assert rate(COSINE, step) == pytest.approx(share * 1e-3)
    assert rate(COSINE, 5000, 0.5) == pytest.approx(1e-3 * (0.01 + 0.99 / 2))
    assert rate(COSINE, 5000, 1.0) == pytest.approx(1e-5)


def test_the_learning_rate_never_rises_after_the_warm_up():
    rates = [rate(COSINE, 200 + step, step / 1000) for step in range(1001)]
    assert rates == sorted(rates, reverse=True)


def test_the_published_schedule_falls_each_epoch_whatever_the_budget():
    published = Optimizer(learning_rate=5e-4, warmup_steps=1, schedule="exponential", gamma=0.99)
    assert rate(published, 0) == rate(published, 49, 0.9) == pytest.approx(5e-4)
    assert rate(published, 50) == pytest.approx(5e-4 * 0.99)
    assert rate(published, 5000) == pytest.approx(5e-4 * 0.99**100)


def test_a_constant_rate_stays():
    constant = Optimizer(learning_rate=2e-3, warmup_steps=1, schedule="constant")
    assert rate(constant, 0) == rate(constant, 10**6, 0.999) == 2e-3


def test_the_budget_follows_the_clock():
    budget = Budget(minutes=10.0)
    assert share_spent(budget, seconds=0.0, steps=0) == 0
    assert share_spent(budget, seconds=150.0, steps=99999) == pytest.approx(0.25)
    assert share_spent(budget, seconds=600.0, steps=1) == 1
    assert share_spent(budget, seconds=6000.0, steps=1) == 1


def test_of_two_budgets_the_first_to_be_spent_counts():
    budget = Budget(minutes=10.0, steps=200)
    assert share_spent(budget, seconds=60.0, steps=100) == pytest.approx(0.5)
    assert share_spent(budget, seconds=540.0, steps=100) == pytest.approx(0.9)
    assert share_spent(budget, seconds=60.0, steps=200) == 1
    assert share_spent(Budget(minutes=None, steps=4), seconds=1e9, steps=1) == 0.25


@pytest.mark.parametrize(("field", "value"), [("minutes", 0.0), ("minutes", float("nan")), ("steps", -1)])
def test_budgets_must_be_positive(field, value):
    with pytest.raises(ExperimentError, match=f"budget.{field} must be more than 0; got {value}"):
        Budget(**{field: value})
