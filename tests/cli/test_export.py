"""`rephase export`: what it refuses at once, and (slow) the graph it writes."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
from rephase.cli import main
sys.argv = ["rephase", "export", "renet-lite", "-o", "model.onnx"]
main()
"""


@pytest.mark.parametrize("package", ["torch", "onnx", "onnxscript", "safetensors"])
def test_a_missing_package_is_named_with_the_way_to_get_it(package, tmp_path):
    program = [sys.executable, "-c", BLOCKED.format(package=package)]
    done = subprocess.run(program, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("rephase: export needs the package ")
    assert f"package {package}, which is not installed" in done.stderr
    assert "pip install 'rephase[torch]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_bad_outputs_are_refused_before_any_work(rephase, tmp_path):
    (tmp_path / "there.onnx").write_text("")
    (tmp_path / "folder.onnx").mkdir()
    for name, message in (
        ("graph.pb", "must be named *.onnx"),
        ("nowhere/graph.onnx", "output folder doesn't exist"),
        ("there.onnx", "exists already"),
        ("folder.onnx", "is a folder"),
    ):
        outcome = rephase("export", "renet-lite", "-o", tmp_path / name)
        assert outcome.code == 2
        assert message in outcome.error


def test_a_model_without_weights_points_to_random_ones(rephase, tmp_path):
    outcome = rephase("export", "renet-lite-causal", "-o", tmp_path / "graph.onnx")
    assert outcome.code == 2
    assert "renet-lite-causal ships no weights" in outcome.error
    assert "--random" in outcome.error
    assert not list(tmp_path.iterdir())


def test_an_unknown_model(rephase, tmp_path):
    for options in ([], ["--random"]):
        outcome = rephase("export", "renet-lyte", "-o", tmp_path / "graph.onnx", *options)
        assert outcome.code == 2
        assert "there is no model 'renet-lyte'" in outcome.error


@pytest.mark.slow
@pytest.mark.parametrize("name", ["renet-lite-causal", "renet-base", "renet-small"])
def test_a_preset_with_random_weights(rephase, tmp_path, name):
    target = tmp_path / "graph.onnx"
    outcome = rephase("export", name, "-o", target, "--random")
    assert outcome.code == 0
    assert outcome.err == ""
    assert "proven on" in outcome.out
    assert [path.name for path in tmp_path.iterdir()] == ["graph.onnx"]
    (enhanced,) = onnxruntime.InferenceSession(target).run(None, {"degraded": np.zeros((1, 777), np.float32)})
    assert enhanced.shape == (1, 777)
