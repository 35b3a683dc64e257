"""Blends what a run has learned with a model that it began from, or that began from it: the mean of their weights.

    python scripts/blend.py RUN MODEL -o FOLDER [--share 0.5] [--weights last.safetensors]

Weights that were trained on from others lie in one valley with them, and a point between both is often better than
either (Wortsman et al., 2022: arXiv:2109.01903). `benchmarks/validation.py MODEL FOLDER/model` tells whether it is.
FOLDER must not exist. It becomes a run that `rephase train --resume --run FOLDER` goes on with; its model/ is proven
and described as any run's.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from safetensors.torch import load_file
from torch import Tensor

from rephase.errors import RephaseError
from rephase.models.network import Network
from rephase.training.checkpoints import checkpoint_of
from rephase.training.experiment import Experiment
from rephase.training.experiment_file import read_experiment, write_experiment
from rephase.training.module import EnhancementModule
from rephase.training.result import save_weights, weight_facts, write_model
from rephase.training.sources import open_sources
from rephase.weights.registry import ModelFolder, find_model


def blended(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """The mean share · ours + (1 − share) · theirs.

    Raises:
        RephaseError: If they are weights of different networks, or the share lies outside 0 … 1.
    """
    if not 0 <= share <= 1:
        raise RephaseError(f"share must lie in 0 … 1; got {share:g}; try --share 0.5")
    if {name: value.shape for name, value in ours.items()} != {name: value.shape for name, value in theirs.items()}:
        raise RephaseError(
            "the run's weights are of another network than its experiment.yaml names; write it out there"
        )
    return {name: share * value + (1 - share) * theirs[name] for name, value in ours.items()}


def beginning(experiment: Experiment, run: Path, model: ModelFolder) -> Network:
    """The network as the run began: with the model's weights and, in what a larger one has more, those of its seed.

    Raises:
        RephaseError: If the run can't have begun with this model.
    """
    lightning.seed_everything(experiment.seed, verbose=False)
    module = EnhancementModule(experiment, run)
    module.begin_with(model)
    return module.network


def blend(run: Path, model: ModelFolder, target: Path, *, share: float, weights: str) -> ModelFolder:
    """Makes the run `target`, with its model.

    Args:
        run: folder of a finished run.
        model: that the run began from, or that began from its weights.
        target: folder to be made.
        share: of the run's weights.
        weights: file of the run: `last.safetensors` or `best.safetensors`.

    Returns:
        The model.

    Raises:
        RephaseError: If there is something at the target already, run and model don't belong together, or the run's
            recordings are gone.
    """
    if target.exists():
        raise RephaseError(f"the folder exists; {target}; name another one")
    experiment = read_experiment(run / "experiment.yaml")
    network = beginning(experiment, run, model)
    network.load_state_dict(blended(load_file(run / weights), network.state_dict(), share))
    facts: dict[str, Any] = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))["training"]
    checkpoint = torch.load(checkpoint_of(run), map_location="cpu", weights_only=True)
    for prefix in ("network.", "averaged.module."):
        checkpoint["state_dict"] |= {prefix + name: value for name, value in network.state_dict().items()}
    cache = Path(experiment.data.cache) if experiment.data.cache else run.parent / "cache"
    _, degraded, clean = open_sources(experiment, cache).validation[0]
    # From here on nothing is missing: a folder that is made becomes whole.
    checkpoint_of(target).parent.mkdir(parents=True)
    torch.save(checkpoint, checkpoint_of(target))
    write_experiment(experiment, target / "experiment.yaml")
    blended_with = {"model": model.name, "version": model.version, "share": round(1 - share, 6)}
    before = weight_facts(run / weights)  # of a run that is a blend already, with what it was blended of
    chosen = {
        "step": before.get("step"),
        "weights_of_the_run": before if "blended_with" in before else weights,
        "blended_with": blended_with,
    }
    save_weights(network, chosen, target / "best.safetensors")
    return write_model(target, experiment, facts, speech=[w.numpy() for w in degraded[:2]], clean=clean)


def main() -> int:
    """Blends and tells where the model is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("model")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="of the run's weights")
    parser.add_argument("--weights", choices=["last.safetensors", "best.safetensors"], default="last.safetensors")
    arguments = parser.parse_args()
    try:
        run, model = arguments.run, find_model(arguments.model)
        made = blend(run, model, arguments.output, share=arguments.share, weights=arguments.weights)
    except (RephaseError, OSError) as error:
        print(f"blend: {error}", file=sys.stderr)
        return 1
    print(f"{made.path}: rephase enhance FILE --model {made.path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
