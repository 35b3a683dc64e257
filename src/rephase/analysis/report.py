"""The files of an analysis: index.html for people, summary.json for programs, and each plot as a PNG for papers."""

import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from rephase.analysis import figures
from rephase.analysis.attention import Head, heads
from rephase.analysis.equivariance import LayerError, layer_errors, random_angles
from rephase.analysis.gates import Gate, gates
from rephase.analysis.periodicity import Periodicity, periodicities
from rephase.analysis.probe import Probe
from rephase.reporting.pages import document, facts, png_source, sections, table
from rephase.reporting.plots import as_png
from rephase.reporting.tables import without_nan, write_whole

PAGE, SUMMARY = "index.html", "summary.json"


@dataclass
class Analysis:
    """All that was measured.

    Attributes:
        found: the network and what happened in it.
        recording: what it heard.
        errors: of equivariance, by layer.
        rhythm: of phase features, by block.
        gates: of the MPICMs.
        heads: of the attention.
    """

    found: Probe
    recording: Path
    errors: list[LayerError]
    rhythm: list[Periodicity]
    gates: list[Gate]
    heads: list[Head]


def analyse(found: Probe, recording: Path, *, angles: int = 3) -> Analysis:
    """Measures a network at work.

    Args:
        found: the network and what happened in it.
        recording: what it heard.
        angles: at how many random angles equivariance is measured.

    Returns:
        All measurements.
    """
    errors = layer_errors(found, random_angles(angles))
    return Analysis(found, recording, errors, periodicities(found), gates(found), heads(found))


def write_analysis(analysis: Analysis, folder: Path) -> None:
    """Writes all files.

    Args:
        analysis: what was measured.
        folder: where they go.

    Raises:
        OutputError: if one can't be written.
    """
    drawn = {name: as_png(figure, dots=120) for name, figure in _figures(analysis).items()}
    for name, png in drawn.items():
        write_whole(folder / f"{name}.png", png)
    write_whole(folder / SUMMARY, json.dumps(without_nan(summary(analysis)), indent=1, allow_nan=False) + "\n")
    write_whole(folder / PAGE, page(analysis, drawn))


def _figures(analysis: Analysis) -> dict[str, Figure]:
    top_khz = analysis.found.network.config.sample_rate / 2000
    drawn = {
        "equivariance": figures.equivariance(analysis.errors),
        "features": figures.features(analysis.found),
        "advances": figures.advances(analysis.rhythm, top_khz),
        "rhythm": figures.rhythm(analysis.rhythm),
    }
    if analysis.gates:
        drawn["gates"] = figures.gate_maps(analysis.gates, top_khz)
        drawn["gates-at-work"] = figures.gates_at_work(analysis.found, analysis.gates)
    if analysis.heads:
        drawn["attention"] = figures.attention_maps(analysis.heads)
    return drawn


def verdict(errors: Sequence[LayerError]) -> str:
    """One sentence on equivariance."""
    worst = max(errors[:-2] or errors, key=lambda layer: math.inf if math.isnan(layer.largest) else layer.largest)
    whole = errors[-1]
    failed = [layer.name for layer in errors if not layer.passes]
    text = (
        f"Of {len(errors) - 2} layers the largest error of equivariance is {worst.largest:.0e} ({worst.name}); "
        f"the whole network's is {whole.largest:.0e} in float64."
    )
    if failed:
        return f"Not equivariant: {', '.join(failed)}. {text}"
    return f"The phase stream turns with its input, to rounding. {text}"


def page(analysis: Analysis, drawn: dict[str, bytes]) -> str:
    """The page.

    Args:
        analysis: what was measured.
        drawn: plots by name, as PNG.

    Returns:
        HTML that refers to nothing outside itself.
    """
    found = analysis.found
    entries = {
        "model": f"{found.name} {found.version}"
        + (" weights: nothing is learned" if found.version == "random" else ""),
        "recording": f"{analysis.recording.name}, {found.waveform.size / found.network.config.sample_rate:.2f} s from "
        f"{found.start:.2f} s on, where it is loudest",
    }
    paces = {abs(round(float(pace), 3)) for part in analysis.rhythm for pace in part.line}
    few = FEW_PACES if len(paces) <= 2 else ""
    parts = [
        ("equivariance", "Does each layer turn with its phase input?", EQUIVARIANCE + _picture("equivariance", drawn)),
        ("features", "What the phase features look like", FEATURES + _picture("features", drawn)),
        ("rhythm", "Is there a rhythm in them?", RHYTHM + few + _picture("advances", drawn) + NUMBERS
         + _picture("rhythm", drawn) + table(*_rhythm_rows(analysis.rhythm))),
        ("gates", "What the gates of the MPICMs do", _gates(analysis, drawn)),
        ("attention", "Where attention looks", _attention(analysis, drawn)),
    ]  # fmt: skip
    head = f'<p class="verdict">{html.escape(verdict(analysis.errors))}</p>{facts(entries)}'
    return document(f"Inside {found.name}", head + sections(parts))


