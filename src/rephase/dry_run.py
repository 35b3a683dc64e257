"""What a run would do, how long it would take and how large its results would be, without a trace on the disk.

Time and size are measured, not looked up: the first seconds of a recording go the whole way in memory (decoding, the
model, encoding), as many at a time as the run would have. The rest follows by proportion, a result of `n` samples being

    size(n) = size(0) + (size(m) − size(0)) n / m       of an excerpt of m samples

which is exact where every sample takes the same room, and as good as the excerpt is typical where it doesn't.
"""

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import soundfile
from jaxtyping import Float

from rephase.audio.files import AudioInfo, read_blocks, tags_of
from rephase.audio.formats import AudioFormat
from rephase.audio.part import HEARD_AFTER_SECONDS, HEARD_BEFORE_SECONDS
from rephase.audio.resample import Resampler, resampled_length
from rephase.audio.results import PlannedTrack, ResultPlan, TrackFormat, plan_result
from rephase.audio.tags import write_tags
from rephase.audio.waveform import checked_rate
from rephase.audio.writer import check_target
from rephase.batch import Settings, Status
from rephase.enhancer import Enhancer, part_of_track
from rephase.ledger import Job, Ledger, LedgerBeside

LONGEST_EXCERPT = 10.0  # s
WARM_UP = 0.5  # s
Kind = tuple[str, int, int, float | None]  # container and codec, channels, Hz, compression level


@dataclass(frozen=True)
class Plan:
    """What would become of a job.

    Attributes:
        job: the job.
        status: `enhanced`, `skipped` (done before), or `failed`.
        error: of a failed one.
        info: the recording.
        format: of the result.
        sample_rate: of the result, Hz.
        seconds: that it would take on this machine, beside the others of the run.
        bytes: size of the result.
    """

    job: Job
    status: Status
    error: Exception | None = None
    info: AudioInfo | None = None
    format: TrackFormat | None = None
    sample_rate: int = 0
    seconds: float = 0.0
    bytes: int = 0


@dataclass(frozen=True)
class _Work:
    """A job that would be done."""

    job: Job
    result: ResultPlan

    @property
    def info(self) -> AudioInfo:
        """The first track."""
        return self.result.tracks[0].info

    @property
    def format(self) -> TrackFormat:
        """Of the first track's result."""
        return self.result.tracks[0].format

    @property
    def sample_rate(self) -> int:
        """Of the first track's result, Hz."""
        return self.result.tracks[0].sample_rate

    @property
    def kind(self) -> Kind:
        """What the room that a sample takes depends on; files of about one bit rate are of one kind."""
        level = self.format.compression_level if isinstance(self.format, AudioFormat) else None
        return self.format.words, self.info.channels, self.sample_rate, None if level is None else round(level, 2)

    def excerpt(self, seconds: float) -> Float[np.ndarray, "channels time"]:
        """The recording's first seconds."""
        wanted = max(1, round(seconds * self.info.sample_rate))
        parts, count = [], 0
        for block in read_blocks(self.info, min(wanted, self.info.sample_rate)):
            parts.append(block[:, : wanted - count])
            count += parts[-1].shape[1]
            if count >= wanted:
                break
        return np.concatenate(parts, axis=1)


def plan(
    jobs: Sequence[Job],
    enhancer: Enhancer,
    settings: Settings,
    *,
    ledger: Ledger | LedgerBeside | None = None,
    overwrite: bool = False,
    workers: int = 1,
) -> Iterator[Plan]:
    """Says what a run with the same arguments would do.

    Args:
        jobs: what there is to do.
        enhancer: the model.
        settings: of every job.
        ledger: of what was done before, where that counts.
        overwrite: whether files may be replaced that no earlier run has made.
        workers: how many recordings at a time, at least 1.

    Yields:
        One plan for each job, in order.
    """
    found: list[Plan | _Work] = [_looked_at(job, settings, ledger, overwrite) for job in jobs]
    measured = _Measured(enhancer, settings, workers)
    longest = sorted((item for item in found if isinstance(item, _Work)), key=lambda work: -work.info.seconds)
    for item in found:
        if isinstance(item, Plan):
            yield item
            continue
        try:
            per_second = measured.speed(longest)
            size = measured.size(item)
        except Exception as error:  # noqa: BLE001 - its beginning can't be read: the run would say so too
            yield Plan(item.job, "failed", error)
            continue
        heard = sum(_heard_seconds(track, settings) * track.info.channels for track in item.result.tracks)
        yield Plan(
            item.job, "enhanced", None, item.info, item.format, item.sample_rate, heard * per_second, size
        )  # fmt: skip


