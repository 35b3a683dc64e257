"""The benchmark of rephase evaluate, on a few pairs."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pesq")
pytest.importorskip("pystoi")
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "evaluation.py"


def test_it_writes_its_report(tmp_path):
    target = tmp_path / "docs" / "evaluation.md"
    command = [sys.executable, SCRIPT, "--pairs", "4", "--looped", "1", "--output", target]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    text = target.read_text(encoding="utf-8")
    assert "4 pairs of four seconds" in text
    (ratio,) = [line for line in text.splitlines() if line.startswith("| ratio |")]
    assert all(float(cell) > 0 for cell in ratio.strip("|").split("|")[1:])
    (memory,) = [line for line in text.splitlines() if line.startswith("| memory of all processes, MB |")]
    assert all(50 < float(cell) < 5000 for cell in memory.strip("|").split("|")[1:])
