"""How many cores a process may really use: not hyper-threads, not those of other containers."""

import os
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores(cpus: Path = CPUS, quota: Path = QUOTA) -> int:
    """Counts physical cores that the scheduler lets this process use.

    Two hyper-threads of a core count once (arithmetic keeps one busy), and a container's CPU quota is a limit too.

    Args:
        cpus: where Linux describes the processors.
        quota: where Linux says what share of them this container may use.

    Returns:
        At least 1.
    """
    try:
        usable = os.sched_getaffinity(0)
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
    cores = {_siblings(cpus, cpu) for cpu in usable}
    return max(1, min(len(cores), _quota(quota, len(cores))))


def _siblings(cpus: Path, cpu: int) -> str:
    """The hyper-threads of a CPU's core, such as "0,4": equal for two CPUs of one core."""
    try:
        return (cpus / f"cpu{cpu}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota(path: Path, default: int) -> int:
    try:
        allowed, period = path.read_text().split()
        return default if allowed == "max" else round(int(allowed) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return default
