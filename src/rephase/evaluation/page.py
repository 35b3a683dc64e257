"""index.html: the report as one page that opens from disk, with its plots, pictures and recordings inside it."""

import base64
import html
import io

import numpy as np
import soundfile
from jaxtyping import Float

from rephase.errors import RephaseError
from rephase.evaluation import figures, report
from rephase.evaluation.catalogue import METRICS
from rephase.evaluation.results import Results
from rephase.evaluation.scoring import DEGRADED, Scored
from rephase.evaluation.signals import at_scoring_rate, read_waveform
from rephase.evaluation.statistics import RESAMPLES
from rephase.reporting.pages import document, facts, png_source, sections, table
from rephase.reporting.tables import number

LONGEST_EXAMPLE = 10  # seconds of a recording that the page plays
MOST_ROWS = 1000  # of the table of all items

SORT = """
document.querySelectorAll('#items th').forEach(function (head, column) { head.addEventListener('click', function () {
  var body = document.querySelector('#items tbody'), rows = Array.from(body.rows);
  var down = head.dataset.down = head.dataset.down === '1' ? '' : '1';
  rows.sort(function (a, b) { var x = a.cells[column].textContent, y = b.cells[column].textContent;
    var n = parseFloat(x), m = parseFloat(y), both = !isNaN(n) && !isNaN(m);
    if (isNaN(n) !== isNaN(m)) { return isNaN(n) ? 1 : -1; }
    var order = both ? n - m : x.localeCompare(y); return down ? -order : order; });
  rows.forEach(function (row) { body.appendChild(row); }); }); });
"""


def page(results: Results, *, examples: int = 3) -> str:
    """The whole page.

    Args:
        results: what was found.
        examples: how many of the best and of the worst items are played and shown.

    Returns:
        HTML that refers to nothing outside itself.
    """
    parts = [
        ("summary", "Summary", _overall(results)),
        ("spread", "How values spread", _spread(results)),
        ("change", "Before and after, item by item", _change(results)),
        ("conditions", "By condition", _conditions(results)),
        ("examples", "Best and worst items", _examples(results, examples)),
        ("missing", "Missing values", _missing(results)),
        ("all", "All items", _all_items(results)),
        ("meaning", "What the metrics say", _meaning(results)),
    ]
    return document(f"Scores of {results.system}", _head(results) + sections(parts), script=SORT)


# ---------------------------------------------------------------- sections
def _head(results: Results) -> str:
    entries = dict(results.about) | {"items": str(len(results.items))}
    if alignment := results.alignment():
        entries["alignment"] = alignment
    warning = ""
    if results.missing:
        items = len({item for item, _, _ in results.missing})
        warning = (
            f'<p class="warn">{len(results.missing)} values of {items} item{"s" if items > 1 else ""} are missing. '
            'They are in no mean, and not 0: <a href="#missing">which and why</a>.</p>'
        )
    return f'<p class="verdict">{html.escape(report.verdict(results))}</p>{facts(entries)}{warning}'


def _overall(results: Results) -> str:
    before = (
        " <em>Change</em> is the mean of estimate less degraded, item by item; <em>better / worse</em> counts items."
        if results.has_degraded
        else ""
    )
    return (
        "<p>↑ higher is better, ↓ lower is better, →0 nearer to zero is better. In brackets behind a mean stands its "
        "95 % interval: where the mean would lie with other items of this kind "
        f"({RESAMPLES:,} bootstrap resamples).{before}</p>" + table(*report.overall_rows(results))
    )


def _spread(results: Results) -> str:
    return (
        "<p>A dot is an item. The box holds the middle half of the items, the line in it is the median, the diamond "
        "the mean; the whiskers end at the last item within 1.5 boxes.</p>" + figures.box_plots(results)
    )


def _change(results: Results) -> str:
    if not any(results.values(DEGRADED + metric.name) for metric in results.headlines):
        return ""
    condition = next(iter(results.conditions()), None)
    return (
        "<p>A dot is an item: its value before to the right, after upwards. On the dashed line nothing changed.</p>"
        + figures.scatter_plots(results, condition)
    )


def _conditions(results: Results) -> str:
    parts = []
    for index, (condition, groups) in enumerate(results.conditions().items()):
        content = figures.condition_plots(results, condition, groups) + table(*report.condition_rows(results, groups))
        title = f"{html.escape(condition)} ({len(groups)} values)"
        opened = "" if index else " open"
        parts.append(f"<details{opened}><summary>{title}</summary>{content}</details>")
    if not parts:
        return ""
    keys = "Blue is the estimate" + (", grey what came in" if results.has_degraded else "")
    return f"<p>Means under each value of a condition, with their 95 % intervals. {keys}.</p>" + "".join(parts)


