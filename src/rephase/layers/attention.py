"""Attention with one score map for both streams: along time within a bounded window, or along all of the last axis.

For one head, with complex queries and keys Q, K of the phase stream and real ones q, k of the magnitude stream,

    score = (Re(Q Kᴴ) + q kᵀ) / √d,    d the number of real products summed

Re(Q Kᴴ) is the dot product of [Re Q, Im Q] and [Re K, Im K], so queries, keys and values of both streams are laid side
by side and ONE scaled dot-product attention serves both; a rotation of Q and K cancels in the score and passes through
V to the output.

Along time, the frequencies are put in groups and one score map serves a group: the dot product runs over channels and
the group's frequencies alike (as in the full-band attention of TF-GridNet; Wang et al., 2023). That takes fewer
softmaxes and larger matrix products than a map per frequency. The frames are cut into blocks as long as the look-back;
a block's queries see the block before, their own and the first frames of the next, and a mask cuts that to the exact
window: cost grows linearly with the length, and no frame's result depends on where a block starts. Beyond the ends keys
and values are 0.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.layers.linear import ComplexLinear


class HybridAttention(nn.Module):
    """Multi-head attention along one axis, shared by the magnitude and the phase stream.

    Equivariance: rotates (magnitude out invariant).

    Args:
        channels: (magnitude, phase) channels.
        heads: number of heads; it divides the magnitude channels.
        axis: `frames` or `freqs`.
        reach: along frames, (look-back, look-ahead) in frames, look-ahead ≤ look-back; along freqs it is all of them.
        groups: along frames, how many groups of neighbouring frequencies have a score map of their own.
        phase_head_channels: complex channels of one head; by default `heads` divides the phase channels too.
    """

    def __init__(
        self,
        channels: tuple[int, int],
        heads: int,
        axis: str,
        reach: tuple[int, int] | None = None,
        groups: int = 1,
        phase_head_channels: int | None = None,
    ) -> None:
        super().__init__()
        if axis not in ("frames", "freqs"):
            raise ValueError(f"axis must be 'frames' or 'freqs'; got {axis!r}. Try 'frames'.")
        if channels[0] % heads or (phase_head_channels is None and channels[1] % heads):
            raise ValueError(
                f"heads must divide the channels of both streams; got {heads} and {channels}. Try heads=1, or "
                "phase_head_channels where the phase channels alone don't fit."
            )
        if phase_head_channels is not None and phase_head_channels < 1:
            raise ValueError(f"phase_head_channels must be at least 1; got {phase_head_channels}. Try 4.")
        if axis == "frames" and (reach is None or not 0 <= reach[1] <= reach[0] or reach[0] < 1):
            raise ValueError(
                "reach must be (look-back, look-ahead) in frames with 1 ≤ look-back and 0 ≤ look-ahead ≤ look-back; "
                f"got {reach}. Try reach=(32, 0)."
            )
        self.channels, self.heads, self.axis, self.groups = channels, heads, axis, groups
        magnitude, phase = channels
        of_phase = phase // heads if phase_head_channels is None else phase_head_channels
        self.head_channels = (magnitude // heads, of_phase)
        mixed_phase = heads * self.head_channels[1]
        self.magnitude_in = nn.Linear(magnitude, 3 * magnitude, bias=False)
        self.phase_in = ComplexLinear(phase, 3 * mixed_phase)
        self.magnitude_out = nn.Linear(magnitude, magnitude)
        self.phase_out = ComplexLinear(mixed_phase, phase)
        self.reach = reach or (0, 0)
        self.window: Tensor
        if axis == "frames":
            self.register_buffer("window", self._window(*self.reach), persistent=False)

    @staticmethod
    def _window(back: int, ahead: int) -> Tensor:
        """Additive scores [queries, keys] of one block: 0 within reach, −∞ beyond it."""
        query = torch.arange(back)[:, None]
        key = torch.arange(-back, back + ahead)[None, :]
        within = (key - query >= -back) & (key - query <= ahead)
        return torch.zeros(within.shape).masked_fill(~within, float("-inf"))

    def _in_blocks(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Attention along dimension −2 of [batch, groups, heads, frames, dim] within the window."""
        block, ahead = self.reach
        frames = queries.shape[-2]
        blocks = -(-frames // block)
        fill = blocks * block - frames

        def windows(features: Tensor) -> Tensor:
            padded = nn.functional.pad(features, (0, 0, block, block + fill))
            parts = [padded[..., i * block : (i + blocks) * block, :].unflatten(-2, (blocks, block)) for i in range(3)]
            return torch.cat([parts[0], parts[1], parts[2][..., :ahead, :]], dim=-2)

        own = nn.functional.pad(queries, (0, 0, 0, fill)).unflatten(-2, (blocks, block))
        mixed = nn.functional.scaled_dot_product_attention(own, windows(keys), windows(values), attn_mask=self.window)
        return mixed.flatten(-3, -2)[..., :frames, :]

    def forward(
        self,
        magnitude: Float[Tensor, "batch magnitude frames freqs"],
        phase: Float[Tensor, "batch 2 phase frames freqs"],
    ) -> tuple[Float[Tensor, "batch magnitude frames freqs"], Float[Tensor, "batch 2 phase frames freqs"]]:
        """What each stream receives from the other places along the axis, to be added to it."""
        real = self.magnitude_in(magnitude.movedim(1, -1)).unflatten(-1, (3, self.heads, -1))
        stacked = self.phase_in(phase.flatten(1, 2).movedim(1, -1))
        stacked = stacked.unflatten(-1, (2, 3, self.heads, -1))
        joint = torch.cat([real, stacked[..., 0, :, :, :], stacked[..., 1, :, :, :]], dim=-1)
        if self.axis == "frames":
            grouped = joint.unflatten(2, (self.groups, -1))  # [batch, frames, groups, freqs of one, 3, heads, dim]
            queries, keys, values = grouped.permute(4, 0, 2, 5, 1, 3, 6).flatten(-2)
            mixed = self._in_blocks(queries, keys, values).unflatten(-1, (-1, joint.shape[-1]))
            mixed = mixed.permute(0, 3, 1, 4, 2, 5).flatten(2, 3)
        else:
            # Four dimensions are what fused kernels take: each [batch · frames, heads, freqs, dim].
            queries, keys, values = joint.flatten(0, 1).permute(2, 0, 3, 1, 4)
            mixed = nn.functional.scaled_dot_product_attention(queries, keys, values)
            mixed = mixed.transpose(1, 2).unflatten(0, joint.shape[:2])
        magnitude_size, phase_size = self.head_channels
        # Each [batch, frames, freqs, heads, dim].
        real, re, im = mixed.split([magnitude_size, phase_size, phase_size], dim=-1)
        stacked = torch.cat([re.flatten(-2), im.flatten(-2)], dim=-1)
        return (
            self.magnitude_out(real.flatten(-2)).movedim(-1, 1),
            self.phase_out(stacked).movedim(-1, 1).unflatten(1, (2, -1)),
        )
