"""What the reports share: tables in Markdown, and the versions and the machine behind the figures."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rephase.reporting.tables import markdown_table as table
from rephase.reporting.tables import write_whole as write
from rephase.runtimes.cores import available_cores

__all__ = ["machine", "table", "versions", "write"]


def versions(packages: Iterable[str]) -> str:
    """Names what was installed.

    Args:
        packages: names of distributions.

    Returns:
        Such as "Python 3.12.4, numpy 2.1.0".
    """
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


def machine() -> str:
    """Names the machine.

    Returns:
        Such as "Linux x86_64, AMD EPYC 7B13, 2 cores".
    """
    return f"{platform.system()} {platform.machine()}, {_processor()}, {available_cores()} cores"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
