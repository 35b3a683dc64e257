"""The plots of a report, as pictures that stand in a page: SVG text for plots, PNG for spectrograms."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rephase.evaluation.catalogue import SAMPLE_RATE
from rephase.evaluation.results import Results
from rephase.evaluation.scoring import DEGRADED, Scored
from rephase.metrics.phase_errors import distance
from rephase.metrics.spectra import frame_sizes, spectrum_blocks
from rephase.reporting.plots import BLUE, GREY, PALETTE, STYLE, as_png, as_svg, columns_for, panels, short

RANGE_DB = 70.0
QUIET_DB = 50.0  # below the loudest bin: no phase is shown
PHASE_KEY = """0° (pale): the phase is right
90°: as good as chance
180° (dark): the opposite sign
grey: the reference is quiet"""


# ---------------------------------------------------------------- distributions
def box_plots(results: Results) -> str:
    """A box for what came in and one for what came out, a dot for each item, a plot for each headline metric."""
    metrics = results.headlines
    figure, axes = panels(len(metrics), 2.9)
    for metric, plot in zip(metrics, axes):
        columns = [DEGRADED + metric.name] * results.has_degraded + [metric.name]
        labels = ["degraded"] * results.has_degraded + [short(results.system, 18)]
        colours = [GREY] * results.has_degraded + [BLUE]
        for place, (column, colour) in enumerate(zip(columns, colours), 1):
            values = results.values(column)
            if not values:
                plot.text(place, 0.5, "missing", ha="center", transform=plot.get_xaxis_transform(), color=colour)
                continue
            _box(plot, values, place, colour)
        plot.set_xticks(range(1, len(labels) + 1), labels)
        plot.set_xlim(0.4, len(labels) + 0.6)
        plot.set_title(f"{metric.title} {metric.arrow}", loc="left", fontweight="bold")
        plot.grid(axis="x", visible=False)
    return as_svg(figure)


def _box(plot: Axes, values: Sequence[float], place: int, colour: str) -> None:
    spread = np.random.default_rng(0).uniform(-0.17, 0.17, len(values))
    shown = slice(None, None, max(1, len(values) // 500))
    plot.scatter(place + spread[shown], np.asarray(values)[shown], s=7, color=colour, alpha=0.35, linewidths=0)
    plot.boxplot(
        [values], positions=[place], widths=0.5, showfliers=False, showmeans=True,
        boxprops={"color": colour, "linewidth": 1.4}, whiskerprops={"color": colour}, capprops={"color": colour},
        medianprops={"color": colour, "linewidth": 2},
        meanprops={"marker": "D", "markersize": 5, "markerfacecolor": "white", "markeredgecolor": colour},
    )  # fmt: skip


def scatter_plots(results: Results, condition: str | None) -> str:
    """Each item's value before and after, a plot for each headline metric, coloured by a condition."""
    metrics = [metric for metric in results.headlines if results.values(DEGRADED + metric.name)]
    figure, axes = panels(len(metrics), 3.2)
    groups = results.conditions().get(condition or "", {"": list(results.scores)})
    for metric, plot in zip(metrics, axes):
        every: list[float] = []
        for (value, scores), colour in zip(groups.items(), PALETTE * 2):
            both = [scored for scored in scores if {metric.name, DEGRADED + metric.name} <= scored.values.keys()]
            before, after = ([s.values[c] for s in both] for c in (DEGRADED + metric.name, metric.name))
            plot.scatter(before, after, s=14, color=colour, alpha=0.75, linewidths=0, label=short(value, 30))
            every += before + after
        if every:
            low, high = min(every), max(every)
            margin = 0.04 * (high - low) or 1.0
            ends = (low - margin, high + margin)
            plot.plot(ends, ends, color=GREY, linewidth=1, linestyle="--", zorder=0)
            plot.set(xlim=ends, ylim=ends)
            side = "above" if metric.better == "higher" else "below"
            if metric.better != "zero":
                place = (0.03, 0.95, "left") if side == "above" else (0.97, 0.05, "right")
                plot.text(*place[:2], "better", transform=plot.transAxes, ha=place[2], va="center", color=GREY)
        plot.set_title(f"{metric.title} {metric.arrow}", loc="left", fontweight="bold")
        plot.set(xlabel="degraded", ylabel=short(results.system, 24))
        plot.set_box_aspect(1)
    if condition and axes:
        entries, title = axes[0].get_legend_handles_labels(), short(condition, 30)
        figure.legend(*entries, title=title, loc="outside right upper", frameon=False)
    return as_svg(figure)


