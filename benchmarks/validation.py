"""Scores models on the validation pairs of an experiment: what checkpoints and designs are chosen by.

    python benchmarks/validation.py MODEL ... --data FOLDER [--kinds denoise] [--batches 5] [--passes 2] [--dnsmos]

MODEL is a name or a folder; FOLDER holds speech.csv and noise.csv (docs/data.md). The pairs are those that
`renet-lite-finish` is validated on, eight of each kind a batch: speakers, noises and rooms that no training hears.
With more passes, what is scored is the mean of as many outputs, each of the input a part of a frame step later.
Prints a table of means, and of several models the share of pairs on which each is better than the first by PESQ.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from rephase.metrics import dnsmos, estoi, lsd, pd_deg, pesq_wb, si_sdr_db
from rephase.models.network import Network
from rephase.runtimes.torch import load_network
from rephase.training.experiment_file import find_experiment, read_experiment
from rephase.training.pairs import KINDS
from rephase.training.sources import open_sources
from rephase.weights.registry import find_model

METRICS = (pesq_wb, estoi, si_sdr_db, lsd, pd_deg)


def in_passes(network: Network, waveform: torch.Tensor, passes: int) -> torch.Tensor:
    """Mean of the outputs for a waveform that begins 0, 1/passes, 2/passes, ... of a frame step later."""
    shifts = [network.config.hop_length * number // passes for number in range(passes)]
    with torch.no_grad():
        return sum(network(torch.nn.functional.pad(waveform, (shift, 0)))[..., shift:] for shift in shifts) / passes


def scores(name: str, validation: object, *, passes: int, with_dnsmos: bool) -> dict[str, np.ndarray]:
    """For each kind of pairs the scores [pairs, metrics] of a model."""
    network, found = load_network(find_model(name)), dict[str, list[list[float]]]()
    for kind, degraded, clean in validation:
        enhanced = in_passes(network, degraded, passes).numpy()
        for estimate, reference in zip(enhanced, clean.numpy()):
            row = [m(reference=reference, estimate=estimate, sample_rate=16000) for m in METRICS]
            if with_dnsmos:
                row.append(dnsmos(estimate=estimate.clip(-1, 1), sample_rate=16000)["dnsmos_ovrl"])
            found.setdefault(kind, []).append(row)
    return {kind: np.array(rows) for kind, rows in found.items()}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="of pairs; default: all")
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--passes", type=int, choices=(1, 2, 4), default=1)
    parser.add_argument("--dnsmos", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    arguments = parser.parse_args()
    kinds, batches = f"validation.kinds=[{', '.join(arguments.kinds)}]", f"validation.batches={arguments.batches}"
    changes = [f"data.folder={arguments.data}", kinds, batches]
    experiment = read_experiment(find_experiment("renet-lite-finish"), changes)
    validation = open_sources(experiment, arguments.cache).validation
    names = [metric.__name__ for metric in METRICS] + ["dnsmos_ovrl"] * arguments.dnsmos
    print(f"| {' | '.join(['kind', 'model', 'pairs', *names, 'better'])} |")
    print("|---|---|" + "---:|" * (len(names) + 2))
    found = {
        name: scores(name, validation, passes=arguments.passes, with_dnsmos=arguments.dnsmos)
        for name in arguments.models
    }
    first = found[arguments.models[0]]
    for kind in first:
        for name, by_kind in found.items():
            rows = by_kind[kind]
            better = f"{100 * (rows[:, 0] > first[kind][:, 0]).mean():.0f} %" if rows is not first[kind] else ""
            print(
                f"| {' | '.join([kind, name, str(len(rows)), *(f'{m:.3f}' for m in rows.mean(0)), better])} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
