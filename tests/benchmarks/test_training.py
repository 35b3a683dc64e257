"""The report of training says how it was made."""

import importlib
from argparse import Namespace
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(("rounds", "steps", "options"), [(5, 40, ""), (3, 40, " --rounds 3"), (5, 8, " --steps 8")])
def test_the_page_names_the_command_that_gives_it(monkeypatch, rounds, steps, options):
    monkeypatch.syspath_prepend(BENCHMARKS)
    training = importlib.import_module("training")
    compared = {name: {"ours": 1.0, "plain": 2.0, "batch": 0.1} for name in training.STEPS}
    sizes = [(1, seconds) for seconds in training.LENGTHS] + [(items, 1.0) for items in training.ITEMS]
    grown = {name: dict.fromkeys(sizes, 1.0) for name in training.GROWN}
    pace = {"steps": steps, "waiting_share": 0.01}
    text = training.page(compared, grown, pace, Namespace(rounds=rounds, steps=steps))
    assert f"Written by `python benchmarks/training.py{options}`:" in text
    assert f"over {steps} steps" in text
