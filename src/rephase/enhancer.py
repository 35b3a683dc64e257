"""The one object behind the command line, the library and everything that enhances: waveform in, waveform out.

A recording goes through as a stream, so memory doesn't grow with its length:

    recording ─┬─ resample down ─ level ─ chunks ─ model ─ level back ─ resample up ─┐
               └───────────────────── delay ───────── band above the model's ────────┴─ mix ─ out

Each box is a class of `rephase.audio`; `EnhanceStream` is the picture. What comes out lies, sample by sample, where the
recording lies, and doesn't depend on how it was cut into blocks.
"""

import functools
import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from rephase import __version__
from rephase.audio.ahead import read_ahead
from rephase.audio.files import AudioInfo, read_blocks
from rephase.audio.highband import BandJoin, HighBand, checked_highband
from rephase.audio.limiter import Limiter
from rephase.audio.part import Part, PartStream
from rephase.audio.resample import Resampler, resampled_length
from rephase.audio.results import PlannedTrack, plan_result
from rephase.audio.silence import SilenceKeeper
from rephase.audio.stages import Chain, Stage
from rephase.audio.waveform import checked_rate, checked_strength, checked_waveform
from rephase.audio.writer import check_target
from rephase.errors import ModelError
from rephase.runtimes.base import Runtime, choose_runtime
from rephase.runtimes.stream import ModelStream
from rephase.weights.registry import ModelFolder, find_model

log = logging.getLogger(__name__)

WIDENING_TASKS = {"bandwidth", "universal"}  # they restore what lies above a narrow recording's band

Progress = Callable[[float, float], None]  # seconds done, seconds in all


@dataclass(frozen=True)
class Report:
    """What was done with a file.

    Attributes:
        source: the recording.
        target: the result.
        model: name of the model.
        audio_seconds: duration of the recording.
        compute_seconds: time it took, with reading and writing.
        notices: what the user should know, one line each.
    """

    source: Path
    target: Path
    model: str
    audio_seconds: float
    compute_seconds: float
    notices: list[str] = field(default_factory=list)

    @property
    def rtf(self) -> float:
        """Compute time / audio time."""
        return self.compute_seconds / self.audio_seconds


class EnhanceStream:
    """Enhances a recording of any length, block by block.

    Args:
        runtime: the model, ready to run.
        model: what it is.
        sample_rate: of the recording, Hz.
        channels: rows of every block.
        strength: 0 (the recording itself, bit for bit) to 1 (fully enhanced).
        highband: what becomes of the band above the model's: `follow`, `keep` or `drop`.
        dtype: float32 or float64, of every block.
    """

    def __init__(
        self,
        runtime: Runtime,
        model: ModelFolder,
        *,
        sample_rate: int,
        channels: int,
        strength: float = 1.0,
        highband: HighBand = "follow",
        dtype: np.typing.DTypeLike = np.float32,
    ) -> None:
        self._strength = strength
        self._dtype = np.dtype(dtype)
        self._channels = channels
        self._down = Resampler(sample_rate, model.sample_rate, channels, dtype)
        self._model = ModelStream(runtime, model, channels)
        self._join = BandJoin(model.sample_rate, sample_rate, channels, highband, dtype)
        self._silence = SilenceKeeper(sample_rate, channels)

    def push(self, block: Float[np.ndarray, "channels time"]) -> Float[np.ndarray, "channels out"]:
        """Takes the next samples.

        Args:
            block: full scale ±1, of the stream's type.

        Returns:
            What is ready, about a chunk later.
        """
        block = np.array(block, self._dtype, order="C")  # a copy, it waits while the caller may fill the array anew
        if self._strength == 0:
            return block
        low = self._model.push(self._down.push(block).astype(np.float32, copy=False))
        return self._mixed(*self._join.push(block, low))

    def flush(self) -> Float[np.ndarray, "channels out"]:
        """Ends the stream.

        Returns:
            The rest: all told as many samples as went in.
        """
        if self._strength == 0:
            return np.zeros((self._channels, 0), self._dtype)
        return self._mixed(*self._join.finish(self._model.finish(self._down.flush().astype(np.float32, copy=False))))

    def _mixed(self, dry: np.ndarray, wet: np.ndarray) -> np.ndarray:
        wet = self._silence.push(dry, wet)
        return wet if self._strength == 1 else dry + self._strength * (wet - dry)


