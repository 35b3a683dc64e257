"""Two reports side by side: who is better, and when that can't be said."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from rephase.evaluation.catalogue import EvaluationError
from rephase.evaluation.comparison import compare_reports, read_report, write_comparison
from rephase.evaluation.items import Item
from rephase.evaluation.report import write_report
from rephase.evaluation.results import Results
from rephase.evaluation.scoring import Scored

pytest.importorskip("matplotlib")


def report(folder, name, values, references=None, conditions=lambda number: {}):
    """A report with PD as given, and ESTOI that falls with it."""
    scores = []
    for number, value in enumerate(values):
        scored = Scored(f"i{number}")
        if value is None:
            scored.missing = {"pd_deg": "none", "estoi": "none"}
        else:
            scored.values = {"pd_deg": value, "estoi": 1 - value / 100}
        scored.hashes = {"reference": (references or {}).get(number, f"r{number}")}
        scores.append(scored)
    items = [Item(scored.name, conditions=conditions(number)) for number, scored in enumerate(scores)]
    write_report(Results(name, items, scores, ["estoi", "pd_deg"]), folder, examples=0)
    return read_report(folder)


@pytest.fixture
def values():
    return np.random.default_rng(0).uniform(20, 40, 30)


def test_a_system_that_is_better_on_all_items(values, tmp_path):
    first, second = report(tmp_path / "a", "A", values), report(tmp_path / "b", "B", values - 2)
    (estoi, pd), notes = compare_reports([first, second])
    assert not notes
    assert (pd.metric, pd.first, pd.second) == ("pd_deg", "A", "B")
    assert (pd.paired.wins, pd.paired.losses, pd.paired.count) == (30, 0, 30)
    assert pd.paired.difference == pytest.approx(-2, abs=1e-4)
    assert pd.verdict == estoi.verdict == "B better"
    assert pd.p_corrected == pytest.approx(2 * pd.paired.p_value)
    (_, back), _ = compare_reports([second, first])
    assert back.verdict == "B better"


def test_what_chance_gives_is_no_difference(values, tmp_path):
    noise = np.random.default_rng(1).normal(0, 2, 30)
    first, second = report(tmp_path / "a", "A", values), report(tmp_path / "b", "B", values + noise - noise.mean())
    assert {found.verdict for found in compare_reports([first, second])[0]} == {"no difference shown"}
    same = report(tmp_path / "c", "C", values)
    found = compare_reports([first, same])[0]
    assert {one.verdict for one in found} == {"no difference shown"}
    assert found[0].paired.ties == 30


def test_only_what_both_have_is_compared(values, tmp_path):
    first = report(tmp_path / "a", "A", [*values[:28], None, 30.0])
    second = report(tmp_path / "b", "B", [None, *values[1:] - 2, 1.0], references={5: "another"})
    (_, pd), notes = compare_reports([first, second])
    assert (pd.paired.count, pd.missing) == (27, 2)
    assert "1 items of B were scored against another reference" in notes[0]
    assert "1 items are in only one of A and B" in notes[1]


def test_three_systems_stand_beside_the_first(values, tmp_path):
    reports = [report(tmp_path / name, name, values - shift) for name, shift in (("A", 0), ("B", 3), ("C", -3))]
    found, _ = compare_reports(reports)
    assert [(one.second, one.verdict) for one in found if one.metric == "pd_deg"] == [
        ("B", "B better"),
        ("C", "A better"),
    ]


def test_systems_of_one_name_are_told_apart(values, tmp_path):
    first, second = report(tmp_path / "a", "A", values), report(tmp_path / "b", "A", values - 2)
    assert compare_reports([first, second])[0][0].second == str(tmp_path / "b")


def test_what_is_written(values, tmp_path):
    first, second = report(tmp_path / "a", "A", values), report(tmp_path / "b", "B", [*values[:29] - 2, None])
    comparisons, notes = compare_reports([first, second])
    write_comparison(comparisons, notes, tmp_path / "out")
    (row,) = [row for row in csv.DictReader((tmp_path / "out" / "comparison.csv").open()) if row["metric"] == "pd_deg"]
    assert float(row["difference"]) == pytest.approx(-2, abs=1e-4)
    entry = json.loads((tmp_path / "out" / "comparison.json").read_text())["comparisons"][1]
    assert (entry["wins"], entry["missing"]) == (29, 1)
    assert "| PD (°) ↓ | A | B |" in (tmp_path / "out" / "comparison.md").read_text()
    page = (tmp_path / "out" / "index.html").read_text()
    assert "B beside A: better in ESTOI, PD (°)." in page
    assert page.count("<svg") == 1


@pytest.mark.parametrize("damage", ["nothing", "half"])
def test_what_is_no_report_is_an_error(damage, tmp_path, values):
    if damage == "half":
        report(tmp_path, "A", values)
        (tmp_path / "summary.json").write_text('{"metrics": ')
    reason = {"half": "what it holds is damaged", "nothing": "summary.json: no such file or directory"}[damage]
    with pytest.raises(EvaluationError, match=re.escape(f"there is no whole report here ({reason}); {tmp_path}; name")):
        read_report(tmp_path)


def test_nothing_in_common_is_an_error(values, tmp_path):
    first = report(tmp_path / "a", "A", values)
    other = replace(first, rows={f"x{name}": row for name, row in first.rows.items()})
    with pytest.raises(EvaluationError, match="no items in common"):
        compare_reports([first, other])
    with pytest.raises(EvaluationError, match="no metrics in common"):
        compare_reports([first, replace(first, metrics=[])])
    with pytest.raises(EvaluationError, match="two reports or more"):
        compare_reports([first])


def test_only_items_under_the_wanted_conditions_are_compared(values, tmp_path):
    def conditions(number):
        return {"task": "noise" if number < 20 else "room", "snr_db": str(number % 3)}

    better = np.where(np.arange(30) < 20, values - 2, values + 2)
    first = report(tmp_path / "a", "A", values, conditions=conditions)
    second = report(tmp_path / "b", "B", better, conditions=conditions)
    assert first.conditions == ["task", "snr_db"]
    for wanted, count, difference in (
        ({}, 30, -2 / 3),
        ({"task": ["noise"]}, 20, -2),
        ({"task": ["room"]}, 10, 2),
        ({"task": ["noise"], "snr_db": ["0", "2"]}, 13, -2),
    ):
        (_, pd), notes = compare_reports([first.where(wanted), second.where(wanted)])
        assert (pd.paired.count, notes) == (count, [])
        assert pd.paired.difference == pytest.approx(difference, abs=1e-4)

    for wanted, message in (
        ({"tsk": ["noise"]}, r"no condition tsk; .*; it has task, snr_db"),
        ({"task": ["noise", "babble"]}, r"no item has task=babble; .*; there are noise, room"),
    ):
        with pytest.raises(EvaluationError, match=message):
            first.where(wanted)
    with pytest.raises(EvaluationError, match=r"no condition task; .*; it has none"):
        report(tmp_path / "c", "C", values).where({"task": ["noise"]})