def _looked_at(job: Job, settings: Settings, ledger: Ledger | LedgerBeside | None, overwrite: bool) -> Plan | _Work:
    """A job as far as nothing needs to be measured."""
    try:
        state = ledger.state(job) if ledger is not None else "not ours"
        if state == "done":
            return Plan(job, "skipped")
        if ledger is None or job.target.parent.is_dir():
            check_target(job.target, job.source, overwrite or state == "ours")
        if settings.output_rate is not None:
            checked_rate(
                settings.output_rate, "output_rate (--output-rate)", "Leave it out to keep the recording's rate"
            )
        result = plan_result(
            job.source,
            job.target,
            output_rate=settings.output_rate,
            track=settings.track,
            container=settings.container,
        )
        for planned in result.tracks:
            _heard_seconds(planned, settings)  # refuses a part beyond the end
        return _Work(job, result)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other recordings go on
        return Plan(job, "failed", error)


def _heard_seconds(planned: PlannedTrack, settings: Settings) -> float:
    """How much of a track goes through the model."""
    info = planned.info
    part = None if settings.part is None else part_of_track(settings.part, planned)
    if settings.strength == 0 or (settings.part is not None and part is None):
        return 0.0
    if part is None or not info.says_length:
        return info.seconds
    end = info.seconds if part.end is None else min(info.seconds, part.end + HEARD_AFTER_SECONDS)
    return max(0.0, end - max(0.0, part.start - HEARD_BEFORE_SECONDS))


@dataclass
class _Measured:
    """What was measured on excerpts, each thing once."""

    enhancer: Enhancer
    settings: Settings
    workers: int
    _per_second: float | None = None
    _sizes: dict[Kind, tuple[int, float]] = field(default_factory=dict)

    def speed(self, work: Sequence[_Work]) -> float:
        """Seconds that a second of one channel takes: of the longest recording whose beginning can be read."""
        if self._per_second is None:
            for item in work:
                try:
                    excerpt = item.excerpt(self._excerpt_seconds)
                    break
                except Exception:  # noqa: BLE001 - it would fail in the run too; another will do
                    continue
            else:
                return 0.0
            self._way(item, excerpt[:, : max(1, round(WARM_UP * item.info.sample_rate))])
            started = time.perf_counter()
            with ThreadPoolExecutor(self.workers) as pool:
                list(pool.map(lambda _: self._way(item, item.excerpt(self._excerpt_seconds)), range(self.workers)))
            took = time.perf_counter() - started
            self._per_second = took / (self.workers * excerpt.size / item.info.sample_rate)
        return self._per_second

    def size(self, work: _Work) -> int:
        """Bytes of a result."""
        if not isinstance(work.format, AudioFormat):
            return _media_size(work)
        if work.kind not in self._sizes:
            excerpt = work.excerpt(self._excerpt_seconds)
            tags = {**tags_of(work.info.path), "software": self.enhancer.made_by} if work.info.media is None else {}
            empty = len(_encoded(excerpt[:, :0], work, tags))
            result = self._enhanced(work, excerpt)
            self._sizes[work.kind] = empty, (len(_encoded(result, work, tags)) - empty) / result.shape[1]
        empty, per_sample = self._sizes[work.kind]
        return round(empty + per_sample * resampled_length(work.info.frames, work.info.sample_rate, work.sample_rate))

    @property
    def _excerpt_seconds(self) -> float:
        """A call of the model as it would be in a long recording."""
        model = self.enhancer.model
        call = (model.past_samples + model.chunk_samples + model.future_samples) / model.sample_rate
        return min(LONGEST_EXCERPT, max(1.0, call))

    def _way(self, work: _Work, excerpt: np.ndarray) -> None:
        _encoded(self._enhanced(work, excerpt), work)

    def _enhanced(self, work: _Work, excerpt: np.ndarray) -> np.ndarray:
        wide = max(work.info.sample_rate, work.sample_rate)
        excerpt = _converted(excerpt, work.info.sample_rate, wide)
        result = self.enhancer.enhance(excerpt, wide, strength=self.settings.strength, highband=self.settings.highband)
        return _converted(result, wide, work.sample_rate)


def _converted(samples: np.ndarray, rate_in: int, rate_out: int) -> np.ndarray:
    stage = Resampler(rate_in, rate_out, len(samples), samples.dtype)
    return np.concatenate([stage.push(samples), stage.flush()], axis=1)


def _media_size(work: _Work) -> int:
    """Bytes of a media file, about: pictures are copied, and sound keeps its bit rate."""
    if work.result.copies:
        return work.job.source.stat().st_size
    bits = getattr(work.format, "bit_rate", 0) or work.info.channels * work.sample_rate * 16
    return round(bits / 8 * work.info.seconds)


def _encoded(samples: np.ndarray, work: _Work, tags: Mapping[str, str] | None = None) -> bytes:
    """A result as it would be written, in memory; nothing for media files, where the model takes most of the time."""
    if not isinstance(work.format, AudioFormat):
        return b""
    file = io.BytesIO()
    with soundfile.SoundFile(
        file,
        "w",
        work.sample_rate,
        len(samples),
        work.format.subtype,
        format=work.format.format,
        compression_level=work.format.compression_level,
        bitrate_mode=work.format.bitrate_mode,
    ) as sound:
        write_tags(sound, tags or {})
        sound.write(samples.T)
    return file.getvalue()
