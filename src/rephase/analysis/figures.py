"""The plots of an analysis."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from rephase.analysis.attention import Head
from rephase.analysis.equivariance import LayerError
from rephase.analysis.gates import MAGNITUDE, PHASE, Gate
from rephase.analysis.periodicity import Periodicity
from rephase.analysis.probe import Layer, Probe
from rephase.reporting.plots import BLUE, GREY, INK, STYLE, WIDTH, short

RED = "#b3372a"
SHOWN_CHANNELS = 2
SHOWN_LAYERS = 4
ZOOM_SECONDS, ZOOM_KHZ = 0.5, 2.0  # of the arguments, whose stripes are too narrow to be seen at once
FLOOR = 1e-18  # errors below are drawn here


def _plots(rows: int, columns: int, width: float, height: float, *, grid: bool = False) -> tuple[Figure, Any]:
    with matplotlib.rc_context(STYLE | {"axes.grid": grid}):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(rows, columns, squeeze=False)


def equivariance(errors: Sequence[LayerError]) -> Figure:
    """Each layer's errors on a logarithmic axis, a dot an angle, beside what rounding may give."""
    figure, axes = _plots(1, 1, WIDTH, 1.3 + 0.19 * len(errors), grid=True)
    plot: Axes = axes[0, 0]
    for place, layer in enumerate(reversed(errors)):
        colour = BLUE if layer.passes else RED
        values = np.maximum(layer.errors, FLOOR)
        plot.plot(values, [place] * len(values), "o", color=colour, alpha=0.7, markersize=4)
        plot.plot([layer.allowed], [place], "|", color=INK, markersize=7)
    plot.set_xscale("log")
    plot.set_yticks(range(len(errors)), [f"{short(layer.name, 44)}" for layer in reversed(errors)], fontsize=7)
    plot.set_ylim(-1, len(errors))
    plot.set_xlabel("‖f(M, eʲᶿ Z) − R f(M, Z)‖ / ‖f(M, Z)‖        (bar: what rounding may give)")
    return figure


def shown_layers(found: Probe) -> list[Layer]:
    """Some blocks from the first to the last, whose features are drawn."""
    blocks = found.blocks()
    places = np.unique(np.linspace(0, len(blocks) - 1, min(SHOWN_LAYERS, len(blocks))).round().astype(int))
    return [blocks[place] for place in places]


