"""A network at work on a recording, with what goes into each layer and comes out of it.

Inputs and outputs are taken where layers are called, by hooks, and attention weights where
`scaled_dot_product_attention` is called: what is shown is what the network really computes.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rephase.audio.files import audio_info, read_blocks
from rephase.audio.levels import TARGET_DBFS
from rephase.errors import AudioFileError
from rephase.export.standalone import network_of
from rephase.layers import (
    HADF,
    MPICM,
    ComplexConv2d,
    ComplexRMSNorm,
    DenseBlock,
    HybridAttention,
    LiteHADF,
    MagnitudeToPhaseGate,
    PhaseToMagnitudeGate,
    SubPixelComplexConv2d,
)
from rephase.models.network import Network

# What takes magnitude and phase features, or phase features alone, as they lie in time and frequency.
LAYERS = (
    MPICM, DenseBlock, HADF, LiteHADF, HybridAttention, MagnitudeToPhaseGate, PhaseToMagnitudeGate, ComplexConv2d,
    SubPixelComplexConv2d, ComplexRMSNorm,
)  # fmt: skip
BLOCKS = (MPICM, HADF, LiteHADF)  # whose phase features are shown


@dataclass
class Layer:
    """A layer and what it was called with.

    Attributes:
        name: in the network.
        kind: its class.
        module: itself.
        inputs: (magnitude features, phase features), or the phase features alone.
        phase: phase features that it gave, `[1, 2, channels, frames, freqs]`; None if it gave none.
        attention: weights of its heads, `[heads, queries, keys]`, for attention.
    """

    name: str
    kind: str
    module: nn.Module
    inputs: tuple[Tensor, ...]
    phase: Tensor | None = None
    attention: Tensor | None = None


@dataclass
class Probe:
    """A network and what happened in it.

    Attributes:
        network: in evaluation mode.
        name, version: of the model.
        waveform: what it heard, `[time]` at its rate.
        magnitude, phasor: what `forward_spectrum` was given.
        layers: in the order in which they were called.
        start: of the excerpt in the recording, s.
    """

    network: Network
    name: str
    version: str
    waveform: Float[np.ndarray, " time"]
    magnitude: Tensor
    phasor: Tensor
    layers: list[Layer] = field(default_factory=list)
    start: float = 0.0

    def blocks(self) -> list[Layer]:
        """The layers whose phase features are shown: MPICMs and HADFs that stand for themselves."""
        names = [layer.name for layer in self.layers if isinstance(layer.module, BLOCKS)]
        return [layer for layer in self.layers if layer.name in names and layer.phase is not None]


def probe(model: str | os.PathLike[str], recording: Path, *, seconds: float = 2.0, random: bool = False) -> Probe:
    """Lets a network hear the loudest part of a recording and keeps what happens.

    Args:
        model: a bundled model's name, a preset's name (with `random`), or a model's folder.
        recording: of speech; channels are mixed, the rate is the network's.
        seconds: how much of it.
        random: take random weights, as a model without weights has.

    Returns:
        The network and all that went in and out of its layers.

    Raises:
        ModelError: if there is no such model, or no weights.
        AudioFileError: if the recording can't be read, is silent or too short.
    """
    network, name, version = network_of(model, random=random)
    waveform, start = excerpt(recording, network.config.sample_rate, seconds)
    found = Probe(network, name, version, waveform, torch.empty(0), torch.empty(0), start=start)
    handles = [
        module.register_forward_hook(_keeper(found, path, module), with_kwargs=True)
        for path, module in network.named_modules()
        if isinstance(module, LAYERS)
    ]
    inner = network.forward_spectrum

    def kept(magnitude: Tensor, phasor: Tensor) -> tuple[Tensor, Tensor]:
        found.magnitude, found.phasor = magnitude, phasor
        return inner(magnitude, phasor)

    network.forward_spectrum = kept  # type: ignore[method-assign]
    try:
        with torch.inference_mode(), _AttentionWeights(found):
            network(torch.from_numpy(waveform)[None])
    finally:
        del network.forward_spectrum
        for handle in handles:
            handle.remove()
    return found


def excerpt(recording: Path, sample_rate: int, seconds: float) -> tuple[Float[np.ndarray, " time"], float]:
    """The loudest part of a recording, at the level that networks are trained at.

    Args:
        recording: file.
        sample_rate: Hz, of the result.
        seconds: how long.

    Returns:
        The waveform in float32, and where it starts in the recording, s.

    Raises:
        AudioFileError: if the recording can't be read, is silent or too short.
    """
    info = audio_info(recording)
    mixed = np.concatenate([block.mean(axis=0) for block in read_blocks(info)])
    waveform = soxr.resample(mixed.astype(np.float64), info.sample_rate, sample_rate)
    length = min(round(seconds * sample_rate), waveform.size)
    if length < sample_rate // 4:
        raise AudioFileError(f"a quarter of a second is needed to see anything; {recording}; name a longer recording")
    energy = np.concatenate([[0.0], np.cumsum(waveform**2)])
    start = int(np.argmax(energy[length:] - energy[:-length]))
    part = waveform[start : start + length]
    level = np.sqrt(np.mean(part**2))
    if level == 0:
        raise AudioFileError(f"the recording is silent; {recording}; name one with speech")
    return (part * (10 ** (TARGET_DBFS / 20) / level)).astype(np.float32), start / sample_rate


def _keeper(found: Probe, name: str, module: nn.Module) -> Any:
    def keep(module: nn.Module, inputs: tuple[Tensor, ...], named: dict[str, Tensor], outputs: Any) -> None:
        given = (*inputs, *named.values())
        results = outputs if isinstance(outputs, tuple) else (outputs,)
        phase = next((result for result in results if result.ndim == 5), None)
        attention = found.layers.pop().attention if isinstance(module, HybridAttention) else None
        found.layers.append(Layer(name, type(module).__name__, module, given, phase, attention))

    return keep


class _AttentionWeights(TorchFunctionMode):
    """Takes softmax(q kᵀ / √d + mask) where it is applied, as one map over all places, the mean over everything else.

    The map stays on a layer without a name at the end of the list, until the hook of its module takes it up.
    """

    def __init__(self, found: Probe) -> None:
        super().__init__()
        self._found = found

    def __torch_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        named = named or {}
        if function is nn.functional.scaled_dot_product_attention:
            queries, keys = arguments[:2]
            scores = queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5
            mask = named.get("attn_mask")
            weights = torch.softmax(scores if mask is None else scores + mask, dim=-1)
            # [batch or more, heads, queries, keys], or [batch, groups, heads, blocks, queries, keys] in blocks
            weights = _from_blocks(weights.mean((0, 1))) if weights.ndim == 6 else weights.mean(0)
            self._found.layers.append(Layer("", "", nn.Identity(), (), attention=weights))
        return function(*arguments, **named)


def _from_blocks(weights: Float[Tensor, "heads blocks queries keys"]) -> Float[Tensor, "heads frames frames"]:
    """One map of all frames: block b's keys start a block before its queries."""
    heads, blocks, size, seen = weights.shape
    whole = weights.new_zeros(heads, blocks * size, (blocks + 2) * size)
    for block in range(blocks):
        whole[:, block * size : (block + 1) * size, block * size : block * size + seen] = weights[:, block]
    return whole[:, :, size : (blocks + 1) * size]
