"""How exactly each layer turns with its phase input, at random angles, with the features that it really gets.

    error = ‖f(M, e^{jθ} Z) − R f(M, Z)‖₂ / ‖f(M, Z)‖₂

in the precision of the weights, float32; the whole network in float64 too, where rounding no longer hides a fault. A
bias in the phase stream or a split activation gives an error of the order of 1.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rephase.analysis.probe import Probe
from rephase.layers import ComplexConv2d, ComplexRMSNorm, SubPixelComplexConv2d
from rephase.testing import TOLERANCES, equivariance_error

LONGEST = 64  # places along the last but one axis
PHASE_ONLY = (ComplexConv2d, SubPixelComplexConv2d, ComplexRMSNorm)


@dataclass(frozen=True)
class LayerError:
    """Errors of a layer.

    Attributes:
        name: in the network.
        kind: its class.
        errors: one an angle.
        allowed: what rounding may give.
    """

    name: str
    kind: str
    errors: list[float]
    allowed: float

    @property
    def passes(self) -> bool:
        """Whether no error is above what is allowed."""
        return all(error <= self.allowed for error in self.errors)  # which NaN is not

    @property
    def largest(self) -> float:
        """The largest error; NaN if any is NaN."""
        return float(np.max(self.errors))


def random_angles(count: int, seed: int = 0) -> list[float]:
    """Angles in radians; never π or π/2, which hide faults, but by chance."""
    generator = torch.Generator().manual_seed(seed)
    return (2 * math.pi * torch.rand(count, generator=generator, dtype=torch.float64)).tolist()


def shortened(features: Tensor) -> Tensor:
    """At most 64 places along the last but one axis, time or frequency: enough to compare, and many times faster."""
    return features[..., :LONGEST, :]


def layer_errors(found: Probe, angles: list[float]) -> list[LayerError]:
    """The errors of all layers, and of the whole network in float32 and float64, last.

    Args:
        found: a network and what went into its layers.
        angles: radians.

    Returns:
        In the order in which the layers were called.
    """
    results = []
    with torch.inference_mode():
        for layer in found.layers:
            if not layer.name:
                continue
            magnitude = None if isinstance(layer.module, PHASE_ONLY) else shortened(layer.inputs[0])
            phase = shortened(layer.inputs[-1])
            errors = [equivariance_error(layer.module, magnitude, phase, angle) for angle in angles]
            results.append(LayerError(layer.name, layer.kind, errors, TOLERANCES[torch.float32]))
        for dtype, factor in ((torch.float32, 10), (torch.float64, 100)):
            network = copy.deepcopy(found.network).to(dtype)
            magnitude, phasor = (shortened(part).to(dtype) for part in (found.magnitude, found.phasor))
            errors = [equivariance_error(network.forward_spectrum, magnitude, phasor, angle) for angle in angles]
            name = f"whole network, {str(dtype).removeprefix('torch.')}"
            results.append(LayerError(name, type(network).__name__, errors, factor * TOLERANCES[dtype]))
    return results
