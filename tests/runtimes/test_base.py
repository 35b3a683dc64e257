import pytest

from rephase.runtimes.base import choose_runtime


@pytest.mark.parametrize(
    ("runtime", "device", "has_graph", "onnx_has_cuda", "expected"),
    [
        ("auto", "auto", True, False, "onnx"),
        ("auto", "cpu", True, False, "onnx"),
        ("auto", "cuda", True, False, "torch"),
        ("auto", "cuda:1", True, False, "torch"),
        ("auto", "cuda", True, True, "onnx"),
        ("auto", "mps", True, True, "torch"),
        ("auto", "cpu", False, False, "torch"),
        ("onnx", "cpu", True, False, "onnx"),
        ("onnx", "cuda:0", True, True, "onnx"),
        ("torch", "cpu", True, False, "torch"),
        ("torch", "mps", True, False, "torch"),
    ],
)
def test_which_runtime_serves(runtime, device, has_graph, onnx_has_cuda, expected):
    assert choose_runtime(runtime, device, has_graph=has_graph, onnx_has_cuda=onnx_has_cuda) == expected


@pytest.mark.parametrize(
    ("runtime", "device", "reason"),
    [
        ("jax", "cpu", "runtime must be auto, onnx or torch; got 'jax'"),
        ("auto", "tpu", "device must be auto, cpu, cuda, cuda:N or mps; got 'tpu'"),
        ("auto", "cuda:", "device must be"),
        ("auto", "cpu:1", "device must be"),
        ("onnx", "cuda", "take runtime torch, or install onnxruntime-gpu"),
        ("onnx", "mps", "runtime onnx can't use device mps here; take runtime torch$"),
    ],
)
def test_what_does_not_go_is_said(runtime, device, reason):
    with pytest.raises(ValueError, match=reason):
        choose_runtime(runtime, device)
