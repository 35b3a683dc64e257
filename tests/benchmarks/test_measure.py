"""One configuration, measured in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "measure.py"


def test_a_configuration_is_measured(identity_model):
    options = ["--runtime", "onnx", "--threads", "1", "--seconds", "2", "--repeats", "3"]
    done = subprocess.run(
        [sys.executable, SCRIPT, "--model", identity_model, *options], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert len(figures["rtf"]) == 3
    assert all(0 < rtf < 10 for rtf in figures["rtf"])
    assert 20e6 < figures["peak_bytes"] < 2e9
