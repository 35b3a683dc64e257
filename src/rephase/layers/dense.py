"""A dense block: MPICMs with growing dilation in time; each sees what all before it made (Huang et al., 2017)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers.mpicm import MPICM
from rephase.layers.norms import EPS


class DenseBlock(nn.Module):
    """MPICM i takes the block's input and the outputs of the MPICMs before it, and the last one's output goes out.

        x_i = MPICM_i(concat[x_{i−1}, …, x_1, x_0]),      dilation in time d_i, padded in the past alone

    Equivariance: rotates (magnitude out invariant).

    Args:
        channels: (magnitude, phase) channels of input, output, and of each MPICM.
        freqs: frequencies of the features.
        kernel: (frames, freqs) of the convolutions.
        dilations: in time, one for each MPICM.
        eps: of the norms, (magnitude, phase).
    """

    def __init__(
        self,
        channels: tuple[int, int],
        freqs: int,
        kernel: tuple[int, int] = (2, 3),
        dilations: Sequence[int] = (1, 2, 4, 8),
        *,
        eps: tuple[float, float] = EPS,
    ) -> None:
        super().__init__()
        magnitude, phase = channels
        self.layers = nn.ModuleList(
            MPICM((count * magnitude, count * phase), channels, freqs, kernel, dilation=dilation, eps=eps)
            for count, dilation in enumerate(dilations, start=1)
        )

    def forward(
        self,
        magnitude: Float[Tensor, "batch magnitude frames freqs"],
        phase: Float[Tensor, "batch 2 phase frames freqs"],
    ) -> tuple[Float[Tensor, "batch magnitude frames freqs"], Float[Tensor, "batch 2 phase frames freqs"]]:
        """New features of both streams; the shapes stay."""
        magnitudes, phases = [magnitude], [phase]
        for layer in self.layers:
            magnitude, phase = layer(torch.cat(magnitudes, dim=1), torch.cat(phases, dim=2))
            magnitudes.insert(0, magnitude)
            phases.insert(0, phase)
        return magnitude, phase