class Enhancer:
    """A model that is ready to enhance waveforms and files; several threads may use it at once.

    Args:
        runtime: the model, ready to run.
        model: what it is.

    Example:
        enhancer = Enhancer.from_pretrained("renet-lite")
        enhancer.enhance_file("talk.wav", "talk.enhanced.wav")
    """

    def __init__(self, runtime: Runtime, model: ModelFolder) -> None:
        self.runtime = runtime
        self.model = model

    @property
    def made_by(self) -> str:
        """What a result's tags say about its making."""
        return f"rephase {__version__} {self.model.name}"

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | os.PathLike[str] = "renet-lite",
        runtime: str = "auto",
        device: str = "auto",
        *,
        threads: int | None = None,
    ) -> "Enhancer":
        """Loads a model with its weights.

        Args:
            name_or_folder: a bundled model's name, or a model's folder.
            runtime: `auto`, `onnx` or `torch`; `auto` is ONNX Runtime, or torch for a GPU or a model without graph.
            device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
            threads: of one call on the CPU in ONNX Runtime; as many as there are cores by default.

        Returns:
            The enhancer.

        Raises:
            ModelError: if there is no such model, its weights are missing or damaged, or the runtime is not installed.
            ValueError: if `runtime` or `device` is unknown, or they don't go together.
        """
        folder = find_model(name_or_folder)
        return cls(_started(folder, runtime, device, threads), folder)

    def enhance(
        self,
        waveform: Shaped[np.ndarray, "..."],
        sample_rate: int,
        *,
        strength: float = 1.0,
        highband: str = "follow",
    ) -> Float[np.ndarray, "..."]:
        """Enhances a waveform.

        Args:
            waveform: `[time]` or `[channels, time]`, floats, full scale ±1.
            sample_rate: of the waveform, 4,000 Hz or more.
            strength: 0 (the waveform itself, bit for bit) to 1 (fully enhanced).
            highband: what becomes of the band above the model's: `follow` (turned down as the model turns down the band
                just below), `keep` or `drop`.

        Returns:
            Shape, type, rate and loudness of the input.

        Raises:
            ValueError: if an argument is not what it must be.
        """
        block = checked_waveform(waveform)
        rate = checked_rate(sample_rate)
        stream = self._stream(rate, len(block), block.dtype, strength, highband)
        pieces = (block[:, start : start + rate] for start in range(0, block.shape[1], rate))
        enhanced = np.concatenate(list(_through(stream, pieces)), axis=1)
        return enhanced.reshape(waveform.shape).astype(waveform.dtype, copy=False)

    def enhance_file(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        *,
        strength: float = 1.0,
        highband: str = "follow",
        output_rate: int | None = None,
        track: int | None = None,
        container: str | None = None,
        part: Part | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
        before_naming: Callable[[Path], None] | None = None,
    ) -> Report:
        """Enhances a file; container, sample format, rate, channels and length stay where the target's name allows it.

        Of a video or another media file (extra `media`) all audio tracks are enhanced; its picture, subtitles, chapters
        and tags go along untouched where the target's container holds them.

        Args:
            source: the recording.
            target: where the result goes; its extension names the container. It appears when it is complete, or not at
                all.
            strength: 0 (the recording itself) to 1 (fully enhanced).
            highband: what becomes of the band above the model's: `follow`, `keep` or `drop`.
            output_rate: sample rate of the result, Hz; the recording's own by default.
            track: number of the one audio track that is enhanced, from 1; all of them by default.
            container: an extension without its dot that names the container in place of the target's.
            part: what is enhanced; the rest stays bit for bit in lossless formats. All of it by default.
            overwrite: whether an existing target may be replaced; never by itself.
            progress: called with the seconds done and the seconds in all, now and then.
            before_naming: called with the complete result's temporary path, before it gets its name.

        Returns:
            What was done.

        Raises:
            AudioFileError: if the recording can't be read.
            OutputError: if the result can't be written.
            ModelError: if the model fails.
            ValueError: if an argument is not what it must be.
        """
        started = time.perf_counter()
        source, target = Path(source), Path(target)
        if output_rate is not None:
            output_rate = checked_rate(
                output_rate, "output_rate (--output-rate)", "Leave it out to keep the recording's rate"
            )
        checked_strength(strength), checked_highband(highband)
        check_target(target, source, overwrite)
        plan = plan_result(source, target, output_rate=output_rate, track=track, container=container)
        clock = _Clock([planned.info.seconds for planned in plan.tracks], progress)
        notices: list[str] = []
        with plan.open(self.made_by, before_naming) as result:
            for planned, sink in zip(plan.tracks, result.tracks):
                with read_ahead(read_blocks(planned.info, notices=notices)) as blocks:
                    for block in self.enhanced_track(
                        planned, blocks, notices, strength=strength, highband=highband, part=part
                    ):
                        sink.write(block)
                        clock.tell(block.shape[1], planned.sample_rate)
                clock.next_track(planned.info.seconds)
        notices = [planned.format.notice for planned in plan.tracks if planned.format.notice] + plan.notices + notices
        if output_rate is None and strength > 0:
            notices += self._width_hint(plan.tracks[0].sample_rate)
        return Report(
            source=source,
            target=target,
            model=self.model.name,
            audio_seconds=clock.longest,
            compute_seconds=time.perf_counter() - started,
            notices=list(dict.fromkeys(notices)),
        )

    def enhanced_track(
        self,
        planned: PlannedTrack,
        blocks: Iterable[Float[np.ndarray, "channels _"]],
        notices: list[str],
        *,
        strength: float = 1.0,
        highband: str = "follow",
        part: Part | None = None,
    ) -> Iterator[Float[np.ndarray, "channels _"]]:
        """Enhances one track, block by block, up to what its sink takes.

        Args:
            planned: the track and how it is written.
            blocks: its samples, of the type `planned.info.dtype`.
            notices: gets what the user should know, at the track's end.
            strength: 0 (the recording itself) to 1 (fully enhanced).
            highband: what becomes of the band above the model's: `follow`, `keep` or `drop`.
            part: what is enhanced, on the clock of the whole file; all of it by default.

        Yields:
            Samples at the result's rate, about a chunk later.
        """
        info, rate = planned.info, planned.sample_rate
        # A wider result is enhanced at its own rate, so that what the model restores has room in it.
        work_rate = max(info.sample_rate, rate)
        top = planned.format.top
        limiters = [] if planned.format.has_headroom else [Limiter(rate, info.channels, top, info.dtype)]
        own_part = None if part is None else part_of_track(part, planned)
        model: list[Stage] = []
        if part is None or own_part is not None:
            model = [self._stream(work_rate, info.channels, info.dtype, strength, highband)]
        if own_part is not None:
            # Limited within the part, so that no sample outside it is touched.
            inner = [Limiter(work_rate, info.channels, top, info.dtype) for _ in limiters]
            limiters += inner
            model = [PartStream(Chain([*model, *inner]), own_part, work_rate, info.channels, info.dtype)]
        stages: list[Stage] = [
            Resampler(info.sample_rate, work_rate, info.channels, info.dtype),
            *model,
            Resampler(work_rate, rate, info.channels, info.dtype),
            *limiters[:1],
        ]
        lead = np.zeros((info.channels, planned.lead), info.dtype)
        blocks = itertools.chain([lead] if planned.lead else [], blocks)
        written = 0
        for block in _through(Chain(stages), blocks):
            written += block.shape[1]
            yield block
        if own_part is not None and written:
            own_part.within(written / rate, info.path)  # where no length is stated, it is known only now
        written -= resampled_length(planned.lead, info.sample_rate, rate)
        notices += self._notices(planned, written, sum(stage.limited for stage in limiters))
        notices += _rest_hint(planned) if part is not None else []

    def _stream(self, rate: int, channels: int, dtype: np.dtype, strength: float, highband: str) -> EnhanceStream:
        return EnhanceStream(
            self.runtime,
            self.model,
            sample_rate=rate,
            channels=channels,
            strength=checked_strength(strength),
            highband=checked_highband(highband),
            dtype=dtype,
        )

    def _notices(self, planned: PlannedTrack, written: int, limited: int) -> list[str]:
        info, rate = planned.info, planned.sample_rate
        notices = []
        if limited:
            notices.append(
                f"{limited} samples would have clipped: the level is lower for some milliseconds around them"
            )
        if written < resampled_length(_promised(info), info.sample_rate, rate):
            said, got = info.stated_seconds, written / rate
            notices.append(f"the file says it holds {said:.3f} s, but {got:.3f} s could be read")
        return notices

    def _width_hint(self, rate: int) -> list[str]:
        """What to do where the recording is narrower than what the model can restore."""
        if rate >= self.model.sample_rate or self.model.task not in WIDENING_TASKS:
            return []
        return [
            f"{self.model.name} restores up to {self.model.sample_rate // 2} Hz, a result at {rate} Hz ends at "
            f"{rate // 2} Hz; to keep all that the model gives: --output-rate {self.model.sample_rate}"
        ]


