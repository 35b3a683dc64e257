"""MPICM, the magnitude-phase interactive convolution module: two convolutions that gate each other."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers.convolution import ComplexConv2d, MagnitudeConv2d
from rephase.layers.gates import MagnitudeToPhaseGate, PhaseToMagnitudeGate
from rephase.layers.norms import ComplexRMSNorm, RMSNorm


class LiteMPICM(nn.Module):
    """MPICM whose norms see one frame, so that it looks no further in time than its kernel.

    Magnitude: convolution with bias → RMS norm → SiLU. Phase: bias-free complex convolution → complex RMS norm, no
    activation. Then the phase is multiplied by a gate of the magnitude and the magnitude by a gate of |phase|.

    Equivariance: rotates (magnitude out invariant).

    Args:
        inputs: (magnitude, phase) channels in.
        outputs: (magnitude, phase) channels out.
        freqs: frequencies of the output.
        kernel: (frames, freqs) of both convolutions.
        stride: in frequency.
        dilation: in time.
        lookahead: future frames that the kernel sees.
        pad_freqs: zeros (below, above).
    """

    def __init__(
        self,
        inputs: tuple[int, int],
        outputs: tuple[int, int],
        freqs: int,
        kernel: tuple[int, int] = (3, 3),
        *,
        stride: int = 1,
        dilation: int = 1,
        lookahead: int = 0,
        pad_freqs: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        geometry: dict[str, Any] = {
            "stride": stride,
            "dilation": dilation,
            "lookahead": lookahead,
            "pad_freqs": pad_freqs,
        }
        self.magnitude_convolution = MagnitudeConv2d(inputs[0], outputs[0], kernel, **geometry)
        self.phase_convolution = ComplexConv2d(inputs[1], outputs[1], kernel, **geometry)
        self.magnitude_norm = RMSNorm(outputs[0], ("channels", "freqs"), bias=True)
        self.phase_norm = ComplexRMSNorm(outputs[1], ("channels", "freqs"), freqs=freqs)
        self.phase_gate = MagnitudeToPhaseGate(*outputs, freqs)
        self.magnitude_gate = PhaseToMagnitudeGate(*outputs, freqs)

    def forward(
        self,
        magnitude: Float[Tensor, "batch magnitude_in frames freqs"],
        phase: Float[Tensor, "batch 2 phase_in frames freqs"],
    ) -> tuple[
        Float[Tensor, "batch magnitude_out frames new_freqs"], Float[Tensor, "batch 2 phase_out frames new_freqs"]
    ]:
        """New features of both streams; the number of frames stays."""
        magnitude = nn.functional.silu(self.magnitude_norm(self.magnitude_convolution(magnitude)))
        phase = self.phase_norm(self.phase_convolution(phase))
        return self.magnitude_gate(magnitude, phase), self.phase_gate(magnitude, phase)
