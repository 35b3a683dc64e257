"""Many recordings: several at a time, and going on where an earlier run was stopped.

A ledger (`rephase.ledger`) tells a later run what is done with the same content and the same settings: that is left
alone, what was done with others is done again, and a file that is not our own is never replaced.
"""

import math
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rephase.audio.files import AudioInfo, audio_info
from rephase.audio.part import Part
from rephase.enhancer import Enhancer, Progress, Report
from rephase.ledger import Job, Ledger, LedgerBeside

Status = Literal["enhanced", "skipped", "failed"]  # skipped: done before


@dataclass(frozen=True)
class Settings:
    """What decides about a result beside its recording.

    Attributes:
        model: name of the model.
        model_sha256: of its weights.
        strength, highband, output_rate, track, container: see `Enhancer.enhance_file`.
        start, end: of the part that is enhanced, s.
    """

    model: str
    model_sha256: tuple[str, ...]
    strength: float = 1.0
    highband: str = "follow"
    output_rate: int | None = None
    track: int | None = None
    container: str | None = None
    start: float = 0.0
    end: float | None = None

    @property
    def part(self) -> Part | None:
        """What is enhanced; None for all of it."""
        return None if not self.start and self.end is None else Part(self.start, self.end)

    @classmethod
    def of(cls, enhancer: Enhancer, **options: Any) -> "Settings":
        """The settings of an enhancer with options of `Enhancer.enhance_file`."""
        hashes = tuple(sorted(file.sha256 for file in enhancer.model.files.values()))
        return cls(model=enhancer.model.name, model_sha256=hashes, **options)


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: the job.
        status: `enhanced`, `skipped` (done before), or `failed`.
        report: of an enhanced one.
        error: of a failed one.
    """

    job: Job
    status: Status
    report: Report | None = None
    error: Exception | None = None


@dataclass
class _Clock:
    """Seconds of audio done by all jobs together, told to one progress bar."""

    total: float
    progress: Progress | None
    done: dict[Path, float] = field(default_factory=dict)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, job: Job, seconds: float) -> None:
        with self.lock:
            self.done[job.source] = seconds
            if self.progress is not None and self.total:
                self.progress(sum(self.done.values()), self.total)


class _Stopped(Exception):
    """The run was interrupted while this job was at work."""


def run(
    jobs: Sequence[Job],
    enhancer: Enhancer,
    settings: Settings,
    *,
    ledger: Ledger | LedgerBeside | None = None,
    overwrite: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> Generator[Outcome, None, None]:
    """Enhances recordings, several at a time; one that fails doesn't stop the others.

    Where the caller stops early (an interrupt, or it closes the iterator), no new job begins, those at work end within
    a chunk of audio, and no unfinished result is left.

    Args:
        jobs: what to do.
        enhancer: the model.
        settings: of every job.
        ledger: of what was done before, where that counts.
        overwrite: whether files may be replaced that no earlier run has made.
        workers: how many recordings at a time, at least 1.
        progress: called with the seconds done and the seconds in all.

    Yields:
        An outcome for each job, as they come.
    """
    infos: dict[Job, AudioInfo] = {}
    for job in jobs:
        try:
            infos[job] = audio_info(job.source)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other recordings go on
            yield Outcome(job, "failed", error=error)
    clock = _Clock(math.fsum(info.seconds for info in infos.values()), progress)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="rephase")
    waiting: set[Future[Outcome]] = set()
    try:
        waiting = {
            pool.submit(_one, job, info.seconds, enhancer, settings, ledger, overwrite, clock)
            for job, info in infos.items()
        }
        while waiting:
            # Not forever: on some systems a signal is only seen between two waits.
            finished, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    finally:
        clock.stopped = True
        pool.shutdown(wait=True, cancel_futures=True)


def _one(
    job: Job,
    seconds: float,
    enhancer: Enhancer,
    settings: Settings,
    ledger: Ledger | LedgerBeside | None,
    overwrite: bool,
    clock: _Clock,
) -> Outcome:
    def tell(done: float, total: float) -> None:
        if clock.stopped:
            raise _Stopped
        clock.tell(job, done)

    try:
        state = ledger.state(job) if ledger is not None else "not ours"
        if state == "done":
            return Outcome(job, "skipped")
        if ledger is not None:
            job.target.parent.mkdir(parents=True, exist_ok=True)
        note = ledger.noting(job) if ledger is not None else None
        report = enhancer.enhance_file(
            job.source,
            job.target,
            strength=settings.strength,
            highband=settings.highband,
            output_rate=settings.output_rate,
            track=settings.track,
            container=settings.container,
            part=settings.part,
            overwrite=overwrite or state == "ours",
            progress=tell,
            before_naming=note,
        )
        return Outcome(job, "enhanced", report=report)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other recordings go on
        return Outcome(job, "failed", error=error)
    finally:
        clock.tell(job, seconds)
