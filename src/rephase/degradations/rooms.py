"""Reverberation by simulated rooms (image sources and ray tracing of pyroomacoustics), from a bank made once."""

import logging
from pathlib import Path

import numpy as np
import pyroomacoustics
import torch
from jaxtyping import Float
from torch import Tensor

logger = logging.getLogger(__name__)
DIRECT_SECONDS = 0.0025


def simulate_bank(
    target: Path, *, rooms: int, sample_rate: int = 16000, seconds: float = 0.6, seed: int = 0
) -> Float[Tensor, "responses time"]:
    """Responses of random shoebox rooms, each with its strongest sample at 40 samples and of height 1.

    Rooms are 3–9 × 3–7 × 2.4–3.6 m with T60 0.15–0.7 s; source and microphone stand at random, at least 0.4 m from
    the walls and from each other, three microphones a room. Opens `target` (.npy) if it stands there already.

    Args:
        target: path of the array.
        rooms: number of rooms; three responses each.
        sample_rate: Hz.
        seconds: length of a response.
        seed: of the rooms.
    """
    if not target.exists():
        random, lead, length = np.random.default_rng(seed), 40, int(seconds * sample_rate)
        responses: list[np.ndarray] = []
        while len(responses) < 3 * rooms:
            size = random.uniform([3.0, 3.0, 2.4], [9.0, 7.0, 3.6])
            try:
                absorption, order = pyroomacoustics.inverse_sabine(random.uniform(0.15, 0.7), size)
            except ValueError:  # too large a room for so short a T60
                continue
            room = pyroomacoustics.ShoeBox(
                size, fs=sample_rate, materials=pyroomacoustics.Material(absorption), max_order=min(order, 12),
                ray_tracing=True, air_absorption=True,
            )  # fmt: skip
            source, *microphones = random.uniform(0.4, size - 0.4, size=(4, 3))
            if min(np.linalg.norm(source - place) for place in microphones) < 0.4:
                continue
            room.add_source(source)
            room.add_microphone_array(np.stack(microphones, axis=1))
            room.compute_rir()
            for (response,) in room.rir:
                peak = int(np.argmax(np.abs(response)))
                aligned = np.concatenate([np.zeros(lead), response])[peak : peak + length]
                responses.append(np.pad(aligned, (0, length - len(aligned))) / response[peak])
        target.parent.mkdir(parents=True, exist_ok=True)
        np.save(target, np.stack(responses).astype(np.float32))
        logger.info("simulated %d room responses into %s", len(responses), target)
    return torch.from_numpy(np.load(target))


def convolve(
    waveform: Float[Tensor, "batch time"], response: Float[Tensor, "batch taps"]
) -> Float[Tensor, "batch time"]:
    """Linear convolution, aligned to the response's strongest sample, cut to the length of the waveform."""
    length, size = waveform.shape[-1], waveform.shape[-1] + response.shape[-1]
    peak = int(response[0].abs().argmax())
    product = torch.fft.rfft(waveform, n=size) * torch.fft.rfft(response, n=size)
    return torch.fft.irfft(product, n=size)[..., peak : peak + length]


def direct_path(response: Float[Tensor, "batch taps"], sample_rate: int = 16000) -> Float[Tensor, "batch taps"]:
    """The response with everything beyond 2.5 ms either side of its strongest sample set to 0."""
    peak, reach = int(response[0].abs().argmax()), int(DIRECT_SECONDS * sample_rate)
    position = torch.arange(response.shape[-1])
    return response * ((position >= peak - reach) & (position <= peak + reach))