def condition_plots(results: Results, condition: str, groups: dict[str, list[Scored]]) -> str:
    """Means and their 95 % intervals under each value of a condition, a plot for each headline metric."""
    metrics = results.headlines
    figure, axes = panels(len(metrics), 1.25 + 0.33 * len(groups))
    columns = columns_for(len(metrics))
    for index, (metric, plot) in enumerate(zip(metrics, axes)):
        for shift, colour, prefix in ((0.14, GREY, DEGRADED), (-0.14, BLUE, "")):
            if prefix and not results.has_degraded:
                continue
            for place, scores in enumerate(reversed(groups.values())):
                found = results.summary(prefix + metric.name, scores)
                if found.count:
                    plot.plot([found.low, found.high], [place + shift] * 2, color=colour, linewidth=2.2, alpha=0.55)
                    plot.plot([found.mean], [place + shift], "o", color=colour, markersize=5)
        labels = [short(value, 22) for value in reversed(groups)]
        plot.set_yticks(range(len(groups)), labels if index % columns == 0 else [""] * len(labels))
        plot.set_ylim(-0.5, len(groups) - 0.5)
        plot.xaxis.set_major_locator(MaxNLocator(5))
        plot.set_title(f"{metric.title} {metric.arrow}", loc="left", fontweight="bold")
    return as_svg(figure)


# ---------------------------------------------------------------- one item
def example_picture(waveforms: dict[str, Float[np.ndarray, " time"]]) -> bytes:
    """Spectrograms of an item's recordings side by side, and below them where their phases are wrong.

    Args:
        waveforms: by title, at `SAMPLE_RATE`; the one called `reference`, if any, is what phases are compared with.

    Returns:
        PNG.
    """
    spectra = {title: _spectrum(waveform) for title, waveform in waveforms.items()}
    reference = spectra.get("reference")
    loudest = max(float(np.abs(spectrum).max()) for spectrum in spectra.values()) or 1.0
    rows = 2 if reference is not None and len(spectra) > 1 else 1
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(3.7 * len(spectra), 2.1 * rows), layout="constrained")
        widths = [1.0] * len(spectra) + [0.03]  # the last column holds the scales
        axes = figure.subplots(rows, len(spectra) + 1, squeeze=False, width_ratios=widths)
    for column, (title, spectrum) in enumerate(spectra.items()):
        plot = axes[0, column]
        decibels = 20 * np.log10(np.maximum(np.abs(spectrum) / loudest, 1e-9))
        image = _picture(plot, decibels.T, spectrum, cmap="magma", vmin=-RANGE_DB, vmax=0)
        plot.set_title(title, loc="left", fontweight="bold")
        figure.colorbar(image, cax=axes[0, -1], label="dB")
        if rows == 2:
            _phase_map(axes[1, column], axes[1, -1], figure, title, spectrum, reference)
    for plot in axes[:, 0]:
        plot.set_ylabel("kHz")
    for plot in axes[-1, :-1]:
        plot.set_xlabel("s")
    return as_png(figure)


def _phase_map(
    plot: Axes, scale: Axes, figure: Figure, title: str, spectrum: np.ndarray, reference: np.ndarray | None
) -> None:
    if reference is None or title == "reference":
        plot.axis("off")
        plot.text(0.02, 0.9, PHASE_KEY, transform=plot.transAxes, va="top", color=GREY, linespacing=1.6)
        return
    frames = min(len(spectrum), len(reference))
    clean, other = reference[:frames], spectrum[:frames]
    error = np.degrees(distance(np.angle(other * clean.conj())))
    quiet = 20 * np.log10(np.maximum(np.abs(clean) / np.abs(reference).max(), 1e-9)) < -QUIET_DB
    shown = np.ma.masked_array(error, quiet)
    plot.set_facecolor("#eef1f5")
    image = _picture(plot, shown.T, clean, cmap="YlOrRd", vmin=0, vmax=180)
    plot.set_title(f"phase error, {title}", loc="left")
    figure.colorbar(image, cax=scale, label="degrees", ticks=[0, 90, 180])


def _picture(plot: Axes, values: np.ndarray, spectrum: np.ndarray, **options: Any) -> Any:
    hop = frame_sizes(SAMPLE_RATE)[1]
    extent = (0, len(spectrum) * hop / SAMPLE_RATE, 0, SAMPLE_RATE / 2000)
    return plot.imshow(values, origin="lower", aspect="auto", extent=extent, interpolation="nearest", **options)


def _spectrum(waveform: Float[np.ndarray, " time"]) -> np.ndarray:
    padded = np.pad(waveform, (0, max(0, frame_sizes(SAMPLE_RATE)[0] - waveform.size)))
    return np.concatenate(list(spectrum_blocks(padded.astype(np.float64), SAMPLE_RATE, metric="spectrogram")))
