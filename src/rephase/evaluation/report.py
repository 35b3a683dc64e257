"""The files of a report: scores.csv, summary.json for programs, summary.md and index.html for people."""

import csv
import io
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rephase.evaluation.catalogue import METRICS, SAMPLE_RATE, installed_version
from rephase.evaluation.results import Results
from rephase.evaluation.scoring import DEGRADED, Scored
from rephase.evaluation.statistics import RESAMPLES
from rephase.reporting.tables import markdown_table, number, with_interval, without_nan, write_whole

SCORES, SUMMARY, TEXT, PAGE = "scores.csv", "summary.json", "summary.md", "index.html"
MISSING = "missing"
PACKAGES = (
    "rephase",
    "numpy",
    "scipy",
    "pesq",
    "pystoi",
    "fast_bss_eval",
    "speechmos",
    "librosa",
    "onnxruntime",
    "soxr",
)


def write_report(results: Results, folder: Path, *, examples: int = 3) -> None:
    """Writes all files of a report.

    Args:
        results: what was found.
        folder: where they go.
        examples: how many of the best and of the worst items the page plays and shows.

    Raises:
        OutputError: if one can't be written.
    """
    from rephase.evaluation.page import page

    write_whole(folder / SCORES, scores_csv(results))
    write_whole(folder / SUMMARY, json.dumps(summary(results), indent=1, allow_nan=False) + "\n")
    write_whole(folder / TEXT, summary_text(results))
    write_whole(folder / PAGE, page(results, examples=examples))


def scores_csv(results: Results) -> str:
    """One line an item: conditions, how it lies, values (`missing` where there is none), and the reasons for that."""
    conditions = list(dict.fromkeys(name for item in results.items for name in item.conditions))
    kinds = [kind for kind in ("reference", "degraded", "estimate") if any(kind in s.hashes for s in results.scores)]
    header = ["item", *conditions, "seconds", "delay_ms", "level_db", *results.columns, "reasons", "notes"]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header + [f"{kind}_sha256" for kind in kinds])
    for item, scored in zip(results.items, results.scores):
        facts = ["" if fact is None else f"{fact:.6g}" for fact in (scored.seconds, scored.delay_ms, scored.level_db)]
        table.writerow(
            [
                item.name, *(item.conditions.get(name, "") for name in conditions), *facts,
                *(_cell(scored, column) for column in results.columns),
                "; ".join(f"{column}: {reason}" for column, reason in scored.missing.items()), "; ".join(scored.notes),
                *(scored.hashes.get(kind, "") for kind in kinds),
            ]
        )  # fmt: skip
    return text.getvalue()


def _cell(scored: Scored, column: str) -> str:
    if column in scored.values:
        return f"{scored.values[column]:.7g}"
    return MISSING if column in scored.missing else ""  # empty: a metric that this item doesn't have


def summary(results: Results) -> dict[str, Any]:
    """The summary for programs; NaN becomes null."""
    found: dict[str, Any] = {
        "rephase": installed_version("rephase"),
        "system": results.system,
        "about": results.about,
        "sample_rate": SAMPLE_RATE,
        "bootstrap_resamples": RESAMPLES,
        "versions": {"python": platform.python_version()}
        | {name: installed_version(name) or "not installed" for name in PACKAGES},
        "items": len(results.items),
        "alignment": results.alignment(),
        "metrics": {name: _metric_summary(results, name) for name in results.metrics},
        "conditions": {
            condition: {
                value: {"items": len(scores)} | {name: _figures(results, name, scores) for name in results.metrics}
                for value, scores in groups.items()
            }
            for condition, groups in results.conditions().items()
        },
        "missing": [{"item": item, "column": column, "reason": reason} for item, column, reason in results.missing],
    }
    return without_nan(found)


def _metric_summary(results: Results, name: str) -> dict[str, Any]:
    metric = METRICS[name]
    return {"title": metric.title, "better": metric.better} | _figures(results, name, None)


