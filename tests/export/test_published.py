"""The published network as a graph: recurrences, whole-input norms and attention over everything, at any length."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import rephase
from rephase.export.folder import ModelFacts, write_model_folder
from rephase.export.graph import spectrum_graph
from rephase.export.parity import prove_parity
from rephase.models.renet import RENet
from rephase.models.renet_config import RENetConfig
from rephase.signal.real_pair import unit
from rephase.testing import assert_equivariant, randomise_parameters

TINY = RENetConfig(
    channels=(8, 4), heads=2, phase_head_channels=3, blocks=1, dense_dilations=(1, 2), phase_hidden=6,
    longest_seconds=4.0, chunk_seconds=1.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return randomise_parameters(RENet(TINY).eval(), seed=3)


@pytest.fixture(scope="module")
def model(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "published"
    return write_model_folder(folder, network, ModelFacts("published", "1.0.0"))


def test_parity_on_speech_and_at_the_edges(network, model, recordings):
    graph = onnx.load_from_string(model.verified_bytes("model.onnx"))
    # One recording whose quiet bins are not empty: this network, with random weights and no compressed spectrum at its
    # input but phasors alone, turns the rounding of an empty bin into a full-sized error.
    parity = prove_parity(network, graph, [recordings[1][:40000]])
    assert parity.sample_error <= 1e-4
    assert {"GRU"} <= {node.op_type for node in graph.graph.node}


def test_the_graph_turns_with_its_phasor(network):
    session = onnxruntime.InferenceSession(
        spectrum_graph(network).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    generator = torch.Generator().manual_seed(0)
    magnitude = torch.rand(2, 33, TINY.freqs, generator=generator)
    phasor = unit(torch.randn(2, 2, 33, TINY.freqs, generator=generator))

    def run(magnitude, phase):
        inputs = {"magnitude": magnitude.numpy(), "phasor": phase.numpy()}
        return tuple(torch.from_numpy(output) for output in session.run(None, inputs))

    assert_equivariant(run, magnitude, phasor, tolerance=1e-4)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_the_enhancer_takes_it_for_recordings_longer_than_a_call(model, runtime):
    """Ten seconds at 44.1 kHz in calls of at most four: none is refused, and the length stays."""
    calls = []
    enhancer = rephase.Enhancer.from_pretrained(model.path, runtime=runtime)
    run = enhancer.runtime

    class Watched:
        name, device = run.name, run.device

        def __call__(self, waveform):
            calls.append(waveform.shape[1])
            return run(waveform)

    waveform = 0.05 * np.random.default_rng(0).standard_normal((2, 441000)).astype(np.float32)
    enhanced = rephase.Enhancer(Watched(), model).enhance(waveform, 44100)
    assert enhanced.shape == waveform.shape
    assert np.isfinite(enhanced).all()
    assert len(calls) > 3
    assert max(calls) <= TINY.longest_samples
    assert model.past_samples == model.future_samples == 16000
