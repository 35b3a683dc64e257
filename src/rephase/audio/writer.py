"""Results out: whole or not at all.

Samples go to a file with a temporary name in the target's folder. Only when the last one is written, the file has been
read back as what it should be and lies safely on the disk does it get its name; after any error or Ctrl-C it is
removed.
"""

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
from jaxtyping import Float

from rephase.audio.files import path_for_libsndfile
from rephase.audio.formats import AudioFormat
from rephase.audio.leftovers import make_unfinished
from rephase.errors import OutputError

log = logging.getLogger(__name__)


def check_target(target: Path, source: Path, overwrite: bool) -> None:
    """Checks that a result may be written where it shall go, before anything is computed.

    Args:
        target: where the result shall go.
        source: the recording, which is never overwritten.
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
            if target.samefile(source):
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
        before_naming: Callable[[Path], None] | None = None,
    ) -> None:
        self._target = target
        self._before_naming = before_naming
        self._format = audio_format
        self._frames = 0
        try:
            self._real = target.resolve()
            self._temporary, self._lock = make_unfinished(self._real)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise self._failed(getattr(error, "strerror", None) or str(error)) from error
        try:
            self._sound = soundfile.SoundFile(
                path_for_libsndfile(self._temporary),
                "w",
                sample_rate,
                channels,
                audio_format.subtype,
                format=audio_format.format,
            )
        except BaseException as error:
            self._remove()
            if not isinstance(error, soundfile.SoundFileError | RuntimeError | ValueError):
                raise
            raise OutputError(
                f"can't write {audio_format.format} with {audio_format.subtype}, {channels} channels, "
                f"{sample_rate} Hz; {target}; choose a .wav target"
            ) from error

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
            self._remove()

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
            raise self._failed("the disk is full or failed") from error
        self._frames += block.shape[1]

    def _encoded(self, block: np.ndarray) -> np.ndarray:
        bits = self._format.bits
        if bits is None:
            return block
        # libsndfile scales floats by 2^(b−1) − 1 on the way out and 2^(b−1) on the way in; integers stay as they are.
        scale = 2.0 ** (bits - 1)
        whole = np.clip(np.rint(block * scale, dtype=np.float64), -scale, scale - 1)
        return whole.astype(np.int32) << (32 - bits)

    def _close(self) -> None:
        try:
            self._sound.close()
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise self._failed("the disk is full or failed") from error

    def _finish(self) -> None:
        try:
            written = soundfile.info(path_for_libsndfile(self._temporary)).frames
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise self._failed("what was written can't be read back; is the disk full?") from error
        if written != self._frames:
            raise self._failed(f"{written} of {self._frames} samples arrived; is the disk full?")
        try:
            _flush_to_disk(self._temporary)
            if self._before_naming is not None:
                self._before_naming(self._temporary)
            self._temporary.replace(self._real)
            _flush_to_disk(self._real.parent)
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error
        log.debug("wrote %d frames to %s", written, self._real)

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.close(self._lock)

    def _failed(self, reason: str) -> OutputError:
        return OutputError(f"can't write the output ({reason}); {self._target}; check permissions and free space")


def _flush_to_disk(path: Path) -> None:
    if os.name != "posix" and path.is_dir():
        return  # folders can't be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():
            raise  # some file systems can't sync a folder, which is no reason to fail
    finally:
        os.close(descriptor)
