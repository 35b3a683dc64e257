"""The optimizers: AdamW, or Muon for the weights between hidden features and AdamW for all others.

Muon (Jordan et al., 2024) makes the momentum of a matrix orthogonal, so that all its directions learn at one pace; of a
complex weight each part by itself. Gains, biases, and the weights of the first and last layers are AdamW's, as its
authors advise.
"""

import torch
from pytorch_optimizer import Muon
from torch import nn

from rephase.training.experiment import Optimizer

EDGES = ("stem", "encoder.first", "magnitude_out", "phase_out", "decoder.magnitude_out", "decoder.phase_out")


def make_optimizer(network: nn.Module, settings: Optimizer) -> torch.optim.Optimizer:
    """The optimizer of a network; rates are set before each step.

    Args:
        network: of one of the architectures.
        settings: kind, decay and betas.
    """
    if settings.kind == "adamw":
        return torch.optim.AdamW(
            network.parameters(), settings.learning_rate, betas=settings.betas, weight_decay=settings.weight_decay
        )
    matrices, others = split_parameters(network)
    return Muon(
        [
            {"params": matrices, "use_muon": True, "use_adjusted_lr": True},
            {"params": others, "use_muon": False, "betas": settings.betas},
        ],
        weight_decay=settings.weight_decay,
        adamw_wd=settings.weight_decay,
    )


def split_parameters(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The weights of hidden layers, which are matrices from features to features, and all other parameters."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        path, _, kind = name.rpartition(".")
        at_edge = any(path == edge or path.startswith(f"{edge}.") for edge in EDGES)
        hidden = kind.startswith("weight") and parameter.ndim > 1 and not at_edge
        (matrices if hidden else others).append(parameter)
    return matrices, others
