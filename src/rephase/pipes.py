"""Standard input and output in place of files: samples come and go as a stream, in bounded memory, in bounded time.

    ffmpeg -i talk.mp4 -f wav - | rephase enhance - -o - | ffmpeg -i - talk.ogg

What comes in is WAV, or raw samples of a kind that the user names; what goes out is of the same kind. Nothing is sought
and nothing but samples is written there.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from rephase.audio.checks import check_finite
from rephase.audio.files import AudioInfo, read_blocks
from rephase.audio.formats import FLOATS, AudioFormat
from rephase.audio.pcm import OF_WAV, PIPE, SAMPLE_TYPES, PcmFormat, Readable, read_pcm, read_wav_header, wav_header
from rephase.audio.results import PlannedTrack, Result, plan_result
from rephase.audio.writer import check_target
from rephase.batch import Settings
from rephase.enhancer import Enhancer, Report
from rephase.errors import AudioFileError, OutputError

BLOCKS_A_SECOND = 4  # at most so much is read at once


@runtime_checkable
class Writable(Protocol):
    """Where bytes go."""

    def write(self, content: bytes, /) -> int:
        """Takes bytes."""
        ...

    def flush(self) -> None:
        """Sends them off."""
        ...


class PipeWriter:
    """Writes samples to a stream: a `Result` that has no name.

    Args:
        stream: such as standard output.
        pcm: what is written.
        has_header: whether a WAV header comes first.
    """

    def __init__(self, stream: Writable, pcm: PcmFormat, has_header: bool) -> None:
        self._stream, self._pcm = stream, pcm
        self._header = wav_header(pcm) if has_header else b""

    @property
    def tracks(self) -> "Sequence[PipeWriter]":
        """What samples are written to: one track, this one."""
        return [self]

    def __enter__(self) -> "PipeWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._send(b"")  # the header at least

    def write(self, block: Float[np.ndarray, "channels time"]) -> None:
        """Writes the next samples and sends them off.

        Args:
            block: full scale ±1.
        """
        if block.shape[1]:
            self._send(self._pcm.encoded(block))

    def _send(self, content: bytes) -> None:
        content, self._header = self._header + content, b""
        self._stream.write(content)
        self._stream.flush()


def enhance_pipe(
    enhancer: Enhancer,
    source: Path,
    target: Path,
    settings: Settings,
    *,
    stdin: Readable,
    stdout: Writable,
    raw: PcmFormat | None = None,
    overwrite: bool = False,
) -> Report:
    """Enhances from a pipe, into a pipe, or both.

    Args:
        enhancer: the model.
        source: the recording; `-` is `stdin`.
        target: where the result goes; `-` is `stdout`.
        settings: of the run; `container` may be `wav` or `raw` for `stdout`.
        stdin: samples come from here.
        stdout: samples go here.
        raw: what comes from `stdin`, where it has no header.
        overwrite: whether an existing target may be replaced.

    Returns:
        What was done.

    Raises:
        AudioFileError: if what comes can't be read.
        OutputError: if the result can't be written.
        BrokenPipeError: if nobody reads `stdout` any more.
    """
    started = time.perf_counter()
    notices: list[str] = []
    lead = 0
    if source == PIPE:
        pcm, size = (raw, None) if raw is not None else read_wav_header(stdin)
        info = _described(pcm)
        most = max(1, pcm.sample_rate // BLOCKS_A_SECOND)
        blocks = _checked(info, read_pcm(stdin, pcm, size, most, notices=notices))
    else:
        plan = plan_result(source, Path("stdout.wav"), track=settings.track)
        info, lead = plan.tracks[0].info, plan.tracks[0].lead
        notices += plan.notices
        blocks = read_blocks(info, notices=notices)
    rate = settings.output_rate or info.sample_rate
    result: Result
    if target == PIPE:
        planned, result = _to_stdout(info, rate, lead, stdout, settings.container, raw)
    else:
        check_target(target, None, overwrite)
        plan = plan_result(
            source, target, output_rate=settings.output_rate, container=settings.container, tracks=[info]
        )
        planned, result = plan.tracks[0], plan.open(enhancer.made_by)
        notices += [planned.format.notice] if planned.format.notice else []
    written = 0
    with result:
        for block in enhancer.enhanced_track(
            planned, blocks, notices, strength=settings.strength, highband=settings.highband, part=settings.part
        ):
            result.tracks[0].write(block)
            written += block.shape[1]
        if not written:
            raise AudioFileError("no samples came through the pipe; -; look at what the program before it says")
    return Report(
        source=source,
        target=target,
        model=enhancer.model.name,
        audio_seconds=written / planned.sample_rate,
        compute_seconds=time.perf_counter() - started,
        notices=notices,
    )


def _described(pcm: PcmFormat) -> AudioInfo:
    return AudioInfo(PIPE, "WAV", SAMPLE_TYPES[pcm.sample].subtype, pcm.sample_rate, pcm.channels, 0)


def _checked(info: AudioInfo, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    done = 0
    for block in blocks:
        if info.subtype in FLOATS:
            check_finite(block, done, info.sample_rate, info.path)
        done += block.shape[1]
        yield block


def _to_stdout(
    info: AudioInfo, rate: int, lead: int, stdout: Writable, container: str | None, raw: PcmFormat | None
) -> tuple[PlannedTrack, PipeWriter]:
    if container not in (None, "wav", "raw"):
        raise OutputError(f"only WAV and raw samples go through a pipe; --format {container}; take wav or raw")
    has_header = container == "wav" or (container is None and raw is None)
    sample = raw.sample if raw is not None and not has_header else _nearest(info.subtype)
    planned = PlannedTrack(info, AudioFormat("WAV", SAMPLE_TYPES[sample].subtype), rate, lead)
    return planned, PipeWriter(stdout, PcmFormat(rate, info.channels, sample), has_header)


def _nearest(subtype: str) -> str:
    """The sample type of a WAV stream that keeps what a recording has."""
    exact = next((name for name, kind in OF_WAV.items() if kind.subtype == subtype), None)
    return exact or {"ALAC_20": "s24le", "ALAC_24": "s24le", "ALAC_32": "s32le"}.get(subtype, "s16le")