def _missing(results: Results) -> str:
    if not results.missing:
        return ""
    rows = [[item, _title(column), reason] for item, column, reason in results.missing]
    note = f"<p>The first {MOST_ROWS} of {len(rows)}; all stand in scores.csv.</p>" if len(rows) > MOST_ROWS else ""
    return (
        "<p>A metric that can't be computed for an item has no value there. Such values are counted and in no mean.</p>"
        + note + table(["item", "metric", "reason"], rows[:MOST_ROWS], classes=["", "", "reason"])
    )  # fmt: skip


def _all_items(results: Results) -> str:
    columns = [
        column
        for metric in results.headlines
        for column in ([DEGRADED + metric.name] * results.has_degraded + [metric.name])
    ]
    rows = [
        [
            scored.name,
            *(
                number(scored.values[c]) if c in scored.values else report.MISSING * (c in scored.missing)
                for c in columns
            ),
        ]
        for scored in results.scores[:MOST_ROWS]
    ]
    cut = f" The first {MOST_ROWS} items are shown." if len(results.scores) > MOST_ROWS else ""
    return (
        f"<p>A click on a column sorts by it. All metrics stand in scores.csv.{cut}</p><details><summary>"
        f"{len(results.scores)} items</summary>{table(['item', *map(_title, columns)], rows, anchor='items')}</details>"
    )


def _meaning(results: Results) -> str:
    rows = [[f"{METRICS[name].title} {METRICS[name].arrow}", METRICS[name].meaning] for name in results.metrics]
    return table(["metric", "what it says"], rows, classes=["", "reason"])


def _title(column: str) -> str:
    name = column.removeprefix(DEGRADED)
    return METRICS[name].title + (", degraded" if column.startswith(DEGRADED) else "")


# ---------------------------------------------------------------- examples
def _examples(results: Results, count: int) -> str:
    metric, ranked = results.ranked()
    if metric is None or count < 1:
        return ""
    best, worst = ranked[:count], ranked[count:][-count:][::-1]
    by = f"by {'the change of ' if results.has_degraded else ''}{metric.title}"
    parts = [
        f"<p>Ranked {by}. The upper pictures show which frequencies sound when, the lower ones where the phase is "
        "wrong.</p>"
    ]
    for title, group in (("Best", best), ("Worst", worst)):
        if group:
            parts.append(f"<h3>{title}</h3>" + "".join(_example(results, scored) for scored in group))
    return "".join(parts)


def _example(results: Results, scored: Scored) -> str:
    item = next(item for item in results.items if item.name == scored.name)
    files = {"degraded": item.degraded, "estimate": item.estimate, "reference": item.reference}
    waveforms, players = {}, []
    for title, path in files.items():
        if path is None or not path.is_file():
            continue
        try:
            waveform, sample_rate = read_waveform(path)
        except RephaseError:
            continue
        waveform = waveform[:, : LONGEST_EXAMPLE * sample_rate]
        sound = _sound(waveform, sample_rate)
        players.append(f'<label>{title}<audio controls preload="metadata" src="{sound}"></audio></label>')
        waveforms[title] = at_scoring_rate(waveform, sample_rate, kind=title, notes=[]).mean(axis=0)
    values = []
    for shown in results.headlines:
        if shown.name in scored.values:
            start = scored.values.get(DEGRADED + shown.name)
            before = f"{number(start)} → " if start is not None else ""
            values.append(f"{shown.title} {before}{number(scored.values[shown.name])}")
    conditions = ", ".join(f"{key} {value}" for key, value in item.conditions.items())
    picture = ""
    if waveforms:
        source = png_source(figures.example_picture(waveforms))
        picture = f'<img alt="spectrograms and phase errors of {html.escape(item.name)}" src="{source}">'
    return (
        f'<div class="item"><h3>{html.escape(item.name)}</h3><div class="soft">{html.escape(conditions)}</div>'
        f'<div>{html.escape(" · ".join(values))}</div><div class="players">{"".join(players)}</div>{picture}</div>'
    )


def _sound(waveform: Float[np.ndarray, "channels time"], sample_rate: int) -> str:
    """A recording as the source of a player: FLAC with 16 bits."""
    buffer = io.BytesIO()
    samples = np.clip(waveform.T, -1, 1 - 2.0**-15)
    soundfile.write(buffer, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(buffer.getvalue()).decode()
