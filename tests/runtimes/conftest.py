"""Small ONNX graphs whose output is known in closed form, as model folders."""

import hashlib
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rephase.weights.registry import ModelFolder

PAST, FUTURE = 300, 200  # what the filter below reaches, samples


def _graph(nodes, constants=(), names=("degraded", "enhanced")):
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time"]) for name in names]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def _filter_graph():
    """A filter that reaches exactly PAST samples back and FUTURE samples ahead, zeros beyond the ends."""
    taps = np.random.default_rng(0).standard_normal(PAST + 1 + FUTURE).astype(np.float32) / 20
    nodes = [
        helper.make_node("Unsqueeze", ["degraded", "axis"], ["signal"]),
        helper.make_node("Conv", ["signal", "taps"], ["filtered"], pads=[PAST, FUTURE]),
        helper.make_node("Squeeze", ["filtered", "axis"], ["enhanced"]),
    ]
    return _graph(nodes, [("axis", np.array([1])), ("taps", taps[None, None])])


def _gain_graph():
    return _graph([helper.make_node("Mul", ["degraded", "gain"], ["enhanced"])], [("gain", np.float32(0.5).reshape(1))])


def _scattered_graph():
    """A graph whose gain lies in a file beside it."""
    model = onnx.load_from_string(_gain_graph())
    (gain,) = model.graph.initializer
    onnx.external_data_helper.set_external_data(gain, "gain.bin", length=4)
    gain.ClearField("raw_data")
    return model.SerializeToString()


GRAPHS = {
    "filter": _filter_graph,
    "gain": _gain_graph,
    "misnamed": lambda: _graph([helper.make_node("Identity", ["x"], ["y"])], names=("x", "y")),
    "scattered": _scattered_graph,
    "no graph": lambda: b"this is no graph",
}


@pytest.fixture
def model(tmp_path):
    """Makes a model folder around one of the graphs."""

    def make(kind, chunk_samples=4096, **config) -> ModelFolder:
        content = GRAPHS[kind]()
        (tmp_path / "model.onnx").write_bytes(content)
        described = {
            "format": 1, "name": kind, "version": "1", "architecture": "Graph", "task": "denoise", "licence": "MIT",
            "sample_rate": 16000, "hop_length": 256, "parameters": 0, "gmac_per_second": 0.0, "latency_ms": 0.0,
            "receptive_field": {"past_samples": PAST, "future_samples": FUTURE}, "chunk_samples": chunk_samples,
            "network": {}, "training": {},
            "files": {"model.onnx": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}},
        }  # fmt: skip
        (tmp_path / "config.json").write_text(json.dumps(described | config))
        return ModelFolder.read(tmp_path)

    return make


class Exchanged(ModelFolder):
    """A model whose files are exchanged as soon as they were checked."""

    def verified_bytes(self, filename: str) -> bytes:
        content = super().verified_bytes(filename)
        (self.path / filename).write_bytes(b"something else")
        return content


@pytest.fixture
def exchanged():
    """Makes such a model of another."""
    return lambda folder: Exchanged(**vars(folder))
