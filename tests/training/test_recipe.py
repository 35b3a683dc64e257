"""The learning rate's way, and the budget that it follows."""

import pytest

from rephase.errors import RephaseError
from rephase.training.recipe import Recipe


def test_the_learning_rate_rises_linearly_and_falls_with_a_cosine():
    recipe = Recipe(learning_rate=1e-3, warmup_steps=10)
    assert recipe.learning_rate_at(0, 0.0) == pytest.approx(1e-4)
    assert recipe.learning_rate_at(4, 0.0) == pytest.approx(5e-4)
    assert recipe.learning_rate_at(9, 0.0) == pytest.approx(1e-3)
    assert recipe.learning_rate_at(5000, 0.0) == pytest.approx(1e-3)
    assert recipe.learning_rate_at(5000, 0.5) == pytest.approx(1e-3 * (0.01 + 0.99 / 2))
    assert recipe.learning_rate_at(5000, 1.0) == pytest.approx(1e-5)


def test_the_learning_rate_never_rises_after_the_warm_up():
    recipe = Recipe()
    rates = [recipe.learning_rate_at(200 + step, step / 1000) for step in range(1001)]
    assert rates == sorted(rates, reverse=True)


def test_the_budget_follows_the_clock():
    recipe = Recipe(minutes=10.0)
    assert recipe.spent(0.0, 0) == 0
    assert recipe.spent(150.0, 99999) == pytest.approx(0.25)
    assert recipe.spent(600.0, 1) == 1
    assert recipe.spent(6000.0, 1) == 1


def test_of_two_budgets_the_first_to_be_spent_counts():
    recipe = Recipe(minutes=10.0, steps=200)
    assert recipe.spent(60.0, 100) == pytest.approx(0.5)
    assert recipe.spent(540.0, 100) == pytest.approx(0.9)
    assert recipe.spent(60.0, 200) == 1


@pytest.mark.parametrize(("field", "value"), [("minutes", 0.0), ("minutes", float("nan")), ("batch", -1), ("steps", 0)])
def test_budgets_and_sizes_must_be_positive(field, value):
    with pytest.raises(RephaseError, match=f"{field} must be more than 0; got {value}"):
        Recipe(**{field: value})