def _picture(name: str, drawn: dict[str, bytes]) -> str:
    return f'<img alt="{name}" src="{png_source(drawn[name])}">' if name in drawn else ""


def _rhythm_rows(parts: Sequence[Periodicity]) -> tuple[list[str], list[list[str]]]:
    header = ["layer", "off the hop's line (rad)", "purity along time", "purity along frequency", "period (bands)"]
    rows = [
        [part.name, f"{part.distance:.2f}", f"{part.time_concentration:.1f}", f"{part.freq_concentration:.1f}",
         "none" if math.isinf(part.freq_period) else f"{part.freq_period:.1f}"]
        for part in parts
    ]  # fmt: skip
    return header, rows


def _gates(analysis: Analysis, drawn: dict[str, bytes]) -> str:
    if not analysis.gates:
        return ""
    rows = [
        [gate.name, gate.opens, f"{gate.low:.2f}", f"{gate.mean:.2f}", f"{gate.high:.2f}"] for gate in analysis.gates
    ]
    numbers = table(["gate", "of the", "5 %", "mean", "95 %"], rows, classes=["", "reason"])
    return (
        GATES + _picture("gates", drawn) + GATES_AT_WORK + _picture("gates-at-work", drawn)
        + f"<details><summary>{len(rows)} gates in numbers</summary>{numbers}</details>"
    )  # fmt: skip


def _attention(analysis: Analysis, drawn: dict[str, bytes]) -> str:
    return ATTENTION + _picture("attention", drawn) if analysis.heads else ""


def summary(analysis: Analysis) -> dict[str, Any]:
    """The numbers for programs."""
    found = analysis.found
    return {
        "model": found.name,
        "version": found.version,
        "recording": analysis.recording.name,
        "start_seconds": found.start,
        "seconds": found.waveform.size / found.network.config.sample_rate,
        "equivariance": [
            {"layer": layer.name, "kind": layer.kind, "largest_error": layer.largest,
             "allowed": layer.allowed, "passes": layer.passes}
            for layer in analysis.errors
        ],
        "periodicity": [
            {"layer": part.name, "distance_rad": part.distance, "time_concentration": part.time_concentration,
             "freq_concentration": part.freq_concentration,
             "freq_period_bands": part.freq_period}
            for part in analysis.rhythm
        ],
        "gates": [
            {"gate": gate.name, "of": gate.opens, "low": gate.low, "mean": gate.mean, "high": gate.high}
            for gate in analysis.gates
        ],
        "attention": [
            {"layer": head.layer, "axis": head.axis, "head": head.number, "mean_distance": head.distance,
             "effective_places": head.effective}
            for head in analysis.heads
        ],
    }  # fmt: skip


EQUIVARIANCE = (
    "<p>The phase input of each layer, as it gets it from this recording, is turned by random angles; a layer that is "
    "equivariant gives its output turned by the same angle. A dot is the relative error at one angle, the bar what "
    "rounding may give. A bias or a split activation in the phase stream would stand near 1.</p>"
)
FEATURES = (
    "<p>Modulus of the strongest complex channels, from the input to the last block, and beside it the argument (the "
    "angle, as colour) of the loudest half second up to 2 kHz. Stripes in it are phases that turn at a steady pace: "
    "along time the pace of a frequency, along frequency that of a moment within the frame.</p>"
)
RHYTHM = (
    "<p>How fast phases turn from frame to frame, band by band: bright where much of the band's power turns at that "
    "pace. A component in the middle of a band at f turns by 2πf · hop / rate, the dots in cyan; others in the band "
    "lie beside them. Behind each name stands how far the brightest places lie from that line (π/2 = 1.57 by chance) "
    "and how pure the pace is (about 2 by chance).</p>"
)
FEW_PACES = (
    "<p>The hop of this network is so long that the middles of its bands turn by the same pace or two, whatever their "
    "frequency: the line says little here.</p>"
)
NUMBERS = (
    "<p>The same in numbers, layer by layer; the dashed line is noise of the same shape. Purity is the strongest point "
    "of a spectrum over its mean.</p>"
)
GATES = (
    "<p>Each stream scales the other: white lets pass, violet lets less pass, orange more. Means over channels and "
    "frames, from the first layer on top to the last.</p>"
)
GATES_AT_WORK = "<p>The two gates that move most, beside what they see; means over channels.</p>"
ATTENTION = (
    "<p>One score map serves both streams. A row is a place that looks, a column one that is looked at; time and "
    "frequency run down and to the right. Above each map: how far the head looks on average, and among how many places "
    "it shares its attention.</p>"
)