def enhance(
    waveform: Shaped[np.ndarray, "..."],
    sample_rate: int,
    *,
    model: str | os.PathLike[str] = "renet-lite",
    strength: float = 1.0,
    highband: str = "follow",
    runtime: str = "auto",
    device: str = "auto",
) -> Float[np.ndarray, "..."]:
    """Enhances a waveform; the model is loaded once and kept for the next call, as long as its description stays.

    Args:
        waveform: `[time]` or `[channels, time]`, floats, full scale ±1.
        sample_rate: of the waveform, 4,000 Hz or more.
        model: a bundled model's name, or a model's folder.
        strength: 0 (the waveform itself, bit for bit) to 1 (fully enhanced).
        highband: what becomes of the band above the model's: `follow`, `keep` or `drop`.
        runtime: `auto`, `onnx` or `torch`.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.

    Returns:
        Shape, type, rate and loudness of the input.

    Raises:
        ValueError: if an argument is not what it must be.
        ModelError: if the model can't be loaded or run.
    """
    return _kept_enhancer(find_model(model), runtime, device).enhance(
        waveform, sample_rate, strength=strength, highband=highband
    )


@functools.lru_cache(maxsize=1)
def _kept_enhancer(folder: ModelFolder, runtime: str, device: str) -> Enhancer:
    """Equal descriptions, with the SHA-256 of the weights in them, are one model, wherever a path leads by now."""
    return Enhancer(_started(folder, runtime, device), folder)


