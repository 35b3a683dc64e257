"""Where the attention of the HADFs looks: how far, and how widely."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from rephase.analysis.probe import Probe


@dataclass(frozen=True)
class Head:
    """One head of an attention.

    Attributes:
        layer: its name.
        axis: `time` or `frequency`.
        number: of the head, from 0.
        weights: `[queries, keys]`; a row is how a place shares its attention among all.
        distance: how far it looks on average, in frames or bands.
        effective: among how many places its attention is shared, exp of the entropy.
    """

    layer: str
    axis: str
    number: int
    weights: Float[np.ndarray, "queries keys"]
    distance: float
    effective: float


def heads(found: Probe) -> list[Head]:
    """All heads, in the order in which they were at work.

    Args:
        found: a network and the attention weights in it.

    Returns:
        Maps and numbers.
    """
    results = []
    frames = found.magnitude.shape[1]
    axes = {name: getattr(module, "axis", "") for name, module in found.network.named_modules()}
    for layer in found.layers:
        if layer.attention is None or not layer.name:
            continue
        # As published, a HADF along time swaps the axes and its attention looks along the last one.
        own, around = axes[layer.name], axes.get(layer.name.rpartition(".")[0], "")
        axis = "time" if "frames" in (own, around) else "frequency"
        for number, weights in enumerate(layer.attention.double().numpy()):
            shown = weights[:frames, :frames] if axis == "time" else weights
            results.append(_head(layer.name, axis, number, shown))
    return results


def _head(layer: str, axis: str, number: int, weights: Float[np.ndarray, "queries keys"]) -> Head:
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    places = np.arange(len(share))
    distance = float(np.mean(np.sum(share * np.abs(places[None, :] - places[:, None]), axis=1)))
    entropy = -np.sum(share * np.log(np.maximum(share, 1e-300)), axis=1)
    return Head(layer, axis, number, share, distance, float(np.exp(entropy).mean()))
