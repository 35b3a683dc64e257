"""All inputs, in an order that a seed decides, so that any first part of them is a fair sample."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

import odd
from damage import DAMAGES
from kinds import formats

SEED = 20250
ROUNDS = 4  # of every damage to every format


@dataclass(frozen=True)
class Case:
    """An input.

    Attributes:
        group: a row of the table.
        name: what it is, for the reader.
        suffix: of its name.
        content: of the file.
    """

    group: str
    name: str
    suffix: str
    content: bytes


def cases(seed: int = SEED, rounds: int = ROUNDS) -> list[Case]:
    """Makes all inputs; the same seed makes the same ones, but for times and serial numbers that encoders write.

    Args:
        seed: of damages and order.
        rounds: of every damage to every format.
    """
    rng = random.Random(seed)
    made = list(_all(rng, rounds))
    rng.shuffle(made)
    return made


def _all(rng: random.Random, rounds: int) -> Iterator[Case]:
    whole = {made: made.file() for made in formats()}
    for made, content in whole.items():
        yield Case("whole", made.name, made.suffix, content)
    for (made, content), (group, damage), _ in itertools.product(whole.items(), DAMAGES.items(), range(rounds)):
        yield Case(group, made.name, made.suffix, damage(content, rng))
    for made, content in whole.items():
        other = rng.choice(list(whole.values()))
        cut = rng.randrange(len(content))
        yield Case("two files in one", made.name, made.suffix, content[:cut] + other)
    for group, source in (("odd samples", odd.waveforms), ("no audio", odd.no_audio), ("claims a year", odd.claims)):
        for name, suffix, content in source():
            yield Case(group, name, suffix, content)
