"""Measures what a minute of training is worth, and writes docs/benchmarks-training.md.

    python benchmarks/training.py

Seconds are of the processor (all on one thread), which other work on the machine disturbs least; what is compared
takes turns in one process, and medians and their ratio are reported. Only the share of waiting is by the clock, of a
real run.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from plain_training import PlainLoss, plain_network
from reports import machine, table, versions, write
from torch import Tensor

from rephase.models.architectures import build
from rephase.models.network import Network
from rephase.training.engine import fit
from rephase.training.experiment import Experiment
from rephase.training.experiment_file import find_experiment, read_experiment
from rephase.training.objective import loss_terms, output_of
from rephase.training.sources import Sources, open_sources

ROOT = Path(__file__).parent.parent
REPORT, CLIPS = ROOT / "docs" / "benchmarks-training.md", ROOT / "tests" / "clips"
# Network: the experiment whose losses it is trained with, items and seconds of the compared step.
STEPS = {
    "renet-base": ("universal", 1, 1.0),
    "renet-small": ("universal", 1, 1.0),
    "renet-lite": ("renet-lite", 4, 2.0),
}
LENGTHS, ITEMS = (0.5, 1.0, 2.0, 4.0), (1, 2, 4)
GROWN = ("renet-small", "renet-lite")
ROUNDS, RUN_STEPS = 5, 40
ALIKE = 0.01  # how far the losses of both ways may lie apart


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure training.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often each takes its turn; default: {ROUNDS}")
    parser.add_argument("--steps", type=int, default=RUN_STEPS, help=f"of the real run; default: {RUN_STEPS}")
    parser.add_argument("--output", type=Path, default=REPORT, metavar="FILE", help=f"default: {REPORT.name} in docs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    with tempfile.TemporaryDirectory() as scratch:
        compared = {name: compare(name, Path(scratch) / "cache", options.rounds) for name in STEPS}
        grown = {name: growth(name, Path(scratch) / "cache", options.rounds) for name in GROWN}
        pace = real_run(Path(scratch), options.steps)
    write(options.output, page(compared, grown, pace, options))
    print(options.output)


def experiment_of(name: str, *changes: str) -> Experiment:
    """The experiment that trains a network, on the clips of the tests."""
    fixed = (f"network={name}", f"data.folder={CLIPS}", "data.rooms=4", "validation.batches=1")
    return read_experiment(find_experiment(STEPS[name][0]), [*fixed, *changes])


def parts(name: str, cache: Path) -> tuple[Experiment, Network, Sources]:
    """Experiment, network and data."""
    experiment = experiment_of(name)
    torch.manual_seed(0)
    network = build(experiment.network_config()).train()
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # so that both ways give the same loss
    return experiment, network, open_sources(experiment, cache)


def step_of(experiment: Experiment, network: Network, batch: tuple[Tensor, Tensor]) -> Callable[[], float]:
    """Forward, losses and backward as the engine has them."""

    def step() -> float:
        network.zero_grad()
        terms = loss_terms(experiment.losses, output_of(network, *batch), network)
        loss = torch.stack([getattr(experiment.losses, term) * value for term, value in terms.items()]).sum()
        loss.backward()
        return float(loss.detach())

    return step


def compare(name: str, cache: Path, rounds: int) -> dict[str, float]:
    """Our step, the plain one, and making its batch."""
    print(name, file=sys.stderr)
    experiment, network, sources = parts(name, cache)
    _, items, seconds = STEPS[name]
    batch = sources.training.batch((1, 0), items, seconds)
    plain, enhance = plain_network(network)
    plain.train()
    if hasattr(plain, "hadfs"):
        for hadf in plain.hadfs:
            hadf.dropout = 0.0
    plain_loss = PlainLoss(experiment.losses, network, enhance)

    def plainly() -> float:
        plain.zero_grad()
        loss = plain_loss(*batch)
        loss.backward()
        return float(loss.detach())

    ours = step_of(experiment, network, batch)
    one, two = ours(), plainly()
    if abs(one - two) > ALIKE * abs(one):
        raise SystemExit(f"{name}: the losses of both ways must be alike; got {one} and {two}")
    numbers = iter(range(1, 10**6))
    found = take_turns(
        {"ours": ours, "plain": plainly, "batch": lambda: sources.training.batch((1, next(numbers)), items, seconds)},
        rounds,
    )
    return found | {"loss": one, "plain_loss": two}


def growth(name: str, cache: Path, rounds: int) -> dict[tuple[int, float], float]:
    """Seconds of a step by items and length."""
    print(f"{name}: growth", file=sys.stderr)
    experiment, network, sources = parts(name, cache)
    sizes = [(1, seconds) for seconds in LENGTHS] + [(items, 1.0) for items in ITEMS[1:]]
    calls = {
        f"{items} {seconds}": step_of(experiment, network, sources.training.batch((2, 0), items, seconds))
        for items, seconds in sizes
    }
    found = take_turns(calls, max(1, rounds // 2))
    return {size: found[f"{size[0]} {size[1]}"] for size in sizes}


def real_run(scratch: Path, steps: int) -> dict[str, float]:
    """What a run of renet-lite says of its own pace."""
    print("a real run", file=sys.stderr)
    experiment = experiment_of(
        "renet-lite", f"budget={{minutes: null, steps: {steps}}}", "validation.every=100000",
        "validation.kinds=[denoise]",
        "validation.listen=0", "validation.checkpoint_every=100000",
    )  # fmt: skip
    fit(experiment, scratch / "run", open_sources(experiment, scratch / "cache"))
    pace: dict[str, float] = json.loads((scratch / "run" / "pace.json").read_text())
    return pace


def take_turns(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of the processor of each, after a warm-up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(1 + rounds):
        for name, call in calls.items():
            start = time.process_time()
            call()
            if number:
                seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def page(
    compared: Mapping[str, Mapping[str, float]],
    grown: Mapping[str, Mapping[tuple[int, float], float]],
    pace: Mapping[str, float],
    options: argparse.Namespace,
) -> str:
    """The report in Markdown."""
    usual = {"rounds": ROUNDS, "steps": RUN_STEPS}
    changed = [f"--{name} {getattr(options, name)}" for name in usual if getattr(options, name) != usual[name]]
    command = " ".join(["python benchmarks/training.py", *changed])
    steps = [
        [name, f"{STEPS[name][1]} × {STEPS[name][2]:g} s", f"{found['ours']:.2f} s", f"{found['plain']:.2f} s",
         f"{found['plain'] / found['ours']:.2f}"]
        for name, found in compared.items()
    ]  # fmt: skip
    loader = [
        [name, f"{STEPS[name][1]} × {STEPS[name][2]:g} s", f"{1000 * found['batch']:.0f} ms",
         f"{found['ours'] / found['batch']:.0f}"]
        for name, found in compared.items()
    ]  # fmt: skip
    lengths = [[name, *(f"{found[1, seconds] / seconds:.2f}" for seconds in LENGTHS)] for name, found in grown.items()]
    batches = [[name, *(f"{found[items, 1.0] / items:.2f}" for items in ITEMS)] for name, found in grown.items()]
    beside = "other work ran on the machine meanwhile, so that ratios say more than seconds"
    where = f"{machine()}; {versions(['torch', 'lightning', 'numpy'])}"
    return f"""# How fast a network is trained

