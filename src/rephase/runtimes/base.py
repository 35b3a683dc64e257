"""What every runtime is, and which one serves a request."""

from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from jaxtyping import Float32

RuntimeName = Literal["onnx", "torch"]


@runtime_checkable
class Runtime(Protocol):
    """A model that is ready to run.

    Attributes:
        name: `onnx` or `torch`.
        device: where it runs: `cpu`, `cuda`, `mps`.
    """

    name: str
    device: str

    def __call__(self, waveform: Float32[np.ndarray, "batch time"]) -> Float32[np.ndarray, "batch time"]:
        """Enhances a batch; items don't influence each other.

        Args:
            waveform: at the model's sample rate and level (speech at about −26 dBFS), any length ≥ 1.

        Returns:
            As long as the input.
        """
        ...


def choose_runtime(runtime: str, device: str, *, has_graph: bool = True, onnx_has_cuda: bool = False) -> RuntimeName:
    """Chooses the runtime for a request.

    Args:
        runtime: `auto`, `onnx` or `torch`.
        device: `auto`, `cpu`, `cuda`, `cuda:1` ..., `mps`.
        has_graph: whether the model's folder holds an ONNX graph.
        onnx_has_cuda: whether the installed ONNX Runtime is the GPU build.

    Returns:
        `auto` is ONNX Runtime, which starts faster; torch if the model has no graph, or a GPU is asked for that the
        installed ONNX Runtime can't use.

    Raises:
        ValueError: if `runtime` or `device` is unknown, or `runtime` can't use the device.
    """
    if runtime not in ("auto", *get_args(RuntimeName)):
        raise ValueError(f"runtime must be auto, onnx or torch; got {runtime!r}")
    kind = device.split(":")[0]
    if kind not in ("auto", "cpu", "cuda", "mps") or (":" in device and not is_cuda_index(device)):
        raise ValueError(f"device must be auto, cpu, cuda, cuda:N or mps; got {device!r}")
    onnx_can = kind in ("auto", "cpu") or (kind == "cuda" and onnx_has_cuda)
    if runtime == "torch" or (runtime == "auto" and not (onnx_can and has_graph)):
        return "torch"
    if not onnx_can:
        way_out = ", or install onnxruntime-gpu" if kind == "cuda" else ""
        raise ValueError(f"runtime onnx can't use device {device} here; take runtime torch{way_out}")
    return "onnx"


def is_cuda_index(device: str) -> bool:
    """Whether a device names one of several GPUs.

    Args:
        device: such as `cuda:1`.

    Returns:
        True for `cuda:` and a number.
    """
    kind, _, index = device.partition(":")
    return kind == "cuda" and index.isdecimal()
