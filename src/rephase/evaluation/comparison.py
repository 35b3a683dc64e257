"""Reports side by side: is one system better than another, by how much, and could it be chance?

Systems are compared with the first one, on the items that both have scored against the same reference (by its SHA-256);
each metric on those where both have a value. Beside the mean difference stands its 95 % bootstrap interval, and the p
value of Wilcoxon's signed-rank test, corrected for the number of tests after Holm.
"""

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rephase.evaluation.catalogue import METRICS, EvaluationError
from rephase.evaluation.report import MISSING, SCORES, SUMMARY
from rephase.evaluation.statistics import Paired, compare, holm
from rephase.reporting.tables import markdown_table, number, with_interval, without_nan, write_whole

MOST_TOLD = 12  # values of a condition that an error names
LIKELY_REAL = 0.05  # the corrected p value below which a difference is called one


@dataclass(frozen=True)
class Report:
    """What a report says, read back.

    Attributes:
        folder: of the report.
        system: name of what was scored.
        rows: by item, the cells of scores.csv.
        metrics: names.
        conditions: names of those that the items were recorded under.
    """

    folder: Path
    system: str
    rows: dict[str, dict[str, str]]
    metrics: list[str]
    conditions: list[str]

    def value(self, item: str, metric: str) -> float | None:
        """A value; None where there is none."""
        cell = self.rows[item].get(metric, "")
        return None if cell in ("", MISSING) else float(cell)

    def where(self, wanted: Mapping[str, Collection[str]]) -> "Report":
        """The report of those items alone that were recorded under certain conditions.

        Args:
            wanted: for each of these conditions, the values of which an item must have one.

        Raises:
            EvaluationError: if there is no such condition, or no item is left.
        """
        for name, values in wanted.items():
            if name not in self.conditions:
                known = f"it has {', '.join(self.conditions)}" if self.conditions else "it has none"
                raise EvaluationError(f"the report has no condition {name}; {self.folder}; {known}")
            there = sorted({row[name] for row in self.rows.values()} - {""})
            if unknown := sorted(set(values) - set(there)):
                some = ", ".join(there[:MOST_TOLD]) + ", ..." * (len(there) > MOST_TOLD)
                raise EvaluationError(f"no item has {name}={unknown[0]}; {self.folder}; there are {some}")
        rows = {
            item: row for item, row in self.rows.items() if all(row[name] in values for name, values in wanted.items())
        }
        if wanted and not rows:
            raise EvaluationError(f"no item has all of these conditions; {self.folder}; leave one of them out")
        return replace(self, rows=rows)


@dataclass(frozen=True)
class Comparison:
    """One metric of two systems.

    Attributes:
        metric: its name.
        first, second: names of the systems.
        paired: means over the items that both have a value for, and differences, second less first.
        p_corrected: p value, corrected for the number of tests.
        missing: items that lack a value in one of the two.
    """

    metric: str
    first: str
    second: str
    paired: Paired
    p_corrected: float
    missing: int

    @property
    def verdict(self) -> str:
        """Who is better, or that this can't be said."""
        if not self.paired.count or self.p_corrected >= LIKELY_REAL:
            return "no difference shown"
        return f"{self.second if self.paired.second_better else self.first} better"


def read_report(folder: Path) -> Report:
    """Reads the report of a system.

    Args:
        folder: that `rephase evaluate` wrote.

    Returns:
        Its name and values.

    Raises:
        EvaluationError: if there is no report, or it can't be read.
    """
    try:
        summary: Any = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        with (folder / SCORES).open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            rows = {row["item"]: row for row in table}
        columns = list(table.fieldnames or ())
        metrics = [name for name in summary["metrics"] if name in METRICS]
        return Report(folder, str(summary["system"]), rows, metrics, columns[1 : columns.index("seconds")])
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = "what it holds is damaged"
        if isinstance(error, OSError):
            reason = f"{Path(error.filename).name}: {str(error.strerror).lower()}"
        raise EvaluationError(
            f"there is no whole report here ({reason}); {folder}; name a folder that `rephase evaluate` wrote"
        ) from error