def _started(folder: ModelFolder, runtime: str, device: str, threads: int | None = None) -> Runtime:
    """Starts the runtime that serves the request; only the one that is needed is imported."""
    from rephase.runtimes import onnx

    has_graph = not folder.has_weights or onnx.GRAPH in folder.files
    if choose_runtime(runtime, device, has_graph=has_graph, onnx_has_cuda=onnx.has_cuda()) == "onnx":
        return onnx.OnnxRuntime(folder, device, threads)
    try:
        from rephase.runtimes.torch import TorchRuntime
    except ModuleNotFoundError as error:
        raise ModelError(
            f"runtime torch needs the package {error.name}, which is not installed; model {folder.name}; "
            f"install it (pip install 'rephase[torch]'), or take runtime onnx and device cpu"
        ) from error
    return TorchRuntime(folder, device)


class _Clock:
    """Tells progress in seconds of the recording, of which every track is a part."""

    def __init__(self, seconds: list[float], progress: Progress | None) -> None:
        self._all, self._recording = sum(seconds), max(seconds)
        self._progress = progress
        self._before = 0.0  # seconds of the tracks that are done
        self._samples = 0
        self.longest = 0.0

    def tell(self, samples: int, rate: int) -> None:
        self._samples += samples
        seconds = self._samples / rate
        self.longest = max(self.longest, seconds)
        if self._progress is not None:
            done = self._before + seconds
            if self._all:
                done = min(done / self._all, 1.0) * self._recording
            self._progress(done, self._recording)

    def next_track(self, seconds: float) -> None:
        self._before += seconds
        self._samples = 0


def _promised(info: AudioInfo) -> int:
    """Samples that must be there for nothing to be said: many media files name their length in round figures."""
    if info.media is None:
        return info.frames + info.cut_off
    return round(0.98 * info.frames - 0.5 * info.sample_rate) if info.media.exact else 0


def part_of_track(part: Part, planned: PlannedTrack) -> Part | None:
    """A part on the clock of a track, which in a video may begin later than the picture.

    Args:
        part: on the clock of the whole file.
        planned: the track.

    Returns:
        The part; None where it ends before the track begins.

    Raises:
        ValueError: if it begins beyond the track's end, where the file says how long that is.
    """
    info = planned.info
    late = 0.0 if info.media is None else float(info.media.start - info.media.origin)
    if info.says_length:
        part = part.within(info.seconds + late, info.path)
    if planned.lead:  # silence holds the track's place
        return part
    if part.end is not None and part.end <= late:
        return None
    return Part(max(0.0, part.start - late), None if part.end is None else part.end - late)


def _rest_hint(planned: PlannedTrack) -> list[str]:
    """What becomes of the rest where only a part is enhanced and the rest doesn't stay bit for bit."""
    if planned.format.lossy_codec:
        return [f"the rest is not enhanced, but encoded again: {planned.format.lossy_codec} is lossy"]
    if planned.sample_rate != planned.info.sample_rate:
        return [f"the rest is not enhanced, but converted from {planned.info.sample_rate} to {planned.sample_rate} Hz"]
    return []


def _through(stage: Stage, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Sends a stream of blocks through a stage."""
    for block in blocks:
        yield stage.push(block)
    yield stage.flush()
