"""HADF, hybrid attention with dual feed-forward networks: attention of both streams at once, then an FFN for each."""

from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers.attention import HybridAttention
from rephase.layers.ffn import ComplexConvFFN, ComplexGatedFFN, GatedFFN, RecurrentFFN
from rephase.layers.norms import EPS, ComplexRMSNorm, RMSNorm


def _norms(channels: tuple[int, int], eps: tuple[float, float]) -> tuple[RMSNorm, ComplexRMSNorm]:
    return RMSNorm(channels[0], eps=eps[0]), ComplexRMSNorm(channels[1], eps=eps[1])


class _AttentionAndFFNs(nn.Module):
    """x + attention(norm x), to which the FFN of its norm is added, in both streams; norms see the channels of a point.

    Args:
        channels: (magnitude, phase) channels.
        attention: of both streams.
        magnitude_ffn, phase_ffn: one for each stream.
        eps: of the norms, (magnitude, phase).
    """

    def __init__(
        self,
        channels: tuple[int, int],
        attention: HybridAttention,
        magnitude_ffn: nn.Module,
        phase_ffn: nn.Module,
        eps: tuple[float, float] = EPS,
    ) -> None:
        super().__init__()
        self.magnitude_norm, self.phase_norm = _norms(channels, eps)
        self.attention = attention
        self.magnitude_ffn_norm, self.phase_ffn_norm = _norms(channels, eps)
        self.magnitude_ffn, self.phase_ffn = magnitude_ffn, phase_ffn

    def forward(
        self,
        magnitude: Float[Tensor, "batch magnitude frames freqs"],
        phase: Float[Tensor, "batch 2 phase frames freqs"],
    ) -> tuple[Float[Tensor, "batch magnitude frames freqs"], Float[Tensor, "batch 2 phase frames freqs"]]:
        """New features of both streams; the shapes stay."""
        real, pair = self.attention(self.magnitude_norm(magnitude), self.phase_norm(phase))
        magnitude, phase = magnitude + real, phase + pair
        magnitude = magnitude + self.magnitude_ffn(self.magnitude_ffn_norm(magnitude))
        phase = phase + self.phase_ffn(self.phase_ffn_norm(phase))
        return magnitude, phase


class LiteHADF(_AttentionAndFFNs):
    """HADF with point-wise gated FFNs, norms over the channels of one point, and a bounded reach along time.

    Equivariance: rotates (magnitude out invariant).

    Args:
        channels: (magnitude, phase) channels.
        heads: attention heads.
        axis: `frames` or `freqs`, along which attention looks.
        reach, groups: of the attention along frames, see `HybridAttention`.
        expansion: hidden channels of the FFNs over channels.
    """

    magnitude_ffn: GatedFFN
    phase_ffn: ComplexGatedFFN

    def __init__(
        self,
        channels: tuple[int, int],
        heads: int,
        axis: str,
        reach: tuple[int, int] | None = None,
        groups: int = 1,
        expansion: int = 1,
    ) -> None:
        magnitude, phase = channels
        super().__init__(
            channels,
            HybridAttention(channels, heads, axis, reach, groups),
            GatedFFN(magnitude, expansion * magnitude),
            ComplexGatedFFN(phase, expansion * phase),
        )


class HADF(_AttentionAndFFNs):
    """HADF as published (arXiv:2602.08556): attention over a whole axis, BiGRU and complex convolutions as FFNs.

    A third pair of norms follows the FFNs. Along the frames everything is done on swapped axes: frames and frequencies
    change places on the way in and out, and what runs along the last axis runs along time.

    Equivariance: rotates (magnitude out invariant).

    Args:
        channels: (magnitude, phase) channels.
        heads: attention heads; they divide the magnitude channels.
        axis: `frames` or `freqs`, along which attention and FFNs look.
        phase_head_channels: complex channels of one head.
        recurrent: hidden size of the BiGRU, a direction.
        phase_hidden, phase_kernel: of the phase stream's FFN, see `ComplexConvFFN`.
        slope, dropout: of the magnitude stream's FFN, see `RecurrentFFN`.
        eps: of the norms, (magnitude, phase).
    """

    def __init__(
        self,
        channels: tuple[int, int],
        heads: int,
        axis: str,
        *,
        phase_head_channels: int,
        recurrent: int,
        phase_hidden: int,
        phase_kernel: int = 4,
        slope: float = 0.01,
        dropout: float = 0.1,
        eps: tuple[float, float] = EPS,
    ) -> None:
        if axis not in ("frames", "freqs"):
            raise ValueError(f"axis must be 'frames' or 'freqs'; got {axis!r}. Try 'frames'.")
        magnitude, phase = channels
        super().__init__(
            channels,
            HybridAttention(channels, heads, "freqs", phase_head_channels=phase_head_channels),
            RecurrentFFN(magnitude, recurrent, slope=slope, dropout=dropout),
            ComplexConvFFN(phase, phase_hidden, phase_kernel),
            eps,
        )
        self.axis = axis
        self.magnitude_last_norm, self.phase_last_norm = _norms(channels, eps)

    def forward(
        self,
        magnitude: Float[Tensor, "batch magnitude frames freqs"],
        phase: Float[Tensor, "batch 2 phase frames freqs"],
    ) -> tuple[Float[Tensor, "batch magnitude frames freqs"], Float[Tensor, "batch 2 phase frames freqs"]]:
        """New features of both streams; the shapes stay."""
        if self.axis == "frames":
            magnitude, phase = magnitude.transpose(-1, -2), phase.transpose(-1, -2)
        magnitude, phase = super().forward(magnitude, phase)
        magnitude, phase = self.magnitude_last_norm(magnitude), self.phase_last_norm(phase)
        if self.axis == "frames":
            magnitude, phase = magnitude.transpose(-1, -2), phase.transpose(-1, -2)
        return magnitude, phase
