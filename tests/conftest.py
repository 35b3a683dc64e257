"""What every test shares: shapes and types of all public signatures are checked while tests run."""

import hashlib
import json
from pathlib import Path

import hypothesis
import pytest
from jaxtyping import install_import_hook

# Before the first import of rephase: every function's jaxtyping shapes and annotations are checked by beartype.
install_import_hook("rephase", "beartype.beartype")

# The same examples on every run and machine, and no deadline: a loaded machine is not a failure.
hypothesis.settings.register_profile("rephase", derandomize=True, deadline=None)
hypothesis.settings.load_profile("rephase")


@pytest.fixture(scope="session")
def example_audio() -> Path:
    """The folder of recordings that ship with the project."""
    return Path(__file__).parent.parent / "examples" / "audio"


@pytest.fixture(scope="session")
def identity_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose graph gives back what it gets: what comes out of a pipeline then is what went in."""
    from onnx import TensorProto, helper

    folder = tmp_path_factory.mktemp("identity")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "time"]) for name in ("degraded", "enhanced")
    ]
    node = helper.make_node("Identity", ["degraded"], ["enhanced"])
    graph = helper.make_graph([node], "identity", ends[:1], ends[1:])
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    (folder / "config.json").write_text(
        json.dumps(
            {
                "format": 1,
                "name": "identity",
                "version": "0.1.0",
                "architecture": "Identity",
                "task": "denoise",
                "licence": "MIT",
                "sample_rate": 16000,
                "hop_length": 256,
                "parameters": 0,
                "gmac_per_second": 0.0,
                "latency_ms": 0.0,
                "receptive_field": {"past_samples": 0, "future_samples": 0},
                "chunk_samples": 163840,
                "network": {},
                "training": {},
                "files": {"model.onnx": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}},
            }
        )
    )
    return folder
