"""A small network with every parameter off its initial value, and its graphs: an export takes many seconds."""

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile
import torch

from rephase.export.folder import ModelFacts, write_model_folder
from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.testing import randomise_parameters

SMALL = {
    "stem_channels": (8, 4),
    "channels": (8, 4),
    "heads": 2,
    "blocks": 1,
    "dilations": (1, 2),
    "lookback_frames": 6,
}


@pytest.fixture(scope="session")
def build():
    """A small network; `lookahead_frames=0` is causal."""

    def network(lookahead_frames=8):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = RENetLite(RENetLiteConfig(**SMALL, lookahead_frames=lookahead_frames)).eval()
        return randomise_parameters(network, seed=3)

    return network


@pytest.fixture(scope="session")
def network(build):
    return build()


@pytest.fixture(scope="session")
def model(network, recordings, tmp_path_factory):
    """The network as a model folder."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    facts = ModelFacts("small", "1.2.3", task="denoise", licence="MIT", training={"steps": 12, "data": ["a", "b"]})
    return write_model_folder(folder, network, facts, recordings)


@pytest.fixture(scope="session")
def graph(model):
    """The graph as it lies in the model folder."""
    return onnx.load_from_string(model.verified_bytes("model.onnx"))


@pytest.fixture(scope="session")
def run(graph):
    """The graph in ONNX Runtime: waveform in, waveform out."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda waveform: session.run(None, {"degraded": np.asarray(waveform, dtype=np.float32)})[0]


@pytest.fixture(scope="session")
def recordings(example_audio):
    """Noisy speech. (Band-limited or gated clips are for trained weights: with random ones, the empty bins' rounding
    is amplified, and float32 in torch is itself 2e-4 off the truth.)"""
    names = ["dishes-0db", "exercise-bike-10db", "kitchen-0db"]
    return [soundfile.read(example_audio / f"{name}.degraded.flac", dtype="float32")[0] for name in names]
