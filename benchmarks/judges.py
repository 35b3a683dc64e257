"""How fast judges learn to tell enhanced speech from clean: what an opponent is worth on a CPU.

    python benchmarks/judges.py --data FOLDER [--steps 150]

FOLDER holds speech.csv and noise.csv (docs/data.md). Four items of two seconds a step, degraded as for
`renet-lite-finish` and enhanced by the weights in the box, which stay as they are; a step has new items until 400 have
been seen. Prints for each judge the CPU time of one thread for a step, and the mean loss of fifths of the run, where
0.5 is chance.
"""

import argparse
import time
from pathlib import Path

import torch

from rephase.runtimes.torch import load_network
from rephase.training.experiment import Adversaries, Experiment, PeriodAdversary, SpectrumAdversary
from rephase.training.experiment_file import find_experiment, read_experiment
from rephase.training.objective import Output, output_of
from rephase.training.opponents import Opponents
from rephase.training.sources import open_sources
from rephase.weights.registry import find_model

BATCHES, PARTS = 100, 5
JUDGES = {
    "five periods, 8 to 64 channels": Adversaries(
        periods=PeriodAdversary(weight=1.0, channels=(8, 16, 32, 64), emphasis=0.95, learning_rate=1e-3)
    ),
    "spectra, one of 16 channels": Adversaries(
        spectra=SpectrumAdversary(weight=1.0, resolutions=((512, 256),), channels=16, learning_rate=1e-3)
    ),
}


def enhanced(experiment: Experiment, cache: Path) -> list[Output]:
    """What the weights in the box make of training pairs."""
    network, training = load_network(find_model("renet-lite")), open_sources(experiment, cache).training
    with torch.no_grad():
        pairs = [
            training.batch((experiment.seed, n), experiment.batch.items, experiment.batch.seconds)
            for n in range(BATCHES)
        ]
        return [output_of(network, degraded, clean, enhance=network.enhance) for degraded, clean in pairs]


def learn(judge: Adversaries, outputs: list[Output], steps: int) -> tuple[list[float], float]:
    """The loss of each judge, its mean over them, by fifths of the run; seconds of a step."""
    torch.manual_seed(0)
    opponents = Opponents(judge, load_network(find_model("renet-lite")).config)
    (name,), optimizers = opponents.names(), opponents.make_optimizers()
    judges = len(getattr(opponents, name).judges)
    losses, start = [], time.process_time()
    for step in range(steps):
        logged = opponents.learn([outputs[step % len(outputs)]], optimizers, step=step, backward=torch.Tensor.backward)
        losses.append(float(logged[f"opponent_{name}"]) / judges)
    seconds = (time.process_time() - start) / steps
    return [float(part.mean()) for part in torch.tensor(losses).chunk(PARTS)], seconds


def main() -> None:
    """Prints a line for each judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    experiment = read_experiment(find_experiment("renet-lite-finish"), [f"data.folder={arguments.data}"])
    outputs = enhanced(experiment, arguments.cache)
    for name, judge in JUDGES.items():
        losses, seconds = learn(judge, outputs, arguments.steps)
        print(f"{name:32s} {seconds:.3f} s  {' '.join(f'{loss:.3f}' for loss in losses)}")


if __name__ == "__main__":
    main()
