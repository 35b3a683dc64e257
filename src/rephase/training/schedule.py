"""The learning rate of each step, which follows the budget: a run of any length ends annealed."""

import math

from rephase.training.experiment import Budget, Optimizer

LOWEST = 0.01  # of the highest rate, where a cosine ends


def share_spent(budget: Budget, *, seconds: float, steps: int) -> float:
    """Share of the budget that is spent, 0 … 1.

    Args:
        budget: in minutes, steps or both.
        seconds: of training so far.
        steps: taken so far.
    """
    by_clock = seconds / (60 * budget.minutes) if budget.minutes else 0.0
    by_count = steps / budget.steps if budget.steps else 0.0
    return min(1.0, max(by_clock, by_count))


def learning_rate_at(optimizer: Optimizer, step: int, spent: float, *, epoch_steps: int) -> float:
    """The learning rate of a step: linear warm-up times the schedule.

        cosine:       lr = lr_max · min(1, (step + 1) / warmup) · (0.01 + 0.99 (1 + cos(π spent)) / 2)
        exponential:  lr = lr_max · min(1, (step + 1) / warmup) · gamma^⌊step / epoch⌋

    Args:
        optimizer: with the highest rate, the warm-up and the kind of schedule.
        step: number of the step, from 0.
        spent: share of the budget that is spent before it, 0 … 1.
        epoch_steps: steps of an epoch, for the exponential schedule.
    """
    rate = optimizer.learning_rate * min(1.0, (step + 1) / optimizer.warmup_steps)
    if optimizer.schedule == "exponential":
        return rate * float(optimizer.gamma ** (step // epoch_steps))
    if optimizer.schedule == "cosine":
        return rate * (LOWEST + (1 - LOWEST) * (0.5 + 0.5 * math.cos(math.pi * spent)))
    return rate
