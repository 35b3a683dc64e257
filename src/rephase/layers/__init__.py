"""Learnable layers of the two streams; each says in its docstring how it behaves under a global rotation.

`Equivariance: rotates` — the phase output turns by the angle by which the phase input is turned, a magnitude output
stays as it is; `invariant` — the output stays as it is.
"""

from rephase.layers.attention import HybridAttention
from rephase.layers.convolution import ComplexConv2d, MagnitudeConv2d, SubPixelComplexConv2d, SubPixelMagnitudeConv2d
from rephase.layers.ffn import ComplexGatedFFN, GatedFFN
from rephase.layers.gates import MagnitudeToPhaseGate, PhaseToMagnitudeGate
from rephase.layers.hadf import LiteHADF
from rephase.layers.linear import ComplexLinear
from rephase.layers.mpicm import LiteMPICM
from rephase.layers.norms import ComplexRMSNorm, RMSNorm

__all__ = [
    "ComplexConv2d",
    "ComplexGatedFFN",
    "ComplexLinear",
    "ComplexRMSNorm",
    "GatedFFN",
    "HybridAttention",
    "LiteHADF",
    "LiteMPICM",
    "MagnitudeConv2d",
    "MagnitudeToPhaseGate",
    "PhaseToMagnitudeGate",
    "RMSNorm",
    "SubPixelComplexConv2d",
    "SubPixelMagnitudeConv2d",
]
