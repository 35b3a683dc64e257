"""The report of whole files, made of a few short ones."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script, *arguments):
    command = [sys.executable, BENCHMARKS / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_plain_loop_gives_back_what_a_model_that_changes_nothing_gives(identity_model, tmp_path):
    """What lies below 8 kHz comes back, a sample shorter where rates don't divide: the loop is a plain one."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((30_000, 2))
    tone = 0.1 * np.sin(np.arange(30_000)[:, None] / 20) + 0 * noise
    (tmp_path / "in").mkdir()
    for name, samples in (("noise", noise), ("tone", tone)):
        soundfile.write(tmp_path / "in" / f"{name}.wav", samples, 44100)
    run("plain_loop.py", identity_model / "model.onnx", tmp_path / "out", tmp_path / "in")
    assert 30_000 - soundfile.info(tmp_path / "out" / "noise.wav").frames in (0, 1)
    back, _ = soundfile.read(tmp_path / "out" / "tone.wav")
    np.testing.assert_allclose(back[1000:29_000], tone[1000:29_000], atol=1e-3)


@pytest.mark.slow
def test_the_report_is_made(identity_model, tmp_path):
    page, plot = tmp_path / "page.md", tmp_path / "plot.svg"
    small = ["--rounds=1", "--short-files=3", "--long-seconds=60", "--memory-minutes", "1"]
    run("files.py", f"--model={identity_model}", f"--output={page}", f"--plot={plot}", *small)
    text = page.read_text()
    assert "a folder of 3 files" in text
    assert "--short-files 3" in text
    assert plot.read_text().startswith("<svg")
