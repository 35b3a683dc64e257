"""Learnable layers of the two streams; each says in its docstring how it behaves under a global rotation.

`Equivariance: rotates` — the phase output turns by the angle by which the phase input is turned, a magnitude output
stays as it is; `invariant` — the output stays as it is.
"""

from rephase.layers.attention import HybridAttention
from rephase.layers.convolution import ComplexConv2d, MagnitudeConv2d, SubPixelComplexConv2d, SubPixelMagnitudeConv2d
from rephase.layers.dense import DenseBlock
from rephase.layers.ffn import ComplexConvFFN, ComplexGatedFFN, GatedFFN, RecurrentFFN
from rephase.layers.gates import MagnitudeToPhaseGate, PhaseToMagnitudeGate
from rephase.layers.hadf import HADF, LiteHADF
from rephase.layers.linear import ComplexLinear
from rephase.layers.mpicm import MPICM
from rephase.layers.norms import ComplexRMSNorm, RMSNorm

__all__ = [
    "HADF",
    "MPICM",
    "ComplexConv2d",
    "ComplexConvFFN",
    "ComplexGatedFFN",
    "ComplexLinear",
    "ComplexRMSNorm",
    "DenseBlock",
    "GatedFFN",
    "HybridAttention",
    "LiteHADF",
    "MagnitudeConv2d",
    "MagnitudeToPhaseGate",
    "PhaseToMagnitudeGate",
    "RMSNorm",
    "RecurrentFFN",
    "SubPixelComplexConv2d",
    "SubPixelMagnitudeConv2d",
]
