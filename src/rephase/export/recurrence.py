"""The BiGRU of the published networks as ONNX's own operation, which takes sequences of any number and length."""

import torch
from torch import Tensor, nn

from rephase.layers.ffn import RecurrentFFN


class GraphRecurrence(nn.Module):
    """A bidirectional GRU of one layer, for the graph alone: it can't run in torch.

    ONNX has the gates in the order update, reset, new where torch has reset, update, new, and both directions in one
    tensor. With `linear_before_reset` its equations are torch's.

    Args:
        recurrence: the layer whose weights it takes.
    """

    weight_in: Tensor
    weight_state: Tensor
    bias: Tensor

    def __init__(self, recurrence: nn.GRU) -> None:
        super().__init__()
        self.hidden = recurrence.hidden_size

        def both(name: str) -> Tensor:
            one, other = (getattr(recurrence, f"{name}{suffix}").detach() for suffix in ("_l0", "_l0_reverse"))
            return torch.stack([self._reordered(one), self._reordered(other)])

        self.register_buffer("weight_in", both("weight_ih"))
        self.register_buffer("weight_state", both("weight_hh"))
        self.register_buffer("bias", torch.cat([both("bias_ih"), both("bias_hh")], dim=1))

    @staticmethod
    def _reordered(gates: Tensor) -> Tensor:
        reset, update, new = gates.chunk(3)
        return torch.cat([update, reset, new])

    def forward(self, sequences: Tensor) -> tuple[Tensor, None]:
        """[sequences, places, channels] → [sequences, places, 2 · hidden], and no last state."""
        count, places, _ = sequences.shape
        states = torch.onnx.ops.symbolic(
            "GRU",
            (sequences.transpose(0, 1), self.weight_in, self.weight_state, self.bias),
            {"hidden_size": self.hidden, "direction": "bidirectional", "linear_before_reset": 1},
            dtype=sequences.dtype,
            shape=(places, 2, count, self.hidden),
        )
        return states.permute(2, 0, 1, 3).flatten(2), None


def with_graph_recurrences(network: nn.Module) -> None:
    """Replaces the recurrences of all feed-forward networks in a network.

    Args:
        network: changed in place; it then serves for the graph alone.
    """
    for layer in network.modules():
        if isinstance(layer, RecurrentFFN) and isinstance(layer.recurrence, nn.GRU):
            layer.recurrence = GraphRecurrence(layer.recurrence)
