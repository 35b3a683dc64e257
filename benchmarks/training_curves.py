"""Draws how runs went: python benchmarks/training_curves.py RUN... -o docs/images/training-curves.png.

A panel for each run shows the metric that its weights are chosen by, over the steps, with the published weights of the
losses and the network that its experiment names. The table of the figures goes to stdout, as Markdown.
"""

import argparse
import csv
from pathlib import Path

from rephase.reporting.plots import BLUE, as_png, panels
from rephase.training.experiment_file import read_experiment
from rephase.training.tasks import LESS_IS_BETTER, task_of


def scores(run: Path, name: str, steps: int | None) -> dict[int, float]:
    """The metric at each validation of a run, by the number of steps before it, of so many in all."""
    found: dict[int, float] = {}
    for path in sorted(run.glob("metrics*.csv"), key=lambda path: path.stat().st_mtime):
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get(name)]
        found |= {min(int(row["step"]) + 1, steps or int(row["step"])): float(row[name]) for row in rows}
    return found


def main() -> None:
    """Draws and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder that rephase train has left")
    parser.add_argument("--output", "-o", type=Path, required=True, metavar="FILE.png", help="the picture")
    options = parser.parse_args()
    figure, plots = panels(len(options.runs), 2.6)
    rows = []
    for run, plot in zip(options.runs, plots):
        experiment = read_experiment(run / "experiment.yaml")
        chosen = task_of(experiment).choose_by
        curve = scores(run, f"valid_{chosen.__name__}", experiment.budget.steps)
        plot.plot(curve.keys(), curve.values(), color=BLUE, marker="o", markersize=4)
        plot.set_title(f"{run.name}: {chosen.__name__} {'↓' if chosen in LESS_IS_BETTER else '↑'}", loc="left")
        plot.set_xlabel("step")
        rows.append((run.name, chosen.__name__, curve))
    options.output.write_bytes(as_png(figure))
    steps = sorted({step for _, _, curve in rows for step in curve})
    print("| run | metric |" + "".join(f" step {step} |" for step in steps))
    print("|---|---|" + "---:|" * len(steps))
    for name, metric, curve in rows:
        print(f"| {name} | {metric} |" + "".join(f" {curve[s]:.3f} |" if s in curve else " |" for s in steps))


if __name__ == "__main__":
    main()
