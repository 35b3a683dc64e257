"""One ONNX file from a model: what `rephase export` does.

The graph is proven on signals made up for that and on `speech.flac` beside this file: one and a half seconds of
LibriSpeech test-other (speaker 3080) with Speech Commands' exercise bike at 10 dB SNR, both CC BY 4.0.
"""

import os
import secrets
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from jaxtyping import Float32

from rephase.errors import ModelError, OutputError
from rephase.export.graph import waveform_graph
from rephase.export.parity import Parity, prove_parity
from rephase.models.architectures import build
from rephase.models.network import Network
from rephase.models.presets import PRESETS
from rephase.runtimes.torch import load_network, make_network
from rephase.weights.registry import find_model

SPEECH = Path(__file__).with_name("speech.flac")


def export_file(
    model: str | os.PathLike[str], target: Path, *, random: bool = False, overwrite: bool = False
) -> Parity:
    """Writes the ONNX graph of a model, once it is proven to give what the network gives.

    Args:
        model: a bundled model's name, a preset's name (with `random`), or a model's folder.
        target: the file to write.
        random: take random weights instead of the model's, the same on every call.
        overwrite: whether an existing file may be replaced.

    Returns:
        How near the graph is to the network.

    Raises:
        ModelError: if there is no such model, or no weights and none were to be made up.
        ParityError: if the graph is off; nothing is written.
        OutputError: if the file can't be written.
    """
    _check(target, overwrite)
    network, name, version = network_of(model, random=random)
    graph = waveform_graph(network, name=name, version=version)
    parity = prove_parity(network, graph, [_speech(network.config.sample_rate)])
    temporary = target.with_name(f".rephase-{secrets.token_hex(8)}.onnx")
    try:
        temporary.write_bytes(graph.SerializeToString(deterministic=True))
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"can't write the graph ({error.strerror}); {target}; choose another path") from error
    finally:
        temporary.unlink(missing_ok=True)
    return parity


def _speech(sample_rate: int) -> Float32[np.ndarray, " time"]:
    """The recording in the package, at the rate of the network."""
    waveform, rate = soundfile.read(SPEECH, dtype="float32")
    return soxr.resample(waveform, rate, sample_rate)


def _check(target: Path, overwrite: bool) -> None:
    """Refuses what can't be written before the minute that an export takes."""
    if target.suffix != ".onnx":
        raise OutputError(f"the output must be named *.onnx; {target}; choose such a name")
    if not target.parent.is_dir():
        raise OutputError(
            f"the output folder doesn't exist; {target.parent}; make it first: mkdir -p '{target.parent}'"
        )
    if target.is_dir():
        raise OutputError(f"the output is a folder; {target}; name a file in it")
    if target.exists() and not overwrite:
        raise OutputError(f"the output exists already; {target}; choose another name, or allow it: --overwrite")


def network_of(model: str | os.PathLike[str], *, random: bool = False) -> tuple[Network, str, str]:
    """The network of a model, its name, and the version of its weights.

    Args:
        model: a bundled model's name, a preset's name (with `random`), or a model's folder.
        random: take random weights instead of the model's, the same on every call.

    Returns:
        The network, ready to run; the version is `random` for random weights.

    Raises:
        ModelError: if there is no such model, or no weights and none were to be made up.
    """
    if not random:
        folder = find_model(model)
        if not folder.has_weights:
            raise ModelError(
                f"model {folder.name} ships no weights; {folder.path}; train it and name its folder, "
                f"or take random ones: --random"
            )
        return load_network(folder), folder.name, folder.version
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if model in PRESETS:
            return build(PRESETS[str(model)]).eval(), str(model), "random"
        folder = find_model(model)
        return make_network(folder), folder.name, "random"
