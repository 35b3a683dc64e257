"""Writing a model folder: weights, graph and description, all of them or nothing.

Files are made in a folder beside the target, which takes the target's name when everything is proven and written. The
same network and facts give the same bytes.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save

from rephase.errors import OutputError
from rephase.export.cost import count_parameters, gmac_per_second
from rephase.export.graph import waveform_graph
from rephase.export.parity import prove_parity
from rephase.models.network import Network
from rephase.weights.registry import CONFIG_FORMAT, CONFIG_NAME, ModelFolder


@dataclass(frozen=True)
class ModelFacts:
    """What a network can't tell about itself.

    Attributes:
        name: what `--model` shall call it; the folder's name where it is bundled.
        version: of the weights.
        task: what it was trained for, such as `denoise`.
        licence: of the weights.
        training: facts about the training, as JSON can hold them: data, steps, hours.
    """

    name: str
    version: str
    task: str = "denoise"
    licence: str = "MIT"
    training: Mapping[str, Any] = field(default_factory=dict)


def describe(network: Network, facts: ModelFacts) -> dict[str, Any]:
    """The description of a model whose weights don't ship: all fields of `config.json`, and no files.

    Args:
        network: its sizes are counted.
        facts: the rest.

    Returns:
        What JSON can hold.
    """
    config = network.config
    return {
        "format": CONFIG_FORMAT,
        "name": facts.name,
        "version": facts.version,
        "architecture": type(network).__name__,
        "task": facts.task,
        "licence": facts.licence,
        "sample_rate": config.sample_rate,
        "hop_length": config.hop_length,
        "parameters": count_parameters(network),
        "gmac_per_second": round(gmac_per_second(network), 4),
        "latency_ms": config.latency_ms,
        "receptive_field": {"past_samples": config.past_context, "future_samples": config.future_context},
        "chunk_samples": config.chunk_samples,
        "network": config.to_dict(),
        "training": dict(facts.training),
        "files": {},
    }


def as_json(description: Mapping[str, Any]) -> str:
    """A description as it stands in `config.json`.

    Args:
        description: as `describe` gives it.

    Returns:
        Text with an end of line.
    """
    return json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_model_folder(
    folder: Path, network: Network, facts: ModelFacts, speech: Sequence[np.ndarray] = ()
) -> ModelFolder:
    """Writes a complete model folder, once its graph is proven to give what the network gives.

    Args:
        folder: where it goes; a model folder of that path is replaced as a whole.
        network: with its weights.
        facts: what goes into the description.
        speech: recordings [time] at the network's sample rate, for the proof.

    Returns:
        The model, as the registry reads it back.

    Raises:
        ParityError: if the graph is off.
        OutputError: if the path holds something else than a model, or can't be written.
    """
    if folder.exists() and not (folder / CONFIG_NAME).is_file():
        raise OutputError(f"the output exists and is no model folder; {folder}; choose another path")
    network = network.eval()
    graph = waveform_graph(network, name=facts.name, version=facts.version)
    prove_parity(network, graph, speech)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    contents = {"model.onnx": graph.SerializeToString(deterministic=True), "model.safetensors": save(tensors)}
    description = describe(network, facts) | {
        "files": {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in contents.items()
        }
    }
    contents[CONFIG_NAME] = as_json(description).encode()
    try:
        _write_together(folder, contents)
    except OSError as error:
        raise OutputError(f"can't write the model ({error.strerror}); {folder}; choose another path") from error
    return ModelFolder.read(folder)


def _write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        if folder.exists():
            shutil.copytree(folder, new)  # what else lies in it stays
        new.mkdir(exist_ok=True)
        for name, content in contents.items():
            (new / name).write_bytes(content)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
