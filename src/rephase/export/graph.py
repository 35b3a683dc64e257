"""From a network to an ONNX graph of real numbers: waveform in, waveform out, any length and any batch.

STFT and inverse are convolutions inside the graph (`rephase.signal.dft`), the HADFs take their fast form
(`rephase.export.hadf`), and everything that depends on weights alone is computed once, at export.
"""

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator
from typing import cast

import jaxtyping
import onnx
import torch
from onnx_ir import Model
from onnx_ir.passes import common as passes
from onnxscript.optimizer import fold_constants
from torch import Tensor, nn
from torch.export import Dim

from rephase.export.hadf import HADFPair
from rephase.export.recurrence import with_graph_recurrences
from rephase.layers.hadf import LiteHADF
from rephase.models.network import Network
from rephase.models.renet_lite import RENetLite
from rephase.signal.dft import DFTConvolutions

# The lowest opset that torch's exporter writes; ONNX Runtime 1.18 and later run it.
OPSET = 18


class WaveformGraph(nn.Module):
    """What the graph computes: the network between two transforms without complex numbers.

    Args:
        network: it is copied and stays as it is.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        config = network.config
        self.network = fast_form(network)
        self.network.transforms = DFTConvolutions(
            n_fft=config.n_fft, hop_length=config.hop_length, win_length=config.win_length, window=config.window
        )

    def forward(self, degraded: Tensor) -> Tensor:
        """[batch, time] → [batch, time]."""
        enhanced: Tensor = self.network(degraded)
        return enhanced


class SpectrumGraph(nn.Module):
    """The network itself, `Network.forward_spectrum`: between its ends, rotation equivariance can be measured.

    Args:
        network: it is copied and stays as it is.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = fast_form(network)

    def forward(self, magnitude: Tensor, phasor: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, frames, freqs] and [batch, 2, frames, freqs] → the same shapes."""
        return self.network.forward_spectrum(magnitude, phasor)


def fast_form(network: Network) -> Network:
    """A copy of a network in the form for the graph: it can't be trained, and the published one can't run in torch.

    Args:
        network: it stays as it is.

    Returns:
        A network that gives the same, up to rounding: the HADFs of `renet-lite` are rewritten, and recurrences are
        ONNX's own operation.
    """
    fast = copy.deepcopy(network).cpu().eval().requires_grad_(False)
    with_graph_recurrences(fast)
    if not isinstance(fast, RENetLite):
        return fast
    for index, pair in enumerate(zip(fast.time_blocks, fast.band_blocks)):
        along_time, across_bands = cast("tuple[LiteHADF, LiteHADF]", pair)
        fast.time_blocks[index] = HADFPair(along_time, across_bands, fast.config.bands)
        fast.band_blocks[index] = _PassOn()
    return fast


class _PassOn(nn.Module):
    """Takes the place of a layer that the one before it has done."""

    def forward(self, magnitude: Tensor, phase: Tensor) -> tuple[Tensor, Tensor]:
        return magnitude, phase


def waveform_graph(network: Network, *, name: str, version: str) -> onnx.ModelProto:
    """The graph of a network: `degraded` → `enhanced`, float32 [batch, time] at the network's sample rate.

    Args:
        network: its weights go into the graph.
        name: of the model; it and the next are written into the graph's metadata.
        version: of the weights.

    Returns:
        The graph; two calls give the same bytes.
    """
    config = network.config
    example = {"degraded": torch.randn(2, 3 * config.block_frames * config.hop_length + 1)}
    ends = {0: "batch", 1: "time"}
    graph = _traced(WaveformGraph(network), example, {"degraded": ends, "enhanced": ends})
    facts = {"name": name, "version": version, "sample_rate": str(config.sample_rate)}
    onnx.helper.set_model_props(graph, facts)
    return graph


def spectrum_graph(network: Network) -> onnx.ModelProto:
    """The graph of `Network.forward_spectrum`: `magnitude`, `phasor` → `enhanced_magnitude`, `enhanced_phasor`.

    Args:
        network: its weights go into the graph.

    Returns:
        The graph.
    """
    frames, freqs = 3 * network.config.block_frames + 1, network.config.freqs
    example = {"magnitude": torch.rand(2, frames, freqs), "phasor": torch.randn(2, 2, frames, freqs)}
    magnitude, phasor = {0: "batch", 1: "frames"}, {0: "batch", 2: "frames"}
    axes = {"magnitude": magnitude, "phasor": phasor, "enhanced_magnitude": magnitude, "enhanced_phasor": phasor}
    return _traced(SpectrumGraph(network), example, axes)


def _traced(module: nn.Module, example: dict[str, Tensor], axes: dict[str, dict[int, str]]) -> onnx.ModelProto:
    """The graph of a module, optimised.

    Args:
        module: it takes the tensors of `example` by name.
        example: inputs, longer than a block of the attention.
        axes: for every input and then every output, the names of its axes that may have any length.

    Returns:
        The graph.
    """
    dims = {name: Dim(name) for names in axes.values() for name in names.values()}
    with _quiet(), _without_shape_checks(), torch.no_grad():
        program = torch.onnx.export(
            module.eval(),
            kwargs=example,
            dynamic_shapes={name: {axis: dims[dim] for axis, dim in axes[name].items()} for name in example},
            input_names=list(example),
            output_names=[name for name in axes if name not in example],
            opset_version=OPSET,
            dynamo=True,
            # Not torch's own optimisation: its rules take a constant below 1e-8 for 0 and drop the small ε that guard
            # divisions, so that digital silence becomes NaN.
            optimize=False,
            verbose=False,
        )
        assert program is not None  # it is for the exporter of old
        _optimise(program.model)
    graph = program.model_proto
    del graph.graph.value_info[:]
    for end in (*graph.graph.input, *graph.graph.output):
        for axis, name in axes[end.name].items():
            end.type.tensor_type.shape.dim[axis].dim_param = name
    onnx.checker.check_model(graph, full_check=True)
    return graph


def _optimise(model: Model) -> None:
    """Folds what depends on weights alone, and removes what is there twice, unused, or tells of this machine."""
    passes.InlinePass()(model)
    fold_constants(model)
    for step in (
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.DeduplicateInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.IdentityEliminationPass(),
        passes.RemoveUnusedNodesPass(),
        passes.RemoveUnusedFunctionsPass(),
        passes.RemoveUnusedOpsetsPass(),
        passes.ClearMetadataAndDocStringPass(),
    ):
        step(model)


@contextlib.contextmanager
def _without_shape_checks() -> Iterator[None]:
    """Switches off the checks of tensor shapes that tests put on all functions: sizes are symbols while tracing."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's remarks on its own code and on packages that nobody needs from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir", "onnxscript")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before):
            logger.setLevel(level)