def features(found: Probe) -> Figure:
    """Modulus of the strongest channels of some layers, and the argument of a part of it, below what went in."""
    config = found.network.config
    seconds, top = found.waveform.size / config.sample_rate, config.sample_rate / 2000
    start = _loudest(found.magnitude[0].double().numpy(), ZOOM_SECONDS / seconds)
    layers = shown_layers(found)
    figure, axes = _plots(len(layers) + 1, 2 * SHOWN_CHANNELS, WIDTH, 1.75 * (len(layers) + 1))
    spectrum = found.phasor[0].double().numpy()
    whole = (found.magnitude[0].double().numpy(), np.arctan2(spectrum[1], spectrum[0]))
    extent = (0, seconds, 0, top)
    angle: Any = None
    for row, layer in enumerate([None, *layers]):
        if layer is None or layer.phase is None:
            maps, titles = [whole], ["input"]
        else:
            pair = layer.phase[0, ..., : config.n_fft // 2 + 1].double().numpy()
            modulus, argument = np.hypot(pair[0], pair[1]), np.arctan2(pair[1], pair[0])
            strongest = np.argsort(-(modulus**2).sum(axis=(1, 2)))[:SHOWN_CHANNELS]
            maps = [(modulus[channel], argument[channel]) for channel in strongest]
            titles = [f"{short(layer.name, 26)}, channel {channel}" for channel in strongest]
        for column in range(SHOWN_CHANNELS):
            left, right = axes[row, 2 * column], axes[row, 2 * column + 1]
            if column >= len(maps):
                left.set_visible(False)
                right.set_visible(False)
                continue
            shape = {"origin": "lower", "aspect": "auto", "extent": extent, "interpolation": "nearest"}
            high = float(np.quantile(maps[column][0], 0.995)) or 1.0
            left.imshow(maps[column][0].T, cmap="magma", vmin=0, vmax=high, **shape)
            angle = right.imshow(maps[column][1].T, cmap="twilight", vmin=-np.pi, vmax=np.pi, **shape)
            left.set_title(f"{titles[column]}: modulus", loc="left", fontsize=8)
            right.set_xlim(start * seconds, min(start * seconds + ZOOM_SECONDS, seconds))
            right.set_ylim(0, min(ZOOM_KHZ, top))
            right.set_title("argument of a part", loc="left", fontsize=8)
            if column:
                left.set_yticklabels([])
                right.set_yticklabels([])
    for plot in axes[-1]:
        plot.set_xlabel("s")
    for plot in axes[:, 0]:
        plot.set_ylabel("kHz")
    bar = figure.colorbar(angle, ax=axes[:, -1], shrink=0.4, ticks=[-np.pi, 0, np.pi], label="argument")
    bar.ax.set_yticklabels(["−π", "0", "π"])
    return figure


def _loudest(magnitude: Float[np.ndarray, "frames freqs"], share: float) -> float:
    """Where the loudest part of a share of the frames starts, as a share of all."""
    frames = len(magnitude)
    length = max(1, min(frames, round(share * frames)))
    energy = np.concatenate([[0.0], np.cumsum((magnitude**2).sum(axis=1))])
    return float(np.argmax(energy[length:] - energy[:-length])) / frames


def advances(parts: Sequence[Periodicity], top_khz: float) -> Figure:
    """P_k(ω) of each block, with the line of the hop: how phases turn from frame to frame in each band."""
    columns = min(4, len(parts))
    rows = -(-len(parts) // columns)
    figure, axes = _plots(rows, columns, WIDTH, 2.5 * rows)
    for plot in axes.ravel()[len(parts) :]:
        plot.set_visible(False)
    for part, plot in zip(parts, axes.ravel()):
        decibels = 10 * np.log10(np.maximum(part.advance, 1e-3))
        extent = (-np.pi, np.pi, 0, top_khz)
        plot.imshow(decibels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-10, vmax=10)
        frequencies = np.linspace(0, top_khz, part.line.size)
        plot.plot(part.line, frequencies, ".", color="#38d9e8", markersize=2.2)
        title = f"{short(part.name, 26)}\n{part.distance:.2f} rad off the line, purity {part.time_concentration:.1f}"
        plot.set_title(title, loc="left", fontsize=8)
        plot.set_xticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    for plot in axes[:, 0]:
        plot.set_ylabel("kHz")
    for plot in axes[-1]:
        plot.set_xlabel("advance, rad a frame")
    return figure


def rhythm(parts: Sequence[Periodicity]) -> Figure:
    """The numbers of the periodicity layer by layer, beside those of noise."""
    figure, axes = _plots(1, 3, WIDTH, 1.4 + 0.19 * len(parts), grid=True)
    noise = parts[-1]
    titles = ("off the hop's line (rad)", "purity along time", "purity along frequency")
    values = [
        [getattr(part, name) for part in parts] for name in ("distance", "time_concentration", "freq_concentration")
    ]
    chance = (noise.distance, noise.time_concentration, noise.freq_concentration)
    for index, (plot, title, line, level) in enumerate(zip(axes[0], titles, values, chance)):
        places = range(len(parts) - 1, -1, -1)
        plot.barh(list(places), line, color=[GREY if part.name in ("input", "noise") else BLUE for part in parts])
        plot.axvline(level, color=RED, linewidth=1, linestyle="--")
        labels = [short(part.name, 26) if index == 0 else "" for part in parts]
        plot.set_yticks(list(places), labels, fontsize=7)
        plot.set_title(title, loc="left", fontweight="bold")
    return figure


def gate_maps(gates: Sequence[Gate], top_khz: float) -> Figure:
    """The mean of each gate over frequency, one row a layer, for both directions."""
    names = list(dict.fromkeys(gate.name.rpartition(".")[0] for gate in gates))
    figure, axes = _plots(1, 2, WIDTH, 1.2 + 0.32 * len(names))
    image: Any = None
    for plot, opens in zip(axes[0], (PHASE, MAGNITUDE)):
        chosen = {gate.name.rpartition(".")[0]: gate for gate in gates if gate.opens == opens}
        for row, name in enumerate(names):
            if name in chosen:
                extent = (0, top_khz, len(names) - row - 1, len(names) - row)
                values = chosen[name].over_freqs[None, :]
                image = plot.imshow(values, aspect="auto", extent=extent, cmap="PuOr_r", norm=TwoSlopeNorm(1, 0, 3))
        plot.set_xlim(0, top_khz)
        plot.set_ylim(0, len(names))
        plot.set_yticks(np.arange(len(names)) + 0.5, [short(name, 26) for name in reversed(names)], fontsize=7)
        plot.set_title(f"gate of the {opens}", loc="left", fontweight="bold")
        plot.set_xlabel("kHz")
    axes[0, 1].set_yticklabels([])
    figure.colorbar(image, ax=axes[0], label="0 shut · 1 passes · up to 3", shrink=0.8, ticks=[0, 1, 2, 3])
    return figure


def gates_at_work(found: Probe, gates: Sequence[Gate]) -> Figure:
    """The gates that move most in time and frequency, below the spectrogram that moves them."""
    config = found.network.config
    extent = (0, found.waveform.size / config.sample_rate, 0, config.sample_rate / 2000)
    busiest = [
        max((g for g in gates if g.opens == opens), key=lambda g: g.over_time.std()) for opens in (PHASE, MAGNITUDE)
    ]
    figure, axes = _plots(1, 3, WIDTH, 2.3)
    options = {"origin": "lower", "aspect": "auto", "extent": extent}
    axes[0, 0].imshow(found.magnitude[0].double().numpy().T, cmap="magma", **options)
    axes[0, 0].set_title("input, compressed magnitude", loc="left", fontsize=8)
    axes[0, 0].set_ylabel("kHz")
    image: Any = None
    for plot, gate in zip(axes[0, 1:], busiest):
        image = plot.imshow(gate.over_time.T, cmap="PuOr_r", norm=TwoSlopeNorm(1, 0, 3), **options)
        plot.set_title(f"{short(gate.name, 34)}", loc="left", fontsize=8)
    figure.colorbar(image, ax=axes[0, -1], ticks=[0, 1, 2, 3])
    for plot in axes[0]:
        plot.set_xlabel("s")
    return figure


def attention_maps(heads: Sequence[Head]) -> Figure:
    """Each head's weights: a row is a place that looks, a column a place that is looked at."""
    layers = list(dict.fromkeys(head.layer for head in heads))
    columns = max(head.number for head in heads) + 1
    figure, axes = _plots(len(layers), columns, WIDTH, 2.35 * len(layers))
    for head in heads:
        plot = axes[layers.index(head.layer), head.number]
        high = float(np.quantile(head.weights, 0.998))
        plot.imshow(head.weights, cmap="magma", vmin=0, vmax=high, interpolation="nearest")
        plot.set_title(
            f"head {head.number}: {head.distance:.0f} away, over {head.effective:.0f}", loc="left", fontsize=8
        )
        plot.set_xticks([])
        plot.set_yticks([])
        if not head.number:
            unit = "frames" if head.axis == "time" else "bands"
            plot.set_ylabel(f"{short(head.layer, 26)}\n{len(head.weights)} {unit}", fontsize=8)
    for plot, used in ((axes[row, column], any(h.layer == layers[row] and h.number == column for h in heads))
                       for row in range(len(layers)) for column in range(columns)):  # fmt: skip
        plot.set_visible(used)
    return figure
