"""What a run leaves: weights with the scores they belong to, and the model folder made of the best of them."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from rephase import __version__
from rephase.data.corpus import PackedCorpus
from rephase.data.sources import source_facts
from rephase.export.folder import ModelFacts, write_model_folder
from rephase.models.architectures import build
from rephase.models.presets import PRESETS
from rephase.models.renet_lite import RENetLite
from rephase.training.experiment import DEFAULT_TASK, Experiment
from rephase.training.experiment_file import plain
from rephase.training.tasks import task_of
from rephase.weights.registry import ModelFolder


def save_weights(network: torch.nn.Module, facts: dict[str, Any], target: Path) -> None:
    """Writes weights; a file that stands there is replaced whole.

    Args:
        network: its state is written.
        facts: the step and the scores they belong to.
        target: path of the file, ending in .safetensors.
    """
    part = target.with_suffix(".part")
    save_file(network.state_dict(), part, metadata={"facts": json.dumps(facts)})
    part.replace(target)


def weight_facts(weights: Path) -> dict[str, Any]:
    """The facts that `save_weights` wrote with the weights; empty where there is no file, or no facts in it."""
    if not weights.exists():
        return {}
    with safe_open(weights, "pt") as file:
        return dict(json.loads((file.metadata() or {}).get("facts", "{}")))


def training_facts(
    experiment: Experiment,
    corpora: Sequence[PackedCorpus],
    *,
    steps: int,
    minutes: float,
    starts: Sequence[dict[str, Any]],
    devices: int = 1,
) -> dict[str, Any]:
    """What a model's description says of its training.

    Args:
        experiment: of the run, with its seed.
        corpora: what it trained on.
        steps: that it took.
        minutes: that it trained.
        starts: of the run, each with the step that it went on from, its experiment, and the model it began with if any.
        devices: that worked together.

    Returns:
        `data` (source, licence, files, hours), `steps`, `minutes`, `audio_hours` heard, `experiment`, the step
        of each start with the model it began with (and what that one was trained on) and what its experiment had other
        than `experiment`, and torch's version.
    """
    now, batch = plain(experiment), experiment.batch
    for place in ("folder", "cache"):  # of one machine
        now["data"].pop(place)
    return {
        "data": [fact for corpus in corpora for fact in source_facts(corpus)],
        "steps": steps,
        "minutes": round(minutes, 1),
        "audio_hours": round(steps * devices * batch.items * batch.seconds / 3600, 3),
        "experiment": now,
        "starts": [
            {key: value for key, value in start.items() if key != "experiment"} | _differences(start["experiment"], now)
            for start in starts
        ],
        "torch": torch.__version__,
    }


def _differences(earlier: dict[str, Any], now: dict[str, Any], path: str = "") -> dict[str, Any]:
    """The values of an earlier experiment that are others now, by the dotted path of their keys."""
    found: dict[str, Any] = {}
    for key, value in now.items():
        if isinstance(value, dict) and isinstance(earlier.get(key), dict):
            found |= _differences(earlier[key], value, f"{path}{key}.")
        elif key in earlier and earlier[key] != value:
            found[path + key] = earlier[key]
    return found


def give_level_back(network: RENetLite, clean: Float32[Tensor, "items time"]) -> float:
    """Sets the network's make-up gain so that clean speech comes out as loud as it went in.

    What is best for noisy speech is a little too soft, as no network can be sure of every bin; it takes as much off
    clean speech, a plain gain on all of it, which is measured here.

    Args:
        network: its `makeup` is set.
        clean: speech of the validation split, full scale ±1.

    Returns:
        The make-up gain, dB.
    """
    network.makeup.fill_(1.0)
    with torch.no_grad():
        enhanced = network.eval()(clean)
    gain = float((enhanced * clean).sum() / clean.square().sum())
    if not gain > 0:  # silence, or a network that has learned nothing yet: there is no level to give back
        return 0.0
    network.makeup.fill_(gain**-network.config.compression)
    return -20 * math.log10(gain)


def model_name(experiment: Experiment, run: Path) -> str:
    """The name of a run's model: that of its preset, with the task unless it is `universal`; else the run's folder's.

    Args:
        experiment: of the run.
        run: its folder.

    Returns:
        Such as `renet-lite`, `renet-lite-denoise` or `mine`.

    Raises:
        ExperimentError: If the experiment's network can't be built, or its task is unknown.
    """
    config, task = experiment.network_config(), task_of(experiment)
    for name, preset in PRESETS.items():
        if config == replace(preset, phase_only=task.phase_only):
            return name if experiment.task == DEFAULT_TASK else f"{name}-{experiment.task}"
    return run.resolve().name


def write_model(
    run: Path,
    experiment: Experiment,
    facts: dict[str, Any],
    *,
    speech: Sequence[Float32[np.ndarray, " time"]],
    clean: Float32[Tensor, "items time"],
) -> ModelFolder:
    """Writes `run`/model from the best averaged weights, or from the last ones where none could be scored.

    Args:
        run: folder with best.safetensors or last.safetensors.
        experiment: of the run.
        facts: about the training; the step and scores of the chosen weights are added.
        speech: recordings for the proof that the graph gives what the network gives.
        clean: speech of the validation split that the level of the output is set by, where the network has such a gain.

    Returns:
        The model as the registry reads it back.
    """
    best = run / "best.safetensors"
    weights = best if best.exists() else run / "last.safetensors"
    config = experiment.network_config()
    network = build(config)
    network.load_state_dict(load_file(weights))
    training = facts | {"chosen": {"weights": weights.name, **weight_facts(weights)}}
    if isinstance(network, RENetLite) and not config.phase_only:
        training["makeup_db"] = round(give_level_back(network, clean), 3)
    name = model_name(experiment, run)
    described = ModelFacts(name=name, version=__version__, task=experiment.task, training=training)
    return write_model_folder(run / "model", network, described, speech)
