"""The wheels that a packed run needs beside Python, torch, numpy, scipy and Lightning, in the versions used here."""

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from pieces import PieceError

THERE = ("torch", "numpy", "scipy", "lightning")
# What `rephase train` imports on its way to a model folder; what only makes audio and rooms stays at home.
WANTED = (
    "jaxtyping", "matplotlib", "onnx", "onnx-ir", "onnxruntime", "onnxscript", "pydantic", "pytorch-optimizer",
    "safetensors", "soundfile", "soxr", "tensorboard", "typer",
)  # fmt: skip
VIEWER = ("grpcio", "tensorboard-data-server")  # what TensorBoard shows with, not what it writes with
OF_METRICS = {"pesq": "pesq_wb", "pystoi": "estoi"}  # a run can do without, if it need not choose by them
OLDEST_GLIBC, NEWEST_GLIBC = 5, 28


def needed(wanted: Iterable[str], there: Iterable[str] = ()) -> dict[str, str]:
    """Packages with all they need, as installed here, without those that are there.

    Args:
        wanted: names of distributions.
        there: of those that are there, beside the ones that every such machine must have.

    Returns:
        Versions by name.

    Raises:
        PieceError: If one is not installed.
    """
    left_out = {*closure([*THERE, *filter(_installed, there)]), *VIEWER, *map(canonicalize_name, there)}
    return {name: version for name, version in sorted(closure(wanted).items()) if name not in left_out}


def _installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def closure(names: Iterable[str]) -> dict[str, str]:
    """Packages with all they need, and the versions of all that are installed here."""
    found: dict[str, str] = {}
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            raise PieceError(f"the package {name} is missing here; {sys.prefix}; pip install -e '.[train]'") from error
        found[name] = distribution.version.partition("+")[0]
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(requirement.name))
    return found


def collect(folder: Path, *, python: str, machine: str, there: Iterable[str] = ()) -> list[str]:
    """Puts all wheels into a folder.

    Args:
        folder: for them.
        python: version of the machine that they are for, such as `3.12`.
        machine: its processor, such as `x86_64`; its system is Linux, unless it is this one's.
        there: packages that it has, beside torch, numpy, scipy and Lightning.

    Returns:
        The metrics that have no wheel there.

    Raises:
        PieceError: If a wheel that the run can't do without doesn't exist.
    """
    packages = needed([*WANTED, *OF_METRICS], there)
    here = python == platform.python_version().rpartition(".")[0] and machine == platform.machine()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    built = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder)]
    if here:
        pins = [f"{name}=={version}" for name, version in packages.items()]
        done = subprocess.run([*built, *pins], capture_output=True, text=True)
        if done.returncode:
            raise PieceError(
                f"pip can't get the wheels ({_reason(done.stderr)}); {', '.join(pins)}; is there a network?"
            )
        return []
    elsewhere = [*pip, "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    elsewhere += ["--implementation", "cp", "--python-version", python]
    for tag in _platforms(machine):
        elsewhere += ["--platform", tag]
    lacking = []
    for name, version in packages.items():
        pin = f"{name}=={version}"
        done = subprocess.run([*elsewhere, pin], capture_output=True, text=True)
        if done.returncode and not _made_here(built, pin, name, folder):
            if name not in OF_METRICS:
                raise PieceError(
                    f"there is no wheel of {pin} for Python {python} on {machine} ({_reason(done.stderr)}); {folder}; "
                    "take another --python, or install another version of it here"
                )
            lacking.append(OF_METRICS[name])
    return lacking


def _platforms(machine: str) -> list[str]:
    """Tags of wheels that a Linux of 2018 or younger takes, best first; last of all those that were made on one."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    return [*tags, f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}", f"linux_{machine}"]


def _made_here(built: list[str], pin: str, name: str, folder: Path) -> bool:
    """Whether a wheel could be made that suits every machine."""
    before = set(folder.glob("*.whl"))
    subprocess.run([*built, pin], capture_output=True)
    suits = False
    for wheel in set(folder.glob("*.whl")) - before:
        _, _, _, tags = parse_wheel_filename(wheel.name)
        if any(tag.platform == "any" for tag in tags):
            suits = True
        else:
            wheel.unlink()
    return suits


def _reason(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("ERROR")]
    return lines[-1].removeprefix("ERROR: ") if lines else "no reason given"