def _figures(results: Results, name: str, scores: Sequence[Scored] | None) -> dict[str, Any]:
    figures: dict[str, Any] = {"estimate": asdict(results.summary(name, scores))}
    if (change := results.change(name, scores)) is not None:
        figures |= {"degraded": asdict(results.summary(DEGRADED + name, scores)), "change": asdict(change)}
    return figures


# ---------------------------------------------------------------- text
def summary_text(results: Results) -> str:
    """The summary in Markdown."""
    parts = [
        f"# Scores of {results.system}",
        verdict(results),
        "\n".join(f"- {label}: {text}" for label, text in results.about.items())
        + f"\n- items: {len(results.items)}"
        + (f"\n- alignment: {alignment}" if (alignment := results.alignment()) else "")
        + f"\n- missing values: {len(results.missing)}{', in no mean, listed below' if results.missing else ''}",
        f"Behind a mean stands its 95 % interval ({RESAMPLES:,} bootstrap resamples of the items).",
        overall_table(results),
    ]
    for condition, groups in results.conditions().items():
        parts += [f"## By {condition}", condition_table(results, groups)]
    if results.missing:
        rows = [list(entry) for entry in results.missing]
        parts += ["## Missing values", markdown_table(["item", "metric", "reason"], rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(results: Results) -> str:
    """The first headline metric that has values, in one sentence."""
    for metric in results.headlines:
        found, change = results.summary(metric.name), results.change(metric.name)
        if not found.count:
            continue
        if change is None or not change.count:
            return f"{metric.title} is {with_interval(found.mean, found.low, found.high)} over {_items(found.count)}."
        return (
            f"{results.system} takes {metric.title} from {number(change.first_mean)} to {number(change.second_mean)} "
            f"over {_items(change.count)}: {number(change.difference, signed=True)}, 95 % interval "
            f"{number(change.low, signed=True)} to {number(change.high, signed=True)}; "
            f"better on {change.wins}, worse on {change.losses}"
            + (f", the same on {change.ties}." if change.ties else ".")
        )
    return "No metric has a value: see the reasons below."


def _items(count: int) -> str:
    return f"{count} item{'s' if count != 1 else ''}"


def overall_rows(results: Results) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table of all metrics."""
    header = [
        "metric",
        "items",
        "missing",
        *(["degraded"] if results.has_degraded else []),
        "mean",
        "deviation",
        "median",
    ]
    header += ["change", "better / worse"] if results.has_degraded else []
    rows = []
    for name in results.metrics:
        metric, found, change = METRICS[name], results.summary(name), results.change(name)
        start = [number(results.summary(DEGRADED + name).mean)] if change is not None else []
        row = [f"{metric.title} {metric.arrow}", str(found.count), str(found.missing), *start]
        row += [with_interval(found.mean, found.low, found.high), number(found.deviation), number(found.median)]
        if change is not None:
            row += [with_interval(change.difference, change.low, change.high, signed=True)]
            row += [f"{change.wins} / {change.losses}"]
        rows.append(row)
    return header, rows


def overall_table(results: Results) -> str:
    """All metrics, one a row."""
    return markdown_table(*overall_rows(results))


def condition_rows(results: Results, groups: dict[str, list[Scored]]) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the headline metrics under each value of a condition: before → after where that is known."""
    metrics = results.headlines
    rows = []
    for value, scores in groups.items():
        cells = []
        for metric in metrics:
            found = results.summary(metric.name, scores)
            before = results.summary(DEGRADED + metric.name, scores)
            after = with_interval(found.mean, found.low, found.high)
            cells.append(f"{number(before.mean)} → {after}" if results.has_degraded else after)
        rows.append([value, str(len(scores)), *cells])
    return ["", "items", *(f"{metric.title} {metric.arrow}" for metric in metrics)], rows


def condition_table(results: Results, groups: dict[str, list[Scored]]) -> str:
    """The headline metrics under each value of a condition, one a row."""
    return markdown_table(*condition_rows(results, groups))
