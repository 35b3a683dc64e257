"""Whether two paths lead to one file."""

import os
from pathlib import Path


def identity(path: Path) -> object:
    """What two paths of one file have in common, whatever links lead there.

    Args:
        path: of a file that may not exist yet.

    Returns:
        Something to compare.
    """
    try:
        status = path.stat()
    except OSError:  # no such file yet
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
