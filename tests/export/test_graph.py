"""The graph: what it is made of, and that it behaves as the network does, whatever the length and batch."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from rephase.export.graph import WaveformGraph, fast_form, spectrum_graph, waveform_graph
from rephase.export.parity import prove_parity, voice_like
from rephase.layers.norms import ComplexRMSNorm
from rephase.signal.real_pair import rotate, unit


def of_network(network, waveform):
    with torch.no_grad():
        return network(torch.as_tensor(waveform, dtype=torch.float32)).numpy()


def assert_near(given_, expected, tolerance=1e-4):
    assert given_.shape == expected.shape
    assert np.abs(given_ - expected).max() <= tolerance * np.abs(expected).max()


def test_parity_on_speech_and_at_the_edges(network, graph, recordings):
    parity = prove_parity(network, graph, recordings)
    assert parity.sample_error <= 1e-4
    assert parity.phase_error <= 1e-2
    assert parity.cases >= len(recordings) + 10


def test_a_norm_over_a_whole_input_is_as_exact_as_in_torch(tmp_path):
    """One float32 sum of 80,000 values is 1e-5 off in ONNX Runtime, which near-empty bins of the phase stream show."""
    norm = ComplexRMSNorm(1, ("frames", "freqs")).eval()
    phase = 3 + torch.rand(1, 2, 1, 400, 101)
    torch.onnx.export(norm, (phase,), tmp_path / "norm.onnx", dynamo=True, optimize=False, verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "norm.onnx", providers=["CPUExecutionProvider"])
    (given_,) = session.run(None, {session.get_inputs()[0].name: phase.numpy()})
    with torch.no_grad():
        expected = norm.double()(phase.double()).numpy()
    assert np.abs(given_ / expected - 1).max() < 1e-6


@settings(max_examples=25)
@given(length=st.one_of(st.integers(1, 520), st.integers(521, 9000)), batch=st.integers(1, 3))
def test_any_length_and_batch(length, batch, network, run):
    waveform = 0.05 * np.random.default_rng(length).standard_normal((batch, length))
    assert_near(run(waveform), of_network(network, waveform))


def test_silence_is_silence(run):
    assert np.array_equal(run(np.zeros((2, 3000))), np.zeros((2, 3000)))


def test_silence_before_and_between_sounds_is_finite(run):
    """Divisions are guarded by small constants, which an optimiser may take for zeros."""
    waveform = np.zeros((1, 6000))
    waveform[0, 3000] = 0.5
    assert np.isfinite(run(waveform)).all()


def test_polarity(run, recordings):
    waveform = recordings[0][None, :20000]
    plain, flipped = run(waveform), run(-waveform)
    assert np.abs(plain).max() > 1e-3
    assert_near(-flipped, plain, 1e-5)


def test_items_of_a_batch_do_not_meet(run, recordings):
    one, two = (recording[:16000] for recording in recordings[:2])
    assert_near(run([one, 100 * two])[:1], run([one]), 1e-5)


def test_chunks_with_context_give_what_the_whole_gives(network, run, recordings):
    """By the contexts that the description of the model states."""
    past, future = network.config.past_context, network.config.future_context
    whole = run(recordings[0][None])
    for start, stop in ((256 * 30, 256 * 60), (256 * 101, 256 * 102)):
        part = run(recordings[0][None, start - past : stop + future])[:, past:-future]
        assert_near(part, whole[:, start:stop], 1e-5)


@pytest.mark.slow
def test_no_sample_depends_on_the_future_in_the_causal_graph(build):
    causal = build(lookahead_frames=0)
    graph = waveform_graph(causal, name="causal", version="1")
    prove_parity(causal, graph)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    waveform = voice_like(16000, 12000)[None]
    changed = waveform.copy()
    changed[:, 8000:] = 0.3
    plain, other = (session.run(None, {"degraded": signal})[0] for signal in (waveform, changed))
    window = causal.config.win_length
    assert np.abs(plain[:, : 8001 - window] - other[:, : 8001 - window]).max() == 0
    assert np.abs(plain - other).max() > 1e-3


def test_rotation_of_the_spectrum_turns_the_result(network):
    """At any angle: the same equivariance that the layers have, after folding, joining and reordering."""
    session = onnxruntime.InferenceSession(spectrum_graph(network).SerializeToString())
    generator = torch.Generator().manual_seed(1)
    magnitude = torch.rand(2, 29, 257, generator=generator)
    phasor = unit(torch.randn(2, 2, 29, 257, generator=generator))

    def outputs(phasor):
        out = session.run(
            ["enhanced_magnitude", "enhanced_phasor"], {"magnitude": magnitude.numpy(), "phasor": phasor.numpy()}
        )
        return [torch.from_numpy(tensor) for tensor in out]

    plain = outputs(phasor)
    with torch.no_grad():
        for mine, expected in zip(plain, network.forward_spectrum(magnitude, phasor)):
            assert (mine - expected).norm() <= 1e-4 * expected.norm()
    for rotation in (0.3, 1.234, -2.5, 3.0):
        turned = outputs(rotate(phasor, rotation))
        assert (turned[0] - plain[0]).norm() <= 1e-4 * plain[0].norm()
        assert (turned[1] - rotate(plain[1], rotation)).norm() <= 1e-4 * plain[1].norm()
        assert (turned[1] - plain[1]).norm() > 0.1 * plain[1].norm()


def test_only_real_numbers_and_plain_operators(graph):
    operators = {node.op_type for node in graph.graph.node}
    assert not operators & {"STFT", "DFT", "Loop", "Scan", "If", "SequenceConstruct", "Expand", "Einsum"}
    assert {node.domain for node in graph.graph.node} == {""}
    assert not graph.functions
    inferred = onnx.shape_inference.infer_shapes(graph, strict_mode=True)
    kinds = {value.type.tensor_type.elem_type for value in inferred.graph.value_info}
    kinds |= {constant.data_type for constant in graph.graph.initializer}
    assert TensorProto.FLOAT in kinds
    assert kinds <= {TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL}


def test_ends_metadata_and_opset(graph):
    for ends, name in ((graph.graph.input, "degraded"), (graph.graph.output, "enhanced")):
        (end,) = ends
        assert end.name == name
        assert [axis.dim_param for axis in end.type.tensor_type.shape.dim] == ["batch", "time"]
    assert {entry.key: entry.value for entry in graph.metadata_props} == {
        "name": "small", "version": "1.2.3", "sample_rate": "16000",
    }  # fmt: skip
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 18)]
    assert graph.ir_version <= 10, "ONNX Runtime 1.18 reads no newer format"


def test_one_file_with_folded_weights_and_nothing_of_this_machine(network, graph):
    assert not any(constant.external_data for constant in graph.graph.initializer)
    content = graph.SerializeToString()
    assert b"stack_trace" not in content
    assert b"site-packages" not in content
    # Weights of the network, the block weights of its complex maps (twice their parts), and one basis for both
    # transforms: no second copy of anything.
    numbers = sum(np.prod(constant.dims) for constant in graph.graph.initializer)
    assert numbers < 3 * sum(parameter.numel() for parameter in network.parameters()) + 514 * 512 + 2000


def test_the_network_stays_as_it_is(network):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fast = fast_form(network)
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert fast.time_blocks[0] is not network.time_blocks[0]


@pytest.mark.parametrize("length", [1, 257, 4000])
def test_the_fast_form_in_torch(length, network):
    waveform = torch.from_numpy(voice_like(16000, length))[None]
    with torch.no_grad():
        torch.testing.assert_close(WaveformGraph(network)(waveform), network(waveform), rtol=0, atol=1e-5)
