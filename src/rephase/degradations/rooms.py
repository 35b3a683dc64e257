"""Reverberation by simulated rooms (image sources and ray tracing of pyroomacoustics), from a bank made once."""

import logging
from pathlib import Path

import numpy as np
import pyroomacoustics
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from rephase.errors import RephaseError

logger = logging.getLogger(__name__)
LEAD = 40  # samples before the strongest one: 2.5 ms at 16 kHz
DIRECT_SECONDS = 0.0025
MOST_REFLECTIONS = 12  # of image sources; rays do the rest


def simulate_bank(
    target: Path, *, rooms: int, sample_rate: int = 16000, seconds: float = 0.6, seed: int = 0
) -> Float32[Tensor, "responses time"]:
    """Responses of random shoebox rooms, each with its strongest sample at 40 samples and of height 1.

    Rooms are 3–9 × 3–7 × 2.4–3.6 m with T60 0.15–0.7 s; source and microphones stand at random, at least 0.4 m from
    the walls, and the microphones as far from the source; three microphones a room.

    Args:
        target: path of the array (.npy); what stands there already is opened and not made again.
        rooms: number of rooms; three responses each.
        sample_rate: Hz.
        seconds: length of a response.
        seed: of the rooms and of the rays in them; it is not seen in an array that stands there already.

    Returns:
        3 · `rooms` responses.

    Raises:
        RephaseError: If the array that stands there has another shape.
    """
    shape = (3 * rooms, int(seconds * sample_rate))
    if not target.exists():
        random = np.random.default_rng(seed)
        pyroomacoustics.random.seed(seed)
        responses: list[np.ndarray] = []
        while len(responses) < shape[0]:
            size = random.uniform([3.0, 3.0, 2.4], [9.0, 7.0, 3.6])
            t60 = random.uniform(0.15, 0.7)
            if not _can_be_built(size, t60):
                continue
            source, *microphones = random.uniform(0.4, size - 0.4, size=(4, 3))
            if min(np.linalg.norm(source - place) for place in microphones) < 0.4:
                continue
            responses.extend(
                room_responses(size, t60, source, np.stack(microphones), sample_rate=sample_rate, seconds=seconds)
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part.npy")
        np.save(part, np.stack(responses).astype(np.float32))
        part.replace(target)
        logger.info("simulated %d room responses into %s", len(responses), target)
    bank = torch.from_numpy(np.load(target))
    if bank.shape != shape:
        raise RephaseError(
            f"target must hold {shape[0]} responses of {shape[1]} samples; {target} has {tuple(bank.shape)}. "
            "Name another file, or delete this one so that it is made again."
        )
    return bank


def room_responses(
    size: Float64[np.ndarray, " 3"],
    t60: float,
    source: Float64[np.ndarray, " 3"],
    microphones: Float64[np.ndarray, "microphones 3"],
    *,
    sample_rate: int,
    seconds: float,
) -> Float64[np.ndarray, "microphones time"]:
    """Responses of one shoebox room, shifted so that the strongest sample stands at 40 samples, and scaled to 1 there.

    Args:
        size: length, width and height, m.
        t60: time in which sound falls by 60 dB, s; walls absorb what Sabine's formula asks for.
        source: where it stands, m.
        microphones: where they stand, m.
        sample_rate: Hz.
        seconds: length of a response.

    Raises:
        ValueError: If no walls give so short a T60 in a room of that size.
    """
    absorption, reflections = pyroomacoustics.inverse_sabine(t60, size)
    room = pyroomacoustics.ShoeBox(
        size,
        fs=sample_rate,
        materials=pyroomacoustics.Material(absorption),
        max_order=min(reflections, MOST_REFLECTIONS),
        ray_tracing=True,
        air_absorption=True,
    )
    room.add_source(source)
    room.add_microphone_array(microphones.T)
    room.compute_rir()
    length = int(seconds * sample_rate)
    aligned = np.zeros((len(microphones), length))
    for row, (response,) in zip(aligned, room.rir):
        peak = int(np.argmax(np.abs(response)))
        part = np.concatenate([np.zeros(LEAD), response])[peak : peak + length]
        row[: len(part)] = part / response[peak]
    return aligned


def _can_be_built(size: np.ndarray, t60: float) -> bool:
    """Whether walls that absorb everything, or less, give that T60."""
    try:
        pyroomacoustics.inverse_sabine(t60, size)
    except ValueError:
        return False
    return True


def convolve(
    waveform: Float[Tensor, "batch time"], response: Float[Tensor, "batch taps"]
) -> Float[Tensor, "batch time"]:
    """Linear convolution, aligned to each response's strongest sample and cut to the length of the waveform.

    >>> import torch
    >>> late = torch.tensor([[0.0, 1.0, 0.5]])
    >>> convolve(torch.tensor([[1.0, 0.0, 0.0]]), late).round(decimals=4).abs()
    tensor([[1.0000, 0.5000, 0.0000]])
    """
    length, size = waveform.shape[-1], waveform.shape[-1] + response.shape[-1]
    product = torch.fft.rfft(waveform, n=size) * torch.fft.rfft(response, n=size)
    peak = response.abs().argmax(-1, keepdim=True)
    return torch.fft.irfft(product, n=size).gather(-1, peak + torch.arange(length, device=waveform.device))


def direct_path(
    response: Float[Tensor, "batch taps"], sample_rate: int = 16000, *, early_seconds: float = DIRECT_SECONDS
) -> Float[Tensor, "batch taps"]:
    """The direct sound of a response, with its early reflections if asked for; all else is set to 0.

    Args:
        response: one for each item.
        sample_rate: Hz.
        early_seconds: how long after the strongest sample the kept part ends; it starts 2.5 ms before it.
    """
    peak, before = response.abs().argmax(-1, keepdim=True), int(DIRECT_SECONDS * sample_rate)
    position = torch.arange(response.shape[-1], device=response.device)
    return response * ((position >= peak - before) & (position <= peak + int(early_seconds * sample_rate)))
