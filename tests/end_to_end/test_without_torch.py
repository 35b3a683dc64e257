"""Enhancing needs no torch: with its import blocked, and in an environment that never had it."""

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from ..audio.media.conftest import Sound, film

ROOT = Path(__file__).parents[2]

BLOCK_TORCH = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "safetensors", "lightning", "onnx", "onnxscript", "scipy", "matplotlib"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def rephase(tmp_path_factory):
    """`rephase` with torch blocked, one process for each command."""
    script = tmp_path_factory.mktemp("blocked") / "rephase_without_torch.py"
    script.write_text(f"{BLOCK_TORCH}\nfrom rephase.cli import main\nmain()\n")
    return lambda *arguments: run(sys.executable, script, *arguments)


def test_commands_with_torch_blocked(rephase, identity_model, example_audio, tmp_path):
    clip = example_audio / "hallway.degraded.flac"
    assert "enhance" in rephase("--help")
    assert "parameters" in rephase("models")
    assert "16000 Hz" in rephase("info", clip)
    rephase("enhance", clip, "-o", tmp_path / "out.wav", "--model", identity_model)
    assert soundfile.info(tmp_path / "out.wav").frames == 64000


def test_the_block_blocks():
    done = subprocess.run([sys.executable, "-c", f"{BLOCK_TORCH}\nimport torch"], capture_output=True, text=True)
    assert "No module named 'torch'" in done.stderr


def test_python_with_torch_blocked(identity_model):
    program = f"""{BLOCK_TORCH}
import numpy, rephase
enhancer = rephase.Enhancer.from_pretrained({str(identity_model)!r})
print(enhancer.enhance(numpy.zeros((2, 1001), dtype=numpy.float32), 44100).shape)
"""
    assert run(sys.executable, "-c", program).strip() == "(2, 1001)"


@pytest.mark.slow
def test_the_wheel_alone_serves_every_command(example_audio, identity_model, tmp_path):
    """`pip install .` in a fresh environment: under 200 MB, without torch, and able to enhance."""
    python = tmp_path / "venv" / "bin" / "python"
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path / "wheels", ROOT)
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", *(tmp_path / "wheels").glob("*.whl"))
    installed = run(python, "-m", "pip", "list", "--format", "freeze")
    assert "onnxruntime" in installed
    assert "torch" not in installed

    packages = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    of_venv = ("pip", "setuptools", "_distutils_hack", "pkg_resources")
    size = sum(
        path.stat().st_size
        for folder in packages.iterdir()
        if not folder.name.startswith(of_venv)
        for path in [folder, *folder.rglob("*")]
        if path.is_file()
    )
    print(f"installed size: {size / 1e6:.0f} MB")
    assert size < 200e6

    command = python.with_name("rephase")
    clip = example_audio / "hallway.degraded.flac"
    assert "enhance" in run(command, "--help")
    assert "renet-lite" in run(command, "models")
    assert "16000 Hz" in run(command, "info", clip)
    for model in (identity_model, "renet-lite"):
        run(command, "enhance", clip, "--model", model, "-o", tmp_path / "out.wav", "--overwrite")
        assert soundfile.info(tmp_path / "out.wav").frames == 64000
    film(tmp_path / "film.mp4", Sound())
    refused = subprocess.run([command, "enhance", tmp_path / "film.mp4"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "pip install 'rephase[media]'" in refused.stderr
    assert "pip install 'rephase[media]'" in run(command, "doctor")
