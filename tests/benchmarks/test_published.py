"""One network in a process of its own, and the report made of such figures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(("kind", "mode"), [("pairs", "forward"), ("complex", "training")])
def test_a_network_is_measured(kind, mode):
    options = ["--model", "renet-small", "--threads", "1", "--seconds", "0.1", "--repeats", "2"]
    command = [sys.executable, BENCHMARKS / "published_step.py", *options, "--kind", kind, "--pass", mode]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert len(figures["seconds"]) == len(figures["matmul"]) == 2
    assert all(0 < seconds < 60 for seconds in figures["seconds"])
    assert all(gmac > 0.1 for gmac in figures["matmul"])
    assert 1e6 < figures["peak_bytes"] < 4e9


def test_the_report_has_ratios_verdicts_and_operations():
    code = """
from published import KINDS, LENGTHS, MODELS, Configuration, report
choices = [Configuration(MODELS[0], "forward", 1, LENGTHS[0]), Configuration(MODELS[1], "training", 2, LENGTHS[0])]
found = {
    (choice, kind): {"seconds": [1.0 + 3.0 * number], "peak_bytes": [1e8 * (1 + number)], "matmul": [50.0]}
    for choice in choices for number, kind in enumerate(KINDS)
}
print(report(found, choices, 1, 1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=BENCHMARKS, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "| renet-small, forward, 1 thread, 1 s | 1.00 | 4.00 | 0.25 | 100 | 200 | 0.50 | 45 % |" in done.stdout
    assert "| renet-base, training, 2 threads, 1 s | 1.00 | 4.00 | 0.25 | 100 | 200 | 0.50 |  |" in done.stdout
    assert "time: median ratio 0.25, from 0.25 to 0.25; the goal of at most 0.5 is met in 2 of 2 rows" in done.stdout
    assert "| renet-small | 22.42 | " in done.stdout
