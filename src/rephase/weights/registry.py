"""Model folders: a `config.json` that describes a model, and the files that hold its weights.

    <name>/config.json          what the model is, and the SHA-256 of each file below
    <name>/model.onnx           the graph, waveform to waveform
    <name>/model.safetensors    the same weights for torch

A folder may come from a stranger, so nothing in it is trusted: every field of the description is checked, file names
may not lead out of the folder, of a file only bytes whose SHA-256 is the described one are used, and nothing is
unpickled.
"""

import difflib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rephase.errors import ModelError

BUNDLED = Path(__file__).parent
CONFIG_NAME = "config.json"
CONFIG_FORMAT = 1

Value = TypeVar("Value")


@dataclass(frozen=True)
class ModelFile:
    """One file of a model folder, as its description says it must be."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class ModelFolder:
    """A model as its `config.json` describes it.

    Attributes:
        path: the folder.
        name: what `--model` calls it.
        version: version of the weights.
        architecture: name of the network's class.
        task: what it was trained for, such as `denoise`.
        licence: licence of the weights.
        sample_rate: of the waveform it takes and gives, Hz.
        hop_length: frame step, samples; chunks start on multiples of it.
        parameters: how many learned numbers it holds.
        gmac_per_second: 1e9 multiply-accumulates for one second of audio.
        latency_ms: how long after a sample its result is final, ms.
        past_samples: how far back an output sample depends on the input, samples.
        future_samples: how far ahead, samples.
        chunk_samples: preferred length of one call, samples.
        network: fields of the architecture's configuration.
        training: facts about the training: data, steps, hours.
        files: the weight files by name; empty where no weights ship.
    """

    path: Path
    name: str
    version: str
    architecture: str
    task: str
    licence: str
    sample_rate: int
    hop_length: int
    parameters: int
    gmac_per_second: float
    latency_ms: float
    past_samples: int
    future_samples: int
    chunk_samples: int
    network: Mapping[str, Any] = field(hash=False)
    training: Mapping[str, Any] = field(hash=False)
    files: Mapping[str, ModelFile] = field(hash=False)

    @property
    def has_weights(self) -> bool:
        """Whether the folder holds weights, so that the model can run."""
        return bool(self.files)

    @property
    def is_local(self) -> bool:
        """Whether a sample is final once `future_samples` more are there, so that chunks give what one call gives.

        Norms and attention over a whole call wait for its end: such a model says so with its latency.
        """
        return self.latency_ms * self.sample_rate / 1000 <= self.future_samples + self.hop_length

    @classmethod
    def read(cls, folder: Path) -> "ModelFolder":
        """Reads and checks a folder's description.

        Args:
            folder: the folder that holds `config.json`.

        Returns:
            The described model; its weight files have not been looked at.

        Raises:
            ModelError: if the description is missing, is no JSON, or a field is missing or not what it must be.
        """
        config = _Fields(_read_json(folder / CONFIG_NAME), where=folder / CONFIG_NAME)
        if (version := config.take("format", int)) != CONFIG_FORMAT:
            raise ModelError(
                f"format must be {CONFIG_FORMAT}, got {version}; {folder / CONFIG_NAME}; "
                f"the model was made for another version of rephase: update rephase or the model"
            )
        receptive_field = config.inner("receptive_field")
        files = config.inner("files")
        return cls(
            path=folder,
            name=config.take("name", str),
            version=config.take("version", str),
            architecture=config.take("architecture", str),
            task=config.take("task", str),
            licence=config.take("licence", str),
            sample_rate=config.count("sample_rate", least=1),
            hop_length=config.count("hop_length", least=1),
            parameters=config.count("parameters"),
            gmac_per_second=config.take("gmac_per_second", float),
            latency_ms=config.take("latency_ms", float),
            past_samples=receptive_field.count("past_samples"),
            future_samples=receptive_field.count("future_samples"),
            chunk_samples=config.count("chunk_samples", least=1),
            network=config.take("network", dict),
            training=config.take("training", dict),
            files={name: _described_file(name, files.inner(name)) for name in files.values},
        )

    def verified_bytes(self, filename: str) -> bytes:
        """The content of a weight file, once it is known to be the described one.

        Whoever uses it uses these bytes and doesn't open the file again: by then it could be another one.

        Args:
            filename: `model.onnx` or `model.safetensors`.

        Returns:
            The very bytes that were checked.

        Raises:
            ModelError: if no weights ship, or the file is not described, is missing, leads out of the folder,
                or holds anything else than what the description's SHA-256 stands for.
        """
        if not self.has_weights:
            ready = ", ".join(model.name for model in list_models() if model.has_weights) or "none yet"
            raise ModelError(
                f"model {self.name} ships no weights; {self.path}; "
                f"take one that does ({ready}), or train it and name the folder: --model FOLDER"
            )
        if filename not in self.files:
            raise ModelError(
                f"model {self.name} has no {filename}; {self.path}; it holds {', '.join(sorted(self.files))}: "
                f"choose the other runtime, or export the model again"
            )
        described = self.files[filename]
        path = self.path / filename
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise ModelError(f"{filename} leads out of its folder; {path}; put the file itself there, not a link")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(f"can't read {filename} ({error.strerror}); {path}; install the model again") from error
        if hashlib.sha256(content).hexdigest() != described.sha256:
            raise ModelError(
                f"{filename} is not the file that {CONFIG_NAME} describes (SHA-256 differs, {len(content)} bytes "
                f"instead of {described.bytes}); {path}; it is damaged or was changed: install the model again"
            )
        return content


def list_models() -> list[ModelFolder]:
    """All bundled models, by name.

    Returns:
        The models, those whose weights ship and those without.

    Raises:
        ModelError: if a bundled description is broken, which means that the installation is.
    """
    return [ModelFolder.read(config.parent) for config in sorted(BUNDLED.glob(f"*/{CONFIG_NAME}"))]


def find_model(name_or_folder: str | os.PathLike[str]) -> ModelFolder:
    """Finds a model by the name of a bundled one, or by its folder.

    A bundled name wins over a folder of that name in the current directory; `./renet-lite` names the folder.

    Args:
        name_or_folder: such as `renet-lite` or `runs/mine/export`.

    Returns:
        The model.

    Raises:
        ModelError: if there is no such model, with the nearest names, or its description is broken.
    """
    bundled = {model.name: model for model in list_models()}
    if name_or_folder in bundled:
        return bundled[str(name_or_folder)]
    folder = Path(name_or_folder).expanduser()
    if folder.is_dir():
        return ModelFolder.read(folder)
    nearest = difflib.get_close_matches(folder.name, bundled, cutoff=0.5)
    raise ModelError(
        f"there is no model {str(name_or_folder)!r}; neither a bundled model nor a folder has that name; "
        + (f"did you mean {' or '.join(nearest)}?" if nearest else f"choose one of: {', '.join(bundled) or 'none'}")
    )


class _Fields:
    """The fields of one JSON object, taken with their types checked."""

    def __init__(self, values: object, where: str | Path) -> None:
        if not isinstance(values, dict):
            raise ModelError(f"must be a JSON object, got {type(values).__name__}; {where}; correct the file")
        self.values: dict[str, Any] = values
        self._where = where

    def take(self, name: str, kind: type[Value]) -> Value:
        """The value of a field; a whole number will do where a float is expected."""
        value = self.values.get(name)
        if kind is float and type(value) is int:
            value = float(value)
        if not isinstance(value, kind) or isinstance(value, bool):
            got = f"{value!r}" if name in self.values else "nothing"
            raise ModelError(f"{name} must be {kind.__name__}, got {got:.60}; {self._where}; correct the file")
        return value

    def count(self, name: str, least: int = 0) -> int:
        """A whole number that is at least `least`."""
        value = self.take(name, int)
        if value < least:
            raise ModelError(f"{name} must be at least {least}, got {value}; {self._where}; correct the file")
        return value

    def inner(self, name: str) -> "_Fields":
        """A field that is an object itself."""
        return _Fields(self.take(name, dict), where=f"{self._where}, {name}")


def _described_file(name: str, fields: _Fields) -> ModelFile:
    if name in ("", ".", "..", CONFIG_NAME) or {"/", "\\", ":", "\0"} & set(name):
        raise ModelError(
            f"files holds {name!r}, which is no plain file name; {fields._where}; name files of the folder itself"
        )
    return ModelFile(name=name, sha256=fields.take("sha256", str), bytes=fields.count("bytes"))


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"this is no model folder, it has no {path.name}; {path.parent}; check the path") from error
    except OSError as error:
        raise ModelError(f"can't read it ({error.strerror}); {path}; check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"this is no JSON ({error}); {path}; correct the file") from error
