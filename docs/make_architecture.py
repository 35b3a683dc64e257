"""Draws docs/images/architecture.svg and writes docs/architecture.md: `make docs`.

The shapes are those that the networks have while they run on one second of audio, the numbers are counted.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import torch
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from torch import Tensor, nn

from rephase.export.cost import count_parameters, gmac_of_clip
from rephase.models.presets import RENET_BASE, RENET_SMALL
from rephase.models.renet import RENet

DOCS = Path(__file__).parent
PICTURE = DOCS / "images" / "architecture.svg"
PAGE = DOCS / "architecture.md"
NETWORKS = {"base": RENET_BASE, "small": RENET_SMALL}
MAGNITUDE, PHASE, BOTH, INK = "#f2c14e", "#7fb7be", "#e4e4e4", "#222222"

KERNEL = "×".join(map(str, RENET_BASE.dense_kernel))
DILATIONS = ", ".join(map(str, RENET_BASE.dense_dilations))
DOWN, STRIDE, OUT = RENET_BASE.down_kernel, RENET_BASE.down_stride, RENET_BASE.out_kernel
DENSE = (
    f"{len(RENET_BASE.dense_dilations)} × MPICM {KERNEL}\ndilation {DILATIONS}",
    "the same, complex\ngates ↑↓ in each",
)
# What stands over each pair of boxes: magnitude above, phase below; None where one box holds both streams.
STATIONS = [
    ("STFT", f"|S|$^{{{RENET_BASE.compression:g}}}$", "S / |S|"),
    ("MPICM 1×1", "conv\nnorm, SiLU", "complex conv\nnorm"),
    ("DenseBlock", *DENSE),
    (f"MPICM 1×{DOWN}, ÷ {STRIDE}", "conv, norm, SiLU\ngate from |z|", "complex conv, norm\ngate from m"),
    (f"HADF along time, HADF along frequency: × {RENET_BASE.blocks}", None, None),
    ("DenseBlock", *DENSE),
    (f"MPICM 1×{DOWN}, × {STRIDE}", "sub-pixel conv\ngate from |z|", "sub-pixel conv\ngate from m"),
    ("last layer", f"conv 1×{OUT}\nReLU", f"conv 1×{OUT}\nz / |z|"),
    ("inverse STFT", f"m$^{{1/{RENET_BASE.compression:g}}}$", "times phasor"),
]


def box(axes: Axes, x: float, y: float, width: float, height: float, text: str, colour: str) -> None:
    """A box with its text."""
    axes.add_patch(
        FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0.02,rounding_size=0.08", fc=colour, ec=INK, lw=0.8)
    )
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=7.5, color=INK)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from one point to another."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "lw": 0.9, "color": INK, "shrinkA": 0, "shrinkB": 0})


def draw() -> None:
    """The dual stream from left to right."""
    figure, axes = pyplot.subplots(figsize=(15, 2.75), layout="constrained")
    x, gap, upper, lower, height = 0.0, 0.35, 1.45, 0.0, 0.95
    for number, (title, magnitude, phase) in enumerate(STATIONS):
        width = 4.0 if magnitude is None else 1.55
        axes.text(x + width / 2, upper + height + 0.15, title, ha="center", va="bottom", fontsize=8.5, color=INK)
        if magnitude is None:
            hadf(axes, x, width, upper, lower, height)
        else:
            box(axes, x, upper, width, height, magnitude, MAGNITUDE)
            box(axes, x, lower, width, height, str(phase), PHASE)
        if "gate" in f"{magnitude}{phase}":
            arrow(axes, (x + 0.35 * width, upper), (x + 0.35 * width, lower + height))
            arrow(axes, (x + 0.65 * width, lower + height), (x + 0.65 * width, upper))
        if number:
            for y in (upper, lower):
                arrow(axes, (x - gap, y + height / 2), (x, y + height / 2))
        x += width + gap
    axes.set(xlim=(-0.1, x), ylim=(-0.15, 3.0), aspect="equal")
    axes.axis("off")
    PICTURE.parent.mkdir(exist_ok=True)
    matplotlib.rcParams["svg.hashsalt"] = "rephase"  # the same picture has the same bytes
    figure.savefig(PICTURE, metadata={"Date": None})
    pyplot.close(figure)


def hadf(axes: Axes, x: float, width: float, upper: float, lower: float, height: float) -> None:
    """One box of attention for both streams, then an FFN for each."""
    first = 1.75
    text = "norms\n\none attention\nRe(Q K$^H$) + q·k\n\nV and v"
    box(axes, x, lower, first, upper + height - lower, text, BOTH)
    second = width - first - 0.35
    box(axes, x + width - second, upper, second, height, "norm, BiGRU\nLeakyReLU, linear\nnorm", MAGNITUDE)
    box(axes, x + width - second, lower, second, height, "norm, complex convs\nSiLU(LN|·|) gate\nnorm", PHASE)
    for y in (upper, lower):
        arrow(axes, (x + first, y + height / 2), (x + width - second, y + height / 2))


def shapes(network: RENet) -> list[tuple[str, int, tuple[int, ...], tuple[int, ...]]]:
    """(station, parameters, shape of magnitude, shape of phase) while one second passes through."""
    stations: dict[str, nn.Module] = {
        "`encoder.first`: MPICM 1×1, no gates": network.encoder.first,
        "`encoder.dense`: DenseBlock": network.encoder.dense,
        f"`encoder.down`: MPICM 1×{DOWN}, stride {STRIDE}": network.encoder.down,
        f"`bottleneck`: HADF, time and frequency, × {network.config.blocks}": network.bottleneck,
        "`decoder.dense`: DenseBlock": network.decoder.dense,
        f"`decoder.up`: sub-pixel MPICM 1×{DOWN}": network.decoder.up,
    }
    found: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def keeper(name: str) -> Callable[..., None]:
        def keep(module: nn.Module, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, Tensor]) -> None:
            found[name] = tuple(outputs[0].shape), tuple(outputs[1].shape)

        return keep

    for name, module in stations.items():
        hooked = module[-1] if isinstance(module, nn.ModuleList) else module
        hooked.register_forward_hook(keeper(name))
    waveform = torch.zeros(1, network.config.sample_rate)
    with torch.inference_mode():
        pair = network.transforms.stft(waveform)
        network(waveform)
    first, last = r"input: \|S\|^0.3 and S / \|S\|", f"`decoder.magnitude_out`, `phase_out`: conv 1×{OUT}"
    frames, freqs = pair.shape[-2:]
    ends = ((1, 1, frames, freqs), (1, 2, 1, frames, freqs))
    out = count_parameters(network.decoder.magnitude_out) + count_parameters(network.decoder.phase_out)
    return [
        (first, 0, *ends),
        *((name, count_parameters(stations[name]), *found[name]) for name in stations),
        (last, out, *ends),
    ]


def page() -> str:
    """The page, with what was measured."""
    parts = [
        "# The published network",
        "Made by `make docs`. `renet-base` and `renet-small` are RENet as published (Wang, Li, Yao & Li, "
        "[arXiv:2602.08556](https://arxiv.org/abs/2602.08556)): `rephase.models.renet.RENet` with the presets of "
        "`rephase.models.presets`. Their sizes are fields of `rephase.models.renet_config.RENetConfig`; the "
        "equation, function and test of each operation stand in [equations.md](equations.md). What `renet-lite` does "
        "otherwise stands in [models.md](models.md).",
        "![the dual stream of RENet](images/architecture.svg)",
        "Magnitude (above) is real, phase (below) complex, held as real pairs `[batch, 2, channels, frames, freqs]`. A "
        "rotation of the input's phase by any angle turns the lower stream by that angle and leaves the upper one as "
        "it is: linear maps below have no bias, norms and gates look at moduli and at the magnitude stream, and a "
        "score Re(Q Kᴴ) doesn't change when both are turned. Arrows between the streams are gates, "
        "3σ(s · (W x + b)). Each HADF stands within a residual of its own.",
    ]
    for name, config in NETWORKS.items():
        network = RENet(config).eval()
        operations = gmac_of_clip(network, 1.0)
        rows = [
            f"| {station} | {parameters:,} | {list(magnitude)} | {list(phase)} |"
            for station, parameters, magnitude, phase in shapes(network)
        ]
        parts += [
            f"## Shapes of renet-{name}, on one second at 16 kHz",
            "\n".join(["| station | parameters | magnitude | phase |", "|---|---:|---|---|", *rows]),
            f"{count_parameters(network):,} parameters, {operations:.2f} GMAC for that second.",
        ]
    parts.append(
        "Its norms and its attention along time see the whole input, so a recording in pieces is not what it is in "
        f"one: one call takes at most {RENET_BASE.longest_seconds:g} s. The Enhancer makes calls of "
        f"{RENET_BASE.chunk_seconds:g} s of new audio, which hear {RENET_BASE.context_seconds:g} s more on either "
        "side, and joins them with a cross-fade; the memory of attention along time grows with the square of a call."
    )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    draw()
    PAGE.write_text(page(), encoding="utf-8")
