"""A file that appears whole or not at all, whatever writes it.

What is written goes to a temporary name in the target's folder. Only when all of it lies safely on the disk does it get
its name; after any error or Ctrl-C it is removed, and a `kill -9` leaves the name it had before untouched.
"""

import contextlib
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path

from rephase.audio.leftovers import make_unfinished
from rephase.errors import OutputError

log = logging.getLogger(__name__)


class SafeTarget:
    """The temporary file behind a target.

    Args:
        target: where the result goes; a link is followed.
        like: a file whose permissions and times the result gets; those of a new file by default.
        before_naming: called with the temporary path once the file is complete and safe on the disk.

    Attributes:
        temporary: the path to write to; the file is there, empty.

    Raises:
        OutputError: if no file can be made there, also from `finish`.
    """

    def __init__(
        self, target: Path, like: Path | None = None, before_naming: Callable[[Path], None] | None = None
    ) -> None:
        self._target, self._like, self._before_naming = target, like, before_naming
        try:
            self._real = target.resolve()
            # Made here and not by a library: never an existing file, and with the permissions that new files get.
            self.temporary, self._lock = make_unfinished(self._real)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise self.failed(getattr(error, "strerror", None) or str(error)) from error

    def finish(self) -> None:
        """Gives the file its name, once it is safe on the disk."""
        try:
            os.fsync(self._lock)  # of the file, whatever wrote it
            if self._before_naming is not None:
                self._before_naming(self.temporary)
            self._copy_attributes()  # at last: the recording's permissions may keep us from reading
            if os.name != "posix":
                self._unlock()  # there an open file can't be renamed
            self.temporary.replace(self._real)
            _flush_folder(self._real.parent)
        except OSError as error:
            raise self.failed(error.strerror or str(error)) from error
        log.debug("wrote %s", self._real)

    def remove(self) -> None:
        """Takes the temporary file away, if it is still there."""
        if os.name != "posix":
            self._unlock()  # there an open file can't be removed
        with contextlib.suppress(OSError):
            self.temporary.unlink(missing_ok=True)
        self._unlock()

    def _unlock(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def failed(self, reason: str) -> OutputError:
        """The error that says why nothing could be written.

        Args:
            reason: in a few words.

        Returns:
            The error, to be raised.
        """
        return OutputError(f"can't write the output ({reason}); {self._target}; check permissions and free space")

    def _copy_attributes(self) -> None:
        if self._like is None:
            return
        # A file system may hold neither: the result is worth more than its date.
        with contextlib.suppress(OSError):
            there = self._like.stat()
            self.temporary.chmod(stat.S_IMODE(there.st_mode) & 0o777)
            os.utime(self.temporary, ns=(there.st_atime_ns, there.st_mtime_ns))


def _flush_folder(folder: Path) -> None:
    # Folders can't be opened on Windows, some may not be read, and some file systems can't sync them.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
