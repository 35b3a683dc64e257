"""Unfinished results: files with a temporary name, locked while somebody writes them.

A process that is killed can't tidy up. What it leaves is known by its name, `.rephase-` and 16 hexadecimal digits, and
by the lock that the system took off it when the process died: a file that somebody still writes isn't mistaken for one.
Where files can't be locked (Windows, some network folders) nothing is removed.
"""

import contextlib
import importlib
import os
import re
import secrets
import stat
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    fcntl = importlib.import_module("fcntl")
except ImportError:  # Windows
    fcntl = None

UNFINISHED = re.compile(r"\.rephase-[0-9a-f]{16}(\.|$)")


def make_unfinished(target: Path) -> tuple[Path, int]:
    """Makes an empty file with a temporary name beside a target, with the permissions that new files get.

    Args:
        target: what it shall become; no link.

    Returns:
        Its path, and a descriptor that holds the lock: whoever closes it lets the file be taken for a leftover.

    Raises:
        OSError: if no file can be made there.
    """
    while True:
        path = target.with_name(f".rephase-{secrets.token_hex(8)}{target.suffix[:16]}")
        lock = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        if fcntl is None:
            return path, lock
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Between making and locking somebody else may have taken it for a leftover.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), path.stat()):
                return path, lock
        os.close(lock)


def remove_leftovers(folder: Path) -> list[Path]:
    """Removes what killed processes have left in a folder.

    Args:
        folder: in which results lie; folders in it are not looked at.

    Returns:
        The files that were removed.
    """
    if fcntl is None:
        return []
    removed = []
    with contextlib.suppress(OSError):  # no folder yet, or none that can be read
        for path in sorted(folder.iterdir()):
            if UNFINISHED.match(path.name) and _remove_if_nobody_writes(path, fcntl):
                removed.append(path)  # noqa: PERF401 - what was removed counts, though the next one fails
    return removed


def _remove_if_nobody_writes(path: Path, fcntl: ModuleType) -> bool:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(lock).st_mode):
            return False
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:  # somebody writes it, or it can't be removed
        return False
    finally:
        os.close(lock)
    return True
