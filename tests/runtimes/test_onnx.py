import numpy as np
import pytest

from rephase.errors import ModelError
from rephase.runtimes import onnx
from rephase.runtimes.base import Runtime
from rephase.runtimes.onnx import OnnxRuntime

without_gpu_build = pytest.mark.skipif(onnx.has_cuda(), reason="for the build of ONNX Runtime without CUDA")


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (3, 77), (2, 40_000)])
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_graph_runs_at_every_length(model, shape, device):
    runtime = OnnxRuntime(model("gain"), device, threads=1)
    assert isinstance(runtime, Runtime)
    assert (runtime.name, runtime.device) == ("onnx", "cpu") or onnx.has_cuda()
    np.testing.assert_array_equal(runtime(noise(*shape)), 0.5 * noise(*shape))


def test_items_of_a_batch_do_not_influence_each_other(model):
    runtime = OnnxRuntime(model("filter"))
    both = runtime(noise(2, 5000))
    np.testing.assert_allclose(both[1:], runtime(noise(2, 5000)[1:]), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("no graph", r"can't load the graph .*model\.onnx"),
        ("misnamed", r"must map degraded to enhanced, but maps x to y"),
    ],
)
def test_what_is_no_graph_of_ours_is_said_in_one_line(model, kind, reason):
    with pytest.raises(ModelError, match=reason) as caught:
        OnnxRuntime(model(kind))
    assert "\n" not in str(caught.value)


def test_a_graph_that_was_changed_is_not_run(model):
    folder = model("gain")
    (folder.path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ModelError, match="is not the file"):
        OnnxRuntime(folder)


def test_the_bytes_that_were_checked_are_the_ones_that_run(model, exchanged):
    runtime = OnnxRuntime(exchanged(model("gain")), threads=1)
    np.testing.assert_array_equal(runtime(noise(1, 100)), 0.5 * noise(1, 100))


def test_a_graph_with_tensors_in_other_files_is_refused(model, monkeypatch):
    folder = model("scattered")
    (folder.path / "gain.bin").write_bytes(np.float32(0.5).tobytes())
    monkeypatch.chdir(folder.path)  # where a graph without a path of its own would find the file
    with pytest.raises(ModelError, match=r"keeps tensors in other files; .*model\.onnx; export the model again"):
        OnnxRuntime(folder)


def test_a_failing_call_is_one_line(model):
    runtime = OnnxRuntime(model("filter"))
    with pytest.raises(ModelError, match="the graph failed") as caught:
        runtime(np.zeros((0, 0), np.float32))
    assert "\n" not in str(caught.value)


@without_gpu_build
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_gpu_that_onnx_runtime_cannot_use_is_refused(model, device):
    with pytest.raises(ValueError, match=f"runtime onnx can't use device {device} here; take runtime torch"):
        OnnxRuntime(model("gain"), device)
