"""A stream goes through a model in chunks that are joined without a seam.

A model whose output depends on at most `past` samples before and `future` samples after gives, on a piece of a
recording, the very output that it gives on the whole, except near the piece's ends. So each chunk is called with
context:

    call i      [ i·C − past  …  i·C ──────────────── (i+1)·C + F … + future )
    exact there              [ i·C ─────────────── (i+1)·C + F )
    call i+1                        [ … past …   (i+1)·C ────────────────── … )

and over the F samples in which two exact parts overlap, one is faded into the other, linearly: equal signals stay
equal, and models that are only nearly local join without a step. C and `past` are multiples of the hop, so that the
frames inside every call lie where they lie in a call on the whole.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from rephase.audio.fifo import SampleQueue

Model = Callable[[np.ndarray], np.ndarray]


def round_up(value: int, multiple: int) -> int:
    """Smallest multiple of `multiple` that is at least `value`.

    Args:
        value: at least 0.
        multiple: at least 1.

    Returns:
        The multiple.

    Example:
        >>> round_up(1000, 256)
        1024
    """
    return -(-value // multiple) * multiple


class ChunkStream:
    """Runs a model over a stream, chunk by chunk.

    Args:
        model: `[channels, time]` float32 in, the same shape out.
        channels: rows of every block.
        hop: chunks start on multiples of it, samples.
        past: how far back an output sample depends on the input, samples.
        future: how far ahead, samples.
        chunk: new samples a call, rounded up to a multiple of `hop`.
        fade: length of the cross-fade, samples, less than `chunk`.
    """

    def __init__(self, model: Model, channels: int, *, hop: int, past: int, future: int, chunk: int, fade: int) -> None:
        self._model = model
        self._past = round_up(past, hop)
        self._chunk = round_up(max(chunk, fade + 1), hop)
        self._call = self._chunk + fade + future  # from a chunk's start to the end of its call
        self._rise = (np.arange(fade, dtype=np.float32) + 0.5) / max(fade, 1)
        self._context = np.zeros((channels, 0), np.float32)  # what came before the chunk
        self._tail = np.zeros((channels, 0), np.float32)  # what the call before gave for the chunk's first samples
        self._waiting = SampleQueue(channels)

    def push(self, block: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, "channels out"]:
        """Takes the next samples.

        Args:
            block: float32 samples.

        Returns:
            The model's output for all chunks that are complete by now.
        """
        self._waiting.append(block)
        parts = [self._tail[:, :0]]
        # The last call takes all that is left: one chunk and its future, or less.
        while len(self._waiting) > self._call:
            start = self._waiting.take(self._call)
            out = self._joined(start, self._chunk + self._rise.size)
            parts.append(out[:, : self._chunk])
            self._tail = out[:, self._chunk :]
            rest = self._waiting.take()
            self._context = self._before(start[:, : self._chunk])
            self._waiting.append(start[:, self._chunk :])
            self._waiting.append(rest)
        return np.concatenate(parts, axis=1)

    def flush(self) -> Float[np.ndarray, "channels out"]:
        """Ends the stream.

        Returns:
            The model's output for the rest.
        """
        rest = self._waiting.take()
        return self._joined(rest, rest.shape[1]) if rest.shape[1] else rest

    def _joined(self, chunk: np.ndarray, length: int) -> np.ndarray:
        """Calls the model on context and chunk; its output from the chunk's start, faded in over the tail before."""
        first = self._context.shape[1]
        out = self._model(np.concatenate([self._context, chunk], axis=1))[:, first : first + length].copy()
        faded = self._tail.shape[1]
        out[:, :faded] = self._tail + (out[:, :faded] - self._tail) * self._rise[:faded]
        return out

    def _before(self, chunk: np.ndarray) -> np.ndarray:
        kept = np.concatenate([self._context, chunk], axis=1)
        return kept[:, max(0, kept.shape[1] - self._past) :].copy()
