"""MPICM, the magnitude-phase interactive convolution module: two convolutions that gate each other."""

from collections.abc import Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers.convolution import ComplexConv2d, MagnitudeConv2d, SubPixelComplexConv2d, SubPixelMagnitudeConv2d
from rephase.layers.gates import MagnitudeToPhaseGate, PhaseToMagnitudeGate
from rephase.layers.norms import EPS, ComplexRMSNorm, RMSNorm


class MPICM(nn.Module):
    """Convolution, norm and gate of both streams (arXiv:2602.08556).

    Magnitude: convolution with bias → RMS norm → SiLU. Phase: bias-free complex convolution → complex RMS norm, no
    activation. Then the phase is multiplied by a gate of the magnitude and the magnitude by a gate of |phase|.

    Equivariance: rotates (magnitude out invariant).

    Args:
        inputs: (magnitude, phase) channels in.
        outputs: (magnitude, phase) channels out.
        freqs: frequencies of the output.
        kernel: (frames, freqs) of both convolutions.
        norm_over: axes of the norms' means: `("frames", "freqs")`, the whole input, as published; with
            `("channels", "freqs")`, one frame, the module looks no further in time than its kernel.
        gated: whether the streams gate each other.
        factor: by which sub-pixel convolutions raise the frequency resolution; it goes with none of what follows.
        stride: in frequency.
        dilation: in time.
        lookahead: future frames that the kernel sees.
        pad_freqs: zeros (below, above).
        eps: of the norms, (magnitude, phase).
    """

    def __init__(
        self,
        inputs: tuple[int, int],
        outputs: tuple[int, int],
        freqs: int,
        kernel: tuple[int, int] = (3, 3),
        *,
        norm_over: Sequence[str] = ("frames", "freqs"),
        gated: bool = True,
        factor: int = 1,
        stride: int = 1,
        dilation: int = 1,
        lookahead: int = 0,
        pad_freqs: tuple[int, int] | None = None,
        eps: tuple[float, float] = EPS,
    ) -> None:
        super().__init__()
        if factor > 1 and (stride, dilation, lookahead, pad_freqs) != (1, 1, 0, None):
            raise ValueError(
                "factor goes with no stride, dilation, lookahead or pad_freqs of one's own; got "
                f"{factor} and {(stride, dilation, lookahead, pad_freqs)}. Try factor=1, or leave them out."
            )
        self.magnitude_convolution: nn.Module
        self.phase_convolution: nn.Module
        if factor > 1:
            self.magnitude_convolution = SubPixelMagnitudeConv2d(inputs[0], outputs[0], kernel, factor)
            self.phase_convolution = SubPixelComplexConv2d(inputs[1], outputs[1], kernel, factor)
        else:
            geometry: dict[str, Any] = {
                "stride": stride,
                "dilation": dilation,
                "lookahead": lookahead,
                "pad_freqs": pad_freqs,
            }
            self.magnitude_convolution = MagnitudeConv2d(inputs[0], outputs[0], kernel, **geometry)
            self.phase_convolution = ComplexConv2d(inputs[1], outputs[1], kernel, **geometry)
        self.magnitude_norm = RMSNorm(outputs[0], norm_over, bias=True, eps=eps[0])
        self.phase_norm = ComplexRMSNorm(outputs[1], norm_over, freqs=freqs, eps=eps[1])
        self.gated = gated
        if gated:
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
        if not self.gated:
            return magnitude, phase
        return self.magnitude_gate(magnitude, phase), self.phase_gate(magnitude, phase)
