"""Simulated rooms, one at a time: image sources and ray tracing of pyroomacoustics, without torch."""

import numpy as np
from jaxtyping import Float, Float64

LEAD = 40  # samples before the direct sound: 2.5 ms at 16 kHz
NEAR = 8  # samples from where the direct sound must be to where it is
MOST_REFLECTIONS = 12  # of image sources; rays do the rest
T60_SECONDS = (0.15, 0.7)


def random_room(
    random: np.random.Generator, *, microphones: int, sample_rate: int, seconds: float = 0.6
) -> tuple[Float64[np.ndarray, "microphones time"], float]:
    """The responses of a random shoebox room of 3–9 × 3–7 × 2.4–3.6 m with T60 0.15–0.7 s.

    Source and microphones stand at random, at least 0.4 m from the walls, the microphones as far from the source.

    Args:
        random: of the room, the places in it and the rays.
        microphones: how many.
        sample_rate: Hz.
        seconds: length of a response.

    Returns:
        One response for each microphone, and the T60 in seconds that the walls were made for.
    """
    while True:
        size = random.uniform([3.0, 3.0, 2.4], [9.0, 7.0, 3.6])
        t60 = random.uniform(*T60_SECONDS)
        if not _can_be_built(size, t60):
            continue
        source, *places = random.uniform(0.4, size - 0.4, size=(microphones + 1, 3))
        if min(np.linalg.norm(source - place) for place in places) >= 0.4:
            break
    responses = room_responses(
        size, t60, source, np.stack(places), sample_rate=sample_rate, seconds=seconds, seed=int(random.integers(2**31))
    )
    return responses, float(t60)


def room_responses(
    size: Float64[np.ndarray, " 3"],
    t60: float,
    source: Float64[np.ndarray, " 3"],
    microphones: Float64[np.ndarray, "microphones 3"],
    *,
    sample_rate: int,
    seconds: float,
    seed: int = 0,
) -> Float64[np.ndarray, "microphones time"]:
    """Responses of one shoebox room, shifted so that the direct sound stands at 40 samples, and scaled to 1 there.

    The direct sound is where the distance says, even if a reflection is stronger, as where those of several walls meet.

    Args:
        size: length, width and height, m.
        t60: time in which sound falls by 60 dB, s; walls absorb what Sabine's formula asks for.
        source: where it stands, m.
        microphones: where they stand, m.
        sample_rate: Hz.
        seconds: length of a response.
        seed: of the rays.

    Raises:
        ValueError: If no walls give so short a T60 in a room of that size.
    """
    import pyroomacoustics

    pyroomacoustics.random.seed(seed)
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
    centre = pyroomacoustics.constants.get("frac_delay_length") // 2  # each arrival is that late, for its filter's sake
    distances = np.linalg.norm(microphones - source, axis=1)
    for row, (response,), distance in zip(aligned, room.rir, distances):
        place = strongest_from(response, round(centre + distance / room.c * sample_rate) - NEAR, 2 * NEAR + 1)
        part = np.concatenate([np.zeros(LEAD), response])[place : place + length]
        row[: len(part)] = part / response[place]
    return aligned


def strongest_from(response: Float[np.ndarray, " time"], first: int, count: int) -> int:
    """Where the strongest of `count` samples stands, from `first` on."""
    first = max(first, 0)
    return first + int(np.argmax(np.abs(response[first : first + count])))


def _can_be_built(size: np.ndarray, t60: float) -> bool:
    """Whether walls that absorb everything, or less, give that T60."""
    import pyroomacoustics

    try:
        pyroomacoustics.inverse_sabine(t60, size)
    except ValueError:
        return False
    return True


def numbered_room(
    number: int, *, microphones: int, sample_rate: int, seconds: float, seed: int
) -> Float64[np.ndarray, "microphones time"]:
    """The responses of one room of many, whoever simulates it.

    Args:
        number: of the room.
        microphones: how many.
        sample_rate: Hz.
        seconds: length of a response.
        seed: of all rooms.
    """
    random = np.random.default_rng((seed, number))
    return random_room(random, microphones=microphones, sample_rate=sample_rate, seconds=seconds)[0]
