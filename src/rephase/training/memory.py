"""Whether a step fits the memory: measured on a small one before the run, rather than found out when it is killed.

A step keeps what its gradients need. That grows in proportion to the items, and at least in proportion to their length,
so a short item of the same network tells the least that a step will take.
"""

import logging
import os
from pathlib import Path

import torch
from torch.autograd.graph import saved_tensors_hooks

from rephase.errors import RephaseError
from rephase.training.module import EnhancementModule
from rephase.training.objective import loss_terms, output_of

logger = logging.getLogger(__name__)
PROBE_SECONDS = 0.5


def bytes_of_step(module: EnhancementModule) -> int:
    """The least that one piece of a step keeps for its gradients, bytes.

    Args:
        module: in training, on the CPU.
    """
    batch = module.experiment.batch
    kept: dict[int, int] = {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:  # these are there once, however many items there are
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    seconds = min(PROBE_SECONDS, batch.seconds)
    rate = module.network_config.sample_rate
    state = torch.get_rng_state()
    noise = 0.05 * torch.randn(1, int(seconds * rate))
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        output = output_of(module.network, noise, noise)
        terms = loss_terms(module.experiment.losses, output, module.network)
    torch.set_rng_state(state)
    del output, terms
    return int(sum(kept.values()) * batch.items / batch.pieces * batch.seconds / seconds)


def check_memory(module: EnhancementModule, device: str) -> None:
    """Refuses a step that can't fit.

    Args:
        module: in training, on the CPU.
        device: `cpu` or `cuda`.

    Raises:
        RephaseError: If a step keeps more than is free.
    """
    needed = bytes_of_step(module) // (2 if module.experiment.precision == "bf16" else 1)
    free = torch.cuda.mem_get_info()[0] if device == "cuda" else _free_bytes()
    logger.info("a step keeps %.1f GB or more; %.1f GB are free", needed / 1e9, free / 1e9)
    if needed > free:
        batch = module.experiment.batch
        raise RephaseError(
            f"a step of {batch.items} × {batch.seconds:g} s in {batch.pieces} piece(s) needs {needed / 1e9:.1f} GB or "
            f"more, and {free / 1e9:.1f} GB of the {device}'s memory are free; take more batch.pieces, fewer "
            "batch.items or shorter batch.seconds"
        )


def _free_bytes() -> int:
    """What this process may still take of the main memory, bytes."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:  # the system gives up its caches where they are asked for
        facts = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free = int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    return free
