"""What the steps of a recording's way have in common: blocks in, blocks out."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float


@runtime_checkable
class Stage(Protocol):
    """A step of the way: blocks in, blocks out, at any delay."""

    def push(self, block: np.ndarray) -> np.ndarray:
        """Takes the next samples and returns what is ready."""
        ...

    def flush(self) -> np.ndarray:
        """Ends the stream and returns the rest."""
        ...


class Chain:
    """Stages one after another, as one.

    Args:
        stages: at least one.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._stages = stages

    def push(self, block: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, "channels out"]:
        """Takes the next samples.

        Args:
            block: of the stream.

        Returns:
            What has come through all stages.
        """
        for stage in self._stages:
            block = stage.push(block)
        return block

    def flush(self) -> Float[np.ndarray, "channels out"]:
        """Ends the stream.

        Returns:
            The rest.
        """
        first, *others = self._stages
        rest = first.flush()
        for stage in others:
            rest = np.concatenate([stage.push(rest), stage.flush()], axis=1)
        return rest
