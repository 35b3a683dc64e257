"""Plots in one style: SVG text for pages, PNG for pictures of many points."""

import io
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

GREY, BLUE, INK = "#8a94a3", "#2563c9", "#1d2733"
PALETTE = ["#2563c9", "#d9822b", "#2e8b57", "#a83279", "#6b5bd2", "#7a8b1f", "#c0392b", "#1f8a9b"]
WIDTH = 11.2  # inches
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 9, "axes.edgecolor": "#c3cad3", "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#e6eaef", "axes.axisbelow": True, "svg.fonttype": "none", "axes.titlesize": 10,
}  # fmt: skip


def styled(width: float, height: float) -> Figure:
    """An empty figure in the style of the reports; inches."""
    with matplotlib.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained")


def as_svg(figure: Figure) -> str:
    """The figure as an `<svg>` element."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": "rephase"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue().partition("<svg")[1] + buffer.getvalue().partition("<svg")[2]


def as_png(figure: Figure, dots: int = 110) -> bytes:
    """The figure as the bytes of a PNG."""
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        FigureCanvasAgg(figure)
        figure.savefig(buffer, format="png", dpi=dots)
    return buffer.getvalue()


def columns_for(count: int) -> int:
    """How many of so many plots stand side by side."""
    return count if count <= 4 else 3


def panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """Small plots side by side on the width of the page; `height` is that of one."""
    columns = columns_for(count)
    rows = -(-count // columns)
    with matplotlib.rc_context(STYLE):
        figure = styled(min(WIDTH, 3.7 * columns), height * rows)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for unused in axes[count:]:
        unused.set_visible(False)
    return figure, list(axes[:count])


def short(text: str, length: int) -> str:
    """The text for a label, cut in the middle where it is too long; its dollars stand for no formula."""
    cut = text if len(text) <= length else f"{text[: length // 2 - 1]}…{text[-(length // 2) :]}"
    return cut.replace("$", r"\$")
