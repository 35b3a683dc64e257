"""Who trains, who chooses the checkpoint and who is for reporting, where a corpus doesn't say."""

import hashlib
from collections.abc import Collection


def seeded_splits(groups: Collection[str], *, valid: float, test: float, seed: int) -> dict[str, str]:
    """Splits speakers, or whatever must not be torn apart, by shares.

    A hash of its name and the seed places each group, so that a corpus that grows keeps its splits: nobody who was
    held out comes to train. Of two or more groups one at least is of `valid`, and of `test` if its share is not 0, as
    far as one is left to train.

    Args:
        groups: names.
        valid: share of the groups, 0 to 1.
        test: share of the groups, 0 to 1.
        seed: another one gives other splits.

    Returns:
        `train`, `valid` or `test` by name.

    Raises:
        ValueError: If a share is negative, or they leave nothing to train.
    """
    if valid < 0 or test < 0 or valid + test >= 1:
        raise ValueError(f"shares must be 0 or more and leave some to train; got valid {valid:g} and test {test:g}")
    places = {name: _place(name, seed) for name in groups}
    splits = {
        name: "valid" if place < valid else "test" if place >= 1 - test else "train" for name, place in places.items()
    }
    inner = sorted((name for name, split in splits.items() if split == "train"), key=lambda name: places[name])
    if valid and "valid" not in splits.values() and len(inner) > 1:
        splits[inner.pop(0)] = "valid"
    if test and "test" not in splits.values() and len(inner) > 1:
        splits[inner.pop()] = "test"
    return splits


def _place(name: str, seed: int) -> float:
    """A number from 0 to 1, evenly spread."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()[:8]) / 2**64
