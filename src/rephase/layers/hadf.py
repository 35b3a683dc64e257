"""HADF, hybrid attention with dual feed-forward networks: attention of both streams at once, then an FFN for each."""

from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers.attention import HybridAttention
from rephase.layers.ffn import ComplexGatedFFN, GatedFFN
from rephase.layers.norms import ComplexRMSNorm, RMSNorm


class LiteHADF(nn.Module):
    """HADF with point-wise gated FFNs, norms over the channels of one point, and a bounded reach along time.

    Equivariance: rotates (magnitude out invariant).

    Args:
        channels: (magnitude, phase) channels.
        heads: attention heads.
        axis: `frames` or `freqs`, along which attention looks.
        reach, groups: of the attention along frames, see `HybridAttention`.
        expansion: hidden channels of the FFNs over channels.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        heads: int,
        axis: str,
        reach: tuple[int, int] | None = None,
        groups: int = 1,
        expansion: int = 1,
    ) -> None:
        super().__init__()
        magnitude, phase = channels
        self.magnitude_norm, self.phase_norm = RMSNorm(magnitude), ComplexRMSNorm(phase)
        self.attention = HybridAttention(channels, heads, axis, reach, groups)
        self.magnitude_ffn_norm, self.phase_ffn_norm = RMSNorm(magnitude), ComplexRMSNorm(phase)
        self.magnitude_ffn = GatedFFN(magnitude, expansion * magnitude)
        self.phase_ffn = ComplexGatedFFN(phase, expansion * phase)

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
