"""ONNX Runtime: the default runtime, in the core installation."""

import logging
import re

import numpy as np
import onnxruntime
from jaxtyping import Float32

from rephase.errors import ModelError
from rephase.runtimes.base import choose_runtime
from rephase.runtimes.cores import available_cores
from rephase.weights.registry import ModelFolder

log = logging.getLogger(__name__)

GRAPH = "model.onnx"
INPUT, OUTPUT = "degraded", "enhanced"
CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
# A tensor of a graph may lie in another file, which no SHA-256 vouches for; it then has an entry of the key `location`.
# In protobuf a string of 8 bytes follows its length, and any encoding of 8 ends in the byte 8, or 0 if it is padded.
EXTERNAL_DATA = re.compile(rb"[\x08\x00]location")


def has_cuda() -> bool:
    """Whether the installed ONNX Runtime is a GPU build.

    Returns:
        True if it can use CUDA.
    """
    return CUDA in onnxruntime.get_available_providers()


class OnnxRuntime:
    """A model's ONNX graph, ready to run; several threads may call it at once.

    Args:
        folder: the model.
        device: `auto` (a GPU if ONNX Runtime has one), `cpu`, `cuda` or `cuda:N`.
        threads: threads of one call on the CPU; as many as there are cores by default.

    Raises:
        ModelError: if the graph is missing, damaged, keeps tensors in other files, or ONNX Runtime can't run it.
        ValueError: if ONNX Runtime can't use the device.
    """

    name = "onnx"

    def __init__(self, folder: ModelFolder, device: str = "auto", threads: int | None = None) -> None:
        choose_runtime("onnx", device, onnx_has_cuda=has_cuda())
        self._path = folder.path / GRAPH
        graph = folder.verified_bytes(GRAPH)
        self._session = self._started(graph, _providers(device), threads or available_cores())
        self.device = "cuda" if self._session.get_providers()[0] == CUDA else "cpu"
        if device.startswith("cuda") and self.device != "cuda":
            raise ModelError(f"ONNX Runtime found no usable GPU; device {device}; check the driver, or use device cpu")
        log.debug("%s on %s", self._path, self.device)

    def __call__(self, waveform: Float32[np.ndarray, "batch time"]) -> Float32[np.ndarray, "batch time"]:
        """Enhances a batch; items don't influence each other.

        Args:
            waveform: at the model's sample rate and level (speech at about −26 dBFS), any length ≥ 1.

        Returns:
            As long as the input.

        Raises:
            ModelError: if the graph fails.
        """
        try:
            (enhanced,) = self._session.run([OUTPUT], {INPUT: waveform})
        except Exception as error:  # ONNX Runtime's errors have no common base
            raise ModelError(f"the graph failed ({_first_line(error)}); {self._path}; export it again") from error
        return enhanced

    def _started(self, graph: bytes, providers: list, threads: int) -> onnxruntime.InferenceSession:
        if EXTERNAL_DATA.search(graph):
            raise ModelError(
                f"the graph keeps tensors in other files; {self._path}; "
                f"export the model again with all of them inside: rephase export"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Waiting threads sleep: spinning ones would take the cores from decoding, and from everything else on the
        # machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=providers)
        except Exception as error:
            raise ModelError(
                f"ONNX Runtime {onnxruntime.__version__} can't load the graph ({_first_line(error)}); {self._path}; "
                f"update onnxruntime, or export the model again"
            ) from error
        names = [item.name for item in session.get_inputs()], [item.name for item in session.get_outputs()]
        if names != ([INPUT], [OUTPUT]):
            raise ModelError(
                f"the graph must map {INPUT} to {OUTPUT}, but maps {' '.join(names[0])} to {' '.join(names[1])}; "
                f"{self._path}; export the model again: rephase export"
            )
        return session


def _providers(device: str) -> list[str | tuple[str, dict[str, str]]]:
    if device == "cpu" or not has_cuda():
        return [CPU]
    index = device.partition(":")[2] or "0"
    return [(CUDA, {"device_id": index}), CPU]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
