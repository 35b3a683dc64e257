"""An array on the disk that grows piece by piece: a corpus that is larger than memory becomes one .npy file."""

import contextlib
import io
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Int16

from rephase.audio.leftovers import remove_leftovers
from rephase.audio.safe_target import SafeTarget
from rephase.errors import OutputError


class ArrayFile:
    """Appends pieces of 16-bit samples to a .npy file, which appears whole or not at all.

    An array of that name that another process has open stays as it is for that process, and several processes may make
    the same array at the same time. A .json of the same name says where each piece starts; an array without it is none.

    Args:
        target: path of the array, ending in .npy.

    Attributes:
        offsets: first sample of each piece, and the total length at the end.

    Raises:
        OutputError: If nothing can be written there, also from `append` and `finish`.
    """

    def __init__(self, target: Path) -> None:
        self._path, self._facts = target, target.with_suffix(".json")
        self.offsets = [0]
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"can't make the folder ({error.strerror}); {target.parent}; choose another one"
            ) from error
        remove_leftovers(target.parent)
        self._target = SafeTarget(target)
        self._file = self._target.temporary.open("wb")
        self._header = len(self._written_header())
        self._write(bytes(self._header))

    def __enter__(self) -> "ArrayFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # what is still buffered may not fit; the file goes anyway
            self._file.close()
        self._target.remove()

    def append(self, samples: Int16[np.ndarray, " time"]) -> None:
        """Adds a piece."""
        self._write(samples.astype("<i2", copy=False).tobytes())
        self.offsets.append(self.offsets[-1] + len(samples))

    def finish(self, facts: str) -> Path:
        """Puts the array and its facts in place.

        Args:
            facts: JSON; an array of this name that was there before loses its own first.

        Returns:
            Path of the array.
        """
        header = self._written_header()
        if len(header) != self._header:  # numpy leaves room for the length of an axis that grows
            raise RuntimeError(f"the header of {self._path} needs {len(header)} bytes, not {self._header}")
        try:
            self._file.seek(0)
            self._file.write(header)
            self._file.close()
            self._facts.unlink(missing_ok=True)  # an array without facts is made again, whatever happens from here on
        except OSError as error:
            raise self._target.failed(error.strerror or str(error)) from error
        self._target.finish()
        write_text(self._facts, facts)
        return self._path

    def _write(self, content: bytes) -> None:
        try:
            self._file.write(content)
        except OSError as error:
            raise self._target.failed(error.strerror or str(error)) from error

    def _written_header(self) -> bytes:
        buffer = io.BytesIO()
        shape = (self.offsets[-1],)
        np.lib.format.write_array_header_1_0(buffer, {"descr": "<i2", "fortran_order": False, "shape": shape})
        return buffer.getvalue()


def write_text(path: Path, text: str) -> None:
    """Writes a text file, whole or not at all.

    Args:
        path: of the file.
        text: its content.

    Raises:
        OutputError: If it can't be written.
    """
    write_bytes(path, text.encode("utf-8", "surrogateescape"))  # names of files need not be UTF-8


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file, whole or not at all.

    Args:
        path: of the file.
        content: of it.

    Raises:
        OutputError: If it can't be written.
    """
    target = SafeTarget(path)
    try:
        target.temporary.write_bytes(content)
        target.finish()
    except OSError as error:
        raise target.failed(error.strerror or str(error)) from error
    finally:
        target.remove()
