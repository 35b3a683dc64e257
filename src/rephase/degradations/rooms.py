"""A bank of simulated rooms, made once by several processes.

Each room has a seed of its own, made of the bank's seed and the room's number: the bank is the same for any number of
processes. What lies on disk already is taken as it is: a file of another name for rooms that are made otherwise.
"""

import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from rephase.degradations.shoebox import numbered_room
from rephase.errors import RephaseError
from rephase.processes import one_thread_each, prepare_worker

logger = logging.getLogger(__name__)
MICROPHONES = 3
ROOMS_A_WORKER = 8  # fewer, and a process takes longer to start than to work


def simulate_bank(
    target: Path,
    *,
    rooms: int,
    sample_rate: int = 16000,
    seconds: float = 0.6,
    seed: int = 0,
    workers: int | None = None,
) -> Float32[Tensor, "responses time"]:
    """Responses of random shoebox rooms, each with its direct sound at 40 samples and of height 1.

    Rooms are 3–9 × 3–7 × 2.4–3.6 m with T60 0.15–0.7 s; source and microphones stand at random, at least 0.4 m from
    the walls, and the microphones as far from the source; three microphones a room.

    Args:
        target: path of the array (.npy); what stands there already is opened and not made again.
        rooms: number of rooms; three responses each.
        sample_rate: Hz.
        seconds: length of a response.
        seed: of the rooms and of the rays in them; it is not seen in an array that stands there already.
        workers: processes that simulate; one a core by default, and none but this for few rooms.

    Returns:
        3 · `rooms` responses, the same for any number of workers.

    Raises:
        RephaseError: If the array that stands there has another shape.
    """
    shape = (MICROPHONES * rooms, int(seconds * sample_rate))
    if not target.exists():
        responses = np.concatenate(_simulated(rooms, sample_rate, seconds, seed, workers))
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}.part.npy")  # ranks of a run may make it at the same time
        np.save(part, responses.astype(np.float32))
        part.replace(target)
        logger.info("simulated %d room responses into %s", len(responses), target)
    bank = torch.from_numpy(np.load(target))
    if bank.shape != shape:
        raise RephaseError(
            f"target must hold {shape[0]} responses of {shape[1]} samples; {target} has {tuple(bank.shape)}. "
            "Name another file, or delete this one so that it is made again."
        )
    return bank


def _simulated(rooms: int, sample_rate: int, seconds: float, seed: int, workers: int | None) -> list[np.ndarray]:
    one = partial(numbered_room, microphones=MICROPHONES, sample_rate=sample_rate, seconds=seconds, seed=seed)
    workers = min(workers or _cores(), max(1, rooms // ROOMS_A_WORKER))
    if workers == 1:
        return [one(number) for number in range(rooms)]
    context = multiprocessing.get_context("spawn")
    with one_thread_each(), ProcessPoolExecutor(workers, context, initializer=prepare_worker) as pool:
        return list(pool.map(one, range(rooms)))


def _cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
