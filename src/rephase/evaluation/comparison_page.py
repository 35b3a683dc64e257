"""The page of a comparison: who is better, and a plot of the differences beside what chance would give."""

import html
import math
from collections.abc import Sequence

from rephase.evaluation import comparison
from rephase.evaluation.catalogue import METRICS
from rephase.reporting.pages import document, table
from rephase.reporting.plots import GREY, PALETTE, as_svg, panels, short


def comparison_page(comparisons: Sequence[comparison.Comparison], notes: Sequence[str]) -> str:
    """The whole page.

    Args:
        comparisons: what was found.
        notes: what could not be compared.

    Returns:
        HTML that refers to nothing outside itself.
    """
    first = comparisons[0].first
    seconds = list(dict.fromkeys(found.second for found in comparisons))
    verdicts = "".join(f'<p class="verdict">{html.escape(verdict(comparisons, second))}</p>' for second in seconds)
    told = "".join(f'<p class="warn">{html.escape(note)}.</p>' for note in notes)
    return document(
        f"{' and '.join(seconds)} beside {first}",
        f"{verdicts}{told}<h2>Differences</h2><p>{html.escape(comparison.EXPLANATION)}</p>"
        f"{table(*comparison.comparison_rows(comparisons))}<h2>In a picture</h2><p>The mean difference of each metric "
        "and its 95 % interval, in deviations of the differences between items, turned so that to the right is better. "
        f"Filled dots are differences that chance doesn't explain.</p>{forest_plot(comparisons)}",
    )


def verdict(comparisons: Sequence[comparison.Comparison], second: str) -> str:
    """One sentence on a system."""
    found = [one for one in comparisons if one.second == second]
    wins = [METRICS[one.metric].title for one in found if one.verdict == f"{second} better"]
    losses = [METRICS[one.metric].title for one in found if one.verdict == f"{one.first} better"]
    open_ones = len(found) - len(wins) - len(losses)
    parts = [f"better in {', '.join(wins)}"] if wins else []
    parts += [f"worse in {', '.join(losses)}"] if losses else []
    parts += [f"no difference shown in {open_ones} of {len(found)} metrics"] if open_ones else []
    return f"{second} beside {found[0].first}: {'; '.join(parts)}."


def forest_plot(comparisons: Sequence[comparison.Comparison]) -> str:
    """Differences with their intervals, one a line, on a scale that all metrics share."""
    seconds = list(dict.fromkeys(found.second for found in comparisons))
    # Better near zero is no direction: such metrics stand in the table alone.
    names = list(dict.fromkeys(found.metric for found in comparisons if METRICS[found.metric].better != "zero"))
    figure, (plot,) = panels(1, 1.1 + 0.34 * len(names) * (0.6 + 0.4 * len(seconds)))
    figure.set_figwidth(8.5)
    for found in comparisons:
        paired = found.paired
        half = (paired.high - paired.low) / 2
        if found.metric not in names or not paired.count or not math.isfinite(half) or half == 0:
            continue
        # The half width of the interval is about 1.96 deviations over √n.
        unit = half * math.sqrt(paired.count) / 1.96
        sign = -1 if METRICS[found.metric].better == "lower" else 1
        place = (
            len(names) - 1 - names.index(found.metric) + 0.3 * ((len(seconds) - 1) / 2 - seconds.index(found.second))
        )
        colour = PALETTE[seconds.index(found.second) % len(PALETTE)]
        ends = [sign * paired.low / unit, sign * paired.high / unit]
        plot.plot(ends, [place, place], color=colour, linewidth=2.2, alpha=0.6)
        filled = colour if found.p_corrected < comparison.LIKELY_REAL else "white"
        plot.plot([sign * paired.difference / unit], [place], "o", color=colour, markerfacecolor=filled, markersize=7)
    plot.axvline(0, color=GREY, linewidth=1)
    plot.set_yticks(range(len(names)), [METRICS[name].title for name in reversed(names)])
    plot.set_ylim(-0.6, len(names) - 0.4)
    plot.set_xlabel("← worse · difference / its deviation · better →")
    for second, colour in zip(seconds, PALETTE):
        plot.plot([], [], "o-", color=colour, label=f"{short(second, 30)}")
    figure.legend(loc="outside upper left", frameon=False, ncols=3)
    return as_svg(figure)