def compare_reports(reports: Sequence[Report]) -> tuple[list[Comparison], list[str]]:
    """Compares each system with the first.

    Args:
        reports: two or more.

    Returns:
        One comparison for each other system and metric, and notes on what could not be compared.

    Raises:
        EvaluationError: if there is nothing in common to compare.
    """
    if len(reports) < 2:
        raise EvaluationError(f"two reports or more are compared; got {len(reports)}; name another folder")
    reports = _with_names_apart(reports)
    first, notes, found = reports[0], [], []
    for second in reports[1:]:
        common = [item for item in first.rows if item in second.rows]
        same = [item for item in common if _reference(first, item) == _reference(second, item)]
        if len(common) > len(same):
            notes.append(
                f"{len(common) - len(same)} items of {second.system} were scored against another reference: left out"
            )
        if outside := len(first.rows) + len(second.rows) - 2 * len(common):
            notes.append(f"{outside} items are in only one of {first.system} and {second.system}: left out")
        metrics = [name for name in first.metrics if name in second.metrics]
        if not same or not metrics:
            raise EvaluationError(
                f"{first.folder} and {second.folder} have no {'items' if not same else 'metrics'} in common; "
                "compare reports on the same pairs"
            )
        found += [_compared(name, first, second, same) for name in metrics]
    corrected = holm([comparison.paired.p_value for comparison in found])
    return [replace(comparison, p_corrected=p_value) for comparison, p_value in zip(found, corrected)], notes


def _compared(name: str, first: Report, second: Report, items: Sequence[str]) -> Comparison:
    pairs = [(first.value(item, name), second.value(item, name)) for item in items]
    both = [(one, two) for one, two in pairs if one is not None and two is not None]
    ones, twos = [one for one, _ in both], [two for _, two in both]
    paired = compare(ones, twos, METRICS[name].better)
    applies = sum(one is not None or two is not None or _asked(first, second, item, name) for item, (one, two) in
                  zip(items, pairs))  # fmt: skip
    return Comparison(name, first.system, second.system, paired, paired.p_value, applies - len(both))


def _asked(first: Report, second: Report, item: str, name: str) -> bool:
    return MISSING in (first.rows[item].get(name), second.rows[item].get(name))


def _reference(report: Report, item: str) -> str:
    return report.rows[item].get("reference_sha256", "")


def _with_names_apart(reports: Sequence[Report]) -> list[Report]:
    """Systems of one name are told apart by their folders."""
    names = [report.system for report in reports]
    return [
        report if names.count(report.system) == 1 else replace(report, system=str(report.folder)) for report in reports
    ]


# ---------------------------------------------------------------- what is written
def comparison_rows(comparisons: Sequence[Comparison]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table."""
    header = ["metric", "first", "second", "means", "difference", "better / worse / same", "p", "verdict"]
    rows = []
    for found in comparisons:
        metric, paired = METRICS[found.metric], found.paired
        rows.append(
            [
                f"{metric.title} {metric.arrow}", found.first, found.second,
                f"{number(paired.first_mean)} → {number(paired.second_mean)}",
                with_interval(paired.difference, paired.low, paired.high, signed=True),
                f"{paired.wins} / {paired.losses} / {paired.ties}"
                + f" ({found.missing} missing)" * bool(found.missing),
                p_text(found.p_corrected), found.verdict,
            ]
        )  # fmt: skip
    return header, rows


def p_text(p_value: float) -> str:
    """A p value as text: three digits, or that it is smaller."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def write_comparison(comparisons: Sequence[Comparison], notes: Sequence[str], folder: Path) -> None:
    """Writes comparison.csv, comparison.json, comparison.md and index.html.

    Args:
        comparisons: what was found.
        notes: what could not be compared.
        folder: where the files go.

    Raises:
        OutputError: if one can't be written.
    """
    from rephase.evaluation.comparison_page import comparison_page

    entries = [
        {key: value for key, value in vars(found).items() if key != "paired"} | asdict(found.paired)
        for found in comparisons
    ]
    clean = without_nan(entries)
    table = io.StringIO()
    lines = csv.writer(table, lineterminator="\n")
    lines.writerow(entries[0])
    lines.writerows([_cell(value) for value in entry.values()] for entry in clean)
    text = "\n\n".join(
        ["# Comparison", EXPLANATION, markdown_table(*comparison_rows(comparisons)), *(f"- {note}" for note in notes)]
    )
    write_whole(folder / "comparison.json", json.dumps({"comparisons": clean, "notes": list(notes)}, indent=1) + "\n")
    write_whole(folder / "comparison.csv", table.getvalue())
    write_whole(folder / "comparison.md", text + "\n")
    write_whole(folder / "index.html", comparison_page(comparisons, notes))


def _cell(value: object) -> str:
    return MISSING if value is None else f"{value:.7g}" if isinstance(value, float) else str(value)


EXPLANATION = (
    "Differences are second less first, item by item, with the 95 % interval of their mean. p is the chance of "
    "differences like these if both systems were alike (Wilcoxon's signed-rank test, two-sided, corrected for the "
    f"number of rows after Holm); from {LIKELY_REAL:g} up no difference is shown. Better and worse count items."
)
