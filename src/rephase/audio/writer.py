"""Results out with libsndfile: whole or not at all.

A result gets its name (`SafeTarget`) only when the last sample is written and the file has been read back as what it
should be.
"""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
from jaxtyping import Float

from rephase.audio.files import path_for_libsndfile
from rephase.audio.formats import AudioFormat
from rephase.audio.id3 import AfterTag, copied_tag, new_tag
from rephase.audio.safe_target import SafeTarget
from rephase.audio.tags import write_tags
from rephase.audio.waveform import whole_numbers
from rephase.errors import OutputError


def check_target(target: Path, source: Path | None, overwrite: bool) -> None:
    """Checks that a result may be written where it shall go, before anything is computed.

    Args:
        target: where the result shall go.
        source: the recording, which is never overwritten; None if it is no file.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputError: if not, with the reason and the way out.
    """
    folder = target.parent
    try:
        if target.is_dir():
            raise OutputError(f"the output is a folder; {target}; name a file in it")
        if not folder.is_dir():
            raise OutputError(f"the output folder doesn't exist; {folder}; make it first: mkdir -p '{folder}'")
        if target.exists():
            if source is not None and target.samefile(source):
                raise OutputError(f"the output is the input itself; {target}; choose another name, recordings are kept")
            if not target.is_file():
                raise OutputError(f"the output is no regular file; {target}; choose another name")
            if not overwrite:
                raise OutputError(
                    f"the output exists already; {target}; choose another name, or allow it: --overwrite "
                    f"(in Python overwrite=True)"
                )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise OutputError(f"no permission to write into the output folder; {folder}; choose another one")
    except OSError as error:
        raise OutputError(f"can't write there ({error.strerror}); {target}; choose another name") from error


class AudioWriter:
    """Writes one result, block by block; a context manager that leaves a whole file or none.

    Args:
        target: where the result goes; a link is followed.
        sample_rate: Hz.
        channels: how many.
        audio_format: container and sample format.
        like: the recording, whose permissions and times the result gets; those of a new file by default.
        tags: title, artist and the like, see `rephase.audio.tags`.
        before_naming: called with the temporary path once the file is complete and safe on the disk.

    Raises:
        OutputError: if the file can't be written, also from its methods.

    Example:
        with AudioWriter(Path("talk.flac"), 16000, 1, AudioFormat("FLAC", "PCM_16")) as writer:
            writer.write(block)
    """

    def __init__(
        self,
        target: Path,
        sample_rate: int,
        channels: int,
        audio_format: AudioFormat,
        *,
        like: Path | None = None,
        tags: Mapping[str, str] | None = None,
        before_naming: Callable[[Path], None] | None = None,
    ) -> None:
        self._format = audio_format
        self._frames = 0
        self._safe = SafeTarget(target, like, before_naming)
        self._after_tag: AfterTag | None = None
        try:
            self._after_tag = self._started_with_tag(audio_format, tags or {}, like)
            self._sound = soundfile.SoundFile(
                self._after_tag or path_for_libsndfile(self._safe.temporary),
                "w",
                sample_rate,
                channels,
                audio_format.subtype,
                format=audio_format.format,
                compression_level=audio_format.compression_level,
                bitrate_mode=audio_format.bitrate_mode,
            )
            if self._after_tag is None:
                write_tags(self._sound, tags or {})
        except BaseException as error:
            self._let_go()
            if not isinstance(error, soundfile.SoundFileError | RuntimeError | ValueError | OSError):
                raise
            if isinstance(error, OSError):
                raise self._safe.failed(error.strerror or str(error)) from error
            if getattr(error, "error_string", "").startswith("System error"):
                raise self._safe.failed("the disk is full or failed") from error
            raise OutputError(
                f"can't write {audio_format.format} with {audio_format.subtype}, {channels} channels, "
                f"{sample_rate} Hz; {target}; choose a .wav target"
            ) from error

    def _started_with_tag(
        self, audio_format: AudioFormat, tags: Mapping[str, str], like: Path | None
    ) -> "AfterTag | None":
        """The file behind an ID3 tag; None where libsndfile writes tags itself, or there are none."""
        if audio_format.format != "MP3" or not tags:
            return None
        copied = None if like is None else copied_tag(like, tags.get("software", ""))
        return AfterTag(self._safe.temporary, copied or new_tag(tags))

    @property
    def tracks(self) -> "Sequence[AudioWriter]":
        """What samples are written to: one track, this one."""
        return [self]

    def __enter__(self) -> "AudioWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._close()
            if kind is None:
                self._finish()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Closes what is still open, and removes what has not got its name."""
        if self._after_tag is not None:
            with contextlib.suppress(OSError):
                self._after_tag.close()
        self._safe.remove()

    def write(self, block: Float[np.ndarray, "channels time"]) -> None:
        """Writes the next samples.

        Args:
            block: full scale ±1; integer formats get the nearest integer.
        """
        if not block.shape[1]:
            return
        try:
            self._sound.write(self._encoded(block).T)
        except (soundfile.SoundFileError, RuntimeError, AssertionError, OSError) as error:
            # soundfile asserts that everything was written, which a full disk breaks
            raise self._safe.failed("the disk is full or failed") from error
        self._frames += block.shape[1]

    def _encoded(self, block: np.ndarray) -> np.ndarray:
        bits = self._format.bits
        if bits is None:
            return block
        # libsndfile scales floats by 2^(b−1) − 1 on the way out and 2^(b−1) on the way in; integers stay as they are.
        return whole_numbers(block, bits).astype(np.int32) << (32 - bits)

    def _close(self) -> None:
        try:
            self._sound.close()
            if self._after_tag is not None:
                self._after_tag.close()
        except (soundfile.SoundFileError, RuntimeError, OSError) as error:
            raise self._safe.failed("the disk is full or failed") from error

    def _finish(self) -> None:
        try:
            written = soundfile.info(path_for_libsndfile(self._safe.temporary)).frames
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise self._safe.failed("what was written can't be read back; is the disk full?") from error
        if written != self._frames:
            raise self._safe.failed(f"{written} of {self._frames} samples arrived; is the disk full?")
        self._safe.finish()
