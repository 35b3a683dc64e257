"""torch as runtime: for GPUs, and for whoever works on the network itself. Needs `rephase[torch]`."""

import logging

import numpy as np
import torch
from jaxtyping import Float32
from safetensors import SafetensorError
from safetensors.torch import load

from rephase.errors import ModelError
from rephase.models.architectures import ARCHITECTURES, build
from rephase.models.network import Network
from rephase.runtimes.base import choose_runtime
from rephase.weights.registry import ModelFolder

log = logging.getLogger(__name__)

WEIGHTS = "model.safetensors"
LISTED = 5  # how many names of tensors a message holds


class TorchRuntime:
    """A model's network in torch, ready to run.

    Args:
        folder: the model.
        device: `auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:N` or `mps`.

    Raises:
        ModelError: if weights are missing, damaged, or don't fit the network, or torch can't use the device.
        ValueError: if the device is unknown.
    """

    name = "torch"

    def __init__(self, folder: ModelFolder, device: str = "auto") -> None:
        choose_runtime("torch", device)
        place = _device(device)
        network = load_network(folder)
        try:
            # As the CPU's convolutions want them: the published networks run a little faster, renet-lite as fast.
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack it
            self._network = network.to(place)
        except (RuntimeError, AssertionError) as error:  # torch raises either where a GPU can't be used
            raise ModelError(f"torch can't use device {device} ({error}); use device cpu") from error
        self._place = place
        self.device = place.type
        log.debug("%s in torch %s on %s", folder.path, torch.__version__, place)

    def __call__(self, waveform: Float32[np.ndarray, "batch time"]) -> Float32[np.ndarray, "batch time"]:
        """Enhances a batch; items don't influence each other.

        Args:
            waveform: at the model's sample rate and level (speech at about −26 dBFS), any length ≥ 1.

        Returns:
            As long as the input.

        Raises:
            ModelError: if the network fails, such as for want of memory.
        """
        try:
            with torch.inference_mode():
                return self._network(torch.tensor(waveform, device=self._place)).cpu().numpy()
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(f"the network failed on {self._place} ({reason}); use device cpu") from error


def make_network(folder: ModelFolder) -> Network:
    """The network that a folder describes, with random weights.

    Args:
        folder: the model.

    Returns:
        The network, ready to run (in evaluation mode).

    Raises:
        ModelError: if the architecture is unknown, or its configuration is not one.
    """
    if folder.architecture not in ARCHITECTURES:
        raise ModelError(
            f"architecture {folder.architecture!r} is unknown; {folder.path}; "
            f"known are {', '.join(ARCHITECTURES)}: update rephase, or use runtime onnx"
        )
    kind, _ = ARCHITECTURES[folder.architecture]
    try:
        config = kind.from_dict(dict(folder.network))
    except (TypeError, ValueError) as error:
        raise ModelError(f"{error}; {folder.path}; correct `network` in its config.json") from error
    return build(config).eval()


def load_network(folder: ModelFolder) -> Network:
    """The network of a folder with its weights, once they are known to be the described ones.

    Args:
        folder: the model.

    Returns:
        The network on the CPU, ready to run (in evaluation mode).

    Raises:
        ModelError: if weights are missing or damaged, or their tensors are not those of the network: all that are
            missing, unexpected or of another shape are named at once.
    """
    path = folder.path / WEIGHTS
    content = folder.verified_bytes(WEIGHTS)
    network = make_network(folder)
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ModelError(f"can't read {WEIGHTS} ({error}); {path}; install the model again") from error
    expected = network.state_dict()
    faults = [
        *_listed("missing", sorted(expected.keys() - tensors.keys())),
        *_listed("unexpected", sorted(tensors.keys() - expected.keys())),
        *_listed(
            "of another shape",
            [
                f"{name} {_shape(tensors[name])} instead of {_shape(expected[name])}"
                for name in sorted(expected.keys() & tensors.keys())
                if tensors[name].shape != expected[name].shape
            ],
        ),
    ]
    if faults:
        raise ModelError(
            f"the weights don't fit the network: {'; '.join(faults)}; {path}; "
            f"`network` in config.json and the weights belong to different models: export the model again"
        )
    network.load_state_dict(tensors)
    return network


def _listed(fault: str, names: list[str]) -> list[str]:
    """A fault with the names it concerns, the first few of them; nothing if there are none."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return [f"{fault}: {', '.join(names[:LISTED])}{more}"] if names else []


def _shape(tensor: torch.Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"


def _device(device: str) -> torch.device:
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
