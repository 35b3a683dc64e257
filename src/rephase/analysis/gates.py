"""What the gates of the MPICMs do: 3σ(s · (W x + b)) lets pass what is near 1, silences near 0 and triples at most."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from rephase.analysis.probe import Probe
from rephase.layers import MagnitudeToPhaseGate, PhaseToMagnitudeGate
from rephase.signal.real_pair import modulus

PHASE, MAGNITUDE = "phase, by the magnitude", "magnitude, by the phase"


@dataclass(frozen=True)
class Gate:
    """A gate at work.

    Attributes:
        name: of its layer.
        opens: which stream it scales, by which.
        over_freqs: mean over channels and frames, `[freqs]`.
        over_time: mean over channels, `[frames, freqs]`.
        low, mean, high: 5 % quantile, mean and 95 % quantile of all its values.
    """

    name: str
    opens: str
    over_freqs: Float[np.ndarray, " freqs"]
    over_time: Float[np.ndarray, "frames freqs"]
    low: float
    mean: float
    high: float


def gates(found: Probe) -> list[Gate]:
    """All gates, in the order in which they were at work.

    Args:
        found: a network and what went into its layers.

    Returns:
        One for each; none where a network has no gates.
    """
    results = []
    with torch.inference_mode():
        for layer in found.layers:
            if isinstance(layer.module, MagnitudeToPhaseGate):
                values, opens = layer.module.gate(layer.inputs[0]), PHASE
            elif isinstance(layer.module, PhaseToMagnitudeGate):
                values, opens = layer.module.gate(modulus(layer.inputs[-1])), MAGNITUDE
            else:
                continue
            array = values[0].double().numpy()
            low, high = np.quantile(array, [0.05, 0.95])
            results.append(
                Gate(
                    layer.name, opens, array.mean(axis=(0, 1)), array.mean(axis=0), float(low), float(array.mean()),
                    float(high),
                )
            )  # fmt: skip
    return results