Written by `{command}`: medians of turns in one process, on one thread.
Seconds are of the processor; {beside}.
{where}.

## A step against a plain re-statement of it

Forward, losses and backward. The plain one gives the same loss (within {100 * ALIKE:g} %, checked before it is
timed) by complex64 tensors and convolutions, and takes the STFTs that a loss needs for each loss anew; in the
published networks it also has an attention for each stream (`benchmarks/plain_training.py`).

{table(["network", "batch", "ours", "plain", "plain / ours"], steps)}

## The data loader against the step

Making a batch (crops, and whatever the experiment does to them) against the step that takes it; the goal is 5 times as
fast.

{table(["network", "batch", "making it", "step / making it"], loader)}

A real run of renet-lite over {pace["steps"]:.0f} steps of 4 × 2 s, its batches made by one process beside it,
waited for data {100 * pace["waiting_share"]:.1f} % of its time (goal: below 5 %).

## How the cost grows

Seconds for a second of audio, one item of so many seconds:

{table(["network", *(f"{seconds:g} s" for seconds in LENGTHS)], lengths)}

Seconds for an item of one second, so many in a batch:

{table(["network", *(f"{items} items" for items in ITEMS)], batches)}

Attention along time sees all frames in the published networks; in renet-lite it sees a window.
"""


if __name__ == "__main__":
    main()
