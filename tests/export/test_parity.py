"""The proof finds what is wrong with a graph: noise, lost phase, wrong lengths, NaN."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from rephase.export.parity import ParityError, prove_parity, voice_like


def altered(graph, nodes, constants=()):
    """The graph with more operations between its result, now called `inner`, and its end."""
    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    for node in copy.graph.node:
        node.output[:] = ["inner" if name == "enhanced" else name for name in node.output]
        node.input[:] = ["inner" if name == "enhanced" else name for name in node.input]
    copy.graph.node.extend(nodes)
    copy.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants)
    return copy


def scaled(graph, factor):
    return altered(
        graph, [helper.make_node("Mul", ["inner", "factor"], ["enhanced"])], [("factor", np.float32(factor))]
    )


def test_what_is_the_same_passes(network, graph):
    assert prove_parity(network, scaled(graph, 1.0)).sample_error < 1e-4


def test_a_small_fault_is_found_with_its_place(network, graph):
    with pytest.raises(ParityError, match=r"off by \d\.\de-04 of the peak.*voice-like signal, item 0, sample \d+"):
        prove_parity(network, scaled(graph, 1.0003))


def test_a_fault_on_speech_is_named_by_the_recording(network, graph, recordings):
    with pytest.raises(ParityError, match="recording 0, item 0"):
        prove_parity(network, scaled(graph, 0.9), recordings[:1])


def test_nan_is_a_fault(network, graph):
    with pytest.raises(ParityError, match="off by inf of the peak"):
        prove_parity(network, scaled(graph, np.nan))


def test_a_wrong_length_is_a_fault(network, graph):
    longer = altered(graph, [helper.make_node("Concat", ["inner", "inner"], ["enhanced"], axis=1)])
    with pytest.raises(ParityError, match=r"makes the shape \(1, 64000\) of \(1, 32000\)"):
        prove_parity(network, longer)


def test_a_broken_graph_is_a_fault(network, graph):
    broken = altered(graph, [helper.make_node("NoSuchOperator", ["inner"], ["enhanced"])])
    with pytest.raises(ParityError, match="can't load the graph"):
        prove_parity(network, broken)


def test_phases_are_compared_on_the_circle_and_only_where_they_mean_something():
    from rephase.export.parity import _phase_error

    time = np.arange(8000) / 16000
    tone = np.cos(2 * np.pi * 1000 * time, dtype=np.float32)[None]

    def error(given_):
        return _phase_error(tone, given_.astype(np.float32), "a tone", 512, 256)

    assert error(tone) == 0
    quiet = 1e-5 * np.random.default_rng(0).standard_normal(tone.shape)
    assert error(tone + quiet) < 1e-2
    # A frame that the tone fills only in part sees up to twice the shift.
    assert 0.003 < error(np.cos(2 * np.pi * 1000 * time + 0.003)[None]) < 0.007
    with pytest.raises(ParityError, match=r"phase is off by 3\.1e\+00 rad.*a tone, item 0, frequency \d+"):
        error(-tone)


@pytest.mark.parametrize("length", [1, 2, 32000])
def test_the_signal_has_the_level_of_training(length):
    waveform = voice_like(16000, length)
    assert waveform.shape == (length,)
    assert 20 * np.log10(np.sqrt(np.mean(waveform**2))) == pytest.approx(-26, abs=0.1)
