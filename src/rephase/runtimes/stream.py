"""A runtime as a stream: the part of the way that runs at the model's sample rate and level, chunk by chunk."""

import numpy as np
from jaxtyping import Float, Float32

from rephase.audio.fifo import SampleQueue
from rephase.audio.highband import ModelBlock
from rephase.audio.levels import LevelStream
from rephase.audio.overlap import ChunkStream
from rephase.errors import ModelError
from rephase.runtimes.base import Runtime
from rephase.weights.registry import ModelFolder

# Cross-fade of two chunks. Those of a local model are equal there. Others give each call a level of its own, up to 6 dB
# apart where a shout is in one and not in the other; over half a second one level slides into the next, unheard.
FADE_HOPS = 4
LONG_FADE_SECONDS = 0.5
# Channels in one call: on the CPU more than one is no faster (measured: 5.9 s against 6.2 s of CPU time for a minute of
# stereo with renet-lite) and takes its memory (420 against 630 MB).
ON_CPU, ON_GPU = 1, 4


class ModelStream:
    """Brings a stream to the model's level and through the model.

    Args:
        runtime: the model, ready to run.
        model: what it is.
        channels: rows of every block, items of one batch.
    """

    def __init__(self, runtime: Runtime, model: ModelFolder, channels: int) -> None:
        self._runtime = runtime
        fade = FADE_HOPS * model.hop_length
        self._level = LevelStream(model.sample_rate, channels)
        self._chunks = ChunkStream(
            self._call,
            channels,
            hop=model.hop_length,
            past=model.past_samples,
            future=model.future_samples,
            chunk=model.chunk_samples,
            fade=fade if model.is_local else max(fade, round(LONG_FADE_SECONDS * model.sample_rate)),
        )
        self._before = SampleQueue(channels)
        self._gain = SampleQueue(channels, np.float64)

    def push(self, block: Float[np.ndarray, "channels time"]) -> ModelBlock:
        """Takes the next samples.

        Args:
            block: at the model's rate and the recording's level.

        Returns:
            What is ready, about a chunk later.
        """
        levelled, gain = self._level.push(block)
        return self._aligned(levelled, gain, self._chunks.push(levelled))

    def finish(self, block: Float[np.ndarray, "channels time"]) -> ModelBlock:
        """Takes the last samples.

        Args:
            block: as for `push`.

        Returns:
            The rest.
        """
        start, start_gain = self._level.push(block)
        rest, rest_gain = self._level.flush()
        levelled = np.concatenate([start, rest], axis=1)
        after = np.concatenate([self._chunks.push(levelled), self._chunks.flush()], axis=1)
        return self._aligned(levelled, np.concatenate([start_gain, rest_gain], axis=1), after)

    def _aligned(self, levelled: np.ndarray, gain: np.ndarray, after: np.ndarray) -> ModelBlock:
        self._before.append(levelled)
        self._gain.append(gain)
        count = after.shape[1]
        return ModelBlock(before=self._before.take(count), after=after, gain=self._gain.take(count))

    def _call(self, waveform: Float32[np.ndarray, "channels time"]) -> Float32[np.ndarray, "channels time"]:
        size = ON_CPU if self._runtime.device == "cpu" else ON_GPU
        groups = range(0, len(waveform), size)
        enhanced = np.concatenate([self._runtime(waveform[i : i + size]) for i in groups])
        if enhanced.shape != waveform.shape:
            raise ModelError(
                f"the model made {enhanced.shape} of the shape {waveform.shape}; it must keep it; export it again"
            )
        if not np.isfinite(enhanced).all():
            raise ModelError("the model gave NaN or infinity; its weights are damaged; install the model again")
        return enhanced
