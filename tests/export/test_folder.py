"""A model folder is complete, described by counting, the same every time, and written whole or not at all."""

import json
import shutil

import numpy as np
import pytest
import torch

from rephase.errors import OutputError
from rephase.export import folder as folders
from rephase.export.cost import count_parameters, gmac_per_second
from rephase.export.folder import ModelFacts, as_json, describe, write_model_folder
from rephase.export.parity import ParityError
from rephase.models.architectures import build as build_network
from rephase.models.presets import PRESETS
from rephase.runtimes.onnx import OnnxRuntime
from rephase.runtimes.torch import TorchRuntime, load_network, make_network
from rephase.weights.registry import BUNDLED, list_models

FACTS = ModelFacts("small", "1.2.3")


def test_the_folder_holds_what_it_describes(model, network):
    assert sorted(path.name for path in model.path.iterdir()) == ["config.json", "model.onnx", "model.safetensors"]
    assert [path.name for path in model.path.parent.iterdir()] == ["small"], "nothing temporary stays"
    for name in model.files:
        assert len(model.verified_bytes(name)) == model.files[name].bytes
    assert (model.name, model.version, model.task, model.licence) == ("small", "1.2.3", "denoise", "MIT")
    assert model.training == {"steps": 12, "data": ["a", "b"]}
    assert type(network.config).from_dict(dict(model.network)) == network.config
    assert (model.past_samples, model.future_samples) == (network.config.past_context, network.config.future_context)
    assert model.chunk_samples % model.hop_length == 0
    assert model.parameters == count_parameters(network)


def test_both_runtimes_give_the_same(model, network, recordings):
    batch = np.stack([recording[:24001] for recording in recordings[:2]])
    in_torch, in_onnx = TorchRuntime(model, "cpu")(batch), OnnxRuntime(model, "cpu", threads=1)(batch)
    with torch.no_grad():
        plain = network(torch.from_numpy(batch)).numpy()
    assert np.abs(in_torch - plain).max() <= 1e-5 * np.abs(plain).max()
    assert np.abs(in_torch - in_onnx).max() <= 1e-4 * np.abs(in_torch).max()


@pytest.mark.slow
def test_writing_again_gives_the_same_bytes_and_keeps_what_else_is_there(model, tmp_path):
    before = {path.name: path.read_bytes() for path in model.path.iterdir()}
    copy = shutil.copytree(model.path, tmp_path / "small")
    (copy / "NOTES.md").write_text("mine")
    facts = ModelFacts(model.name, model.version, model.task, model.licence, model.training)
    write_model_folder(copy, load_network(model), facts)
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before | {"NOTES.md": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["small"]


def test_a_folder_that_is_no_model_is_left_alone(network, tmp_path):
    (tmp_path / "thesis.tex").write_text("text")
    with pytest.raises(OutputError, match="is no model folder"):
        write_model_folder(tmp_path, network, FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_nothing_is_written_when_the_graph_is_off(network, graph, tmp_path, monkeypatch):
    other = build_network(network.config).eval()
    monkeypatch.setattr(folders, "waveform_graph", lambda *arguments, **names: graph)
    with pytest.raises(ParityError, match="off by"):
        write_model_folder(tmp_path / "model", other, FACTS)
    assert not list(tmp_path.iterdir())


def test_multiply_accumulates_of_a_known_network(build):
    """The count grows with each part as it should: the difference of two networks is one convolution's."""
    network = build()
    before = gmac_per_second(network)
    stem, core = network.config.stem_channels, network.config.channels
    assert 0 < before < 0.1
    network.decoder = torch.nn.Identity()
    network.decoder.forward = lambda real, pair: (real, pair)
    bands, frames = network.config.stem_bands, 16000 / 256
    kernel = 9 * (stem[0] ** 2 + (2 * stem[1]) ** 2) + 2 * stem[0] * stem[1]
    assert before - gmac_per_second(network) == pytest.approx(kernel * bands * frames / 1e9, rel=1e-6)
    assert core == (8, 4)


def test_every_preset_is_bundled():
    assert set(PRESETS) <= {model.name for model in list_models()}


@pytest.mark.parametrize("bundled", list_models(), ids=lambda model: model.name)
def test_bundled_descriptions_are_up_to_date(bundled):
    """`parameters`, GMAC/s, reach and the rest are those of the code as it stands."""
    path = BUNDLED / bundled.name / "config.json"
    facts = ModelFacts(bundled.name, bundled.version, bundled.task, bundled.licence, bundled.training)
    network = make_network(bundled)
    if bundled.name in PRESETS:
        assert network.config == PRESETS[bundled.name]
    expected = describe(network, facts)
    found = json.loads(path.read_text())
    assert found | {"files": {}} == expected
    assert as_json(found) == path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("model", list_models(), ids=lambda model: model.name)
def test_a_bundled_graph_is_proven_on_every_recording(model, example_audio):
    """The shipped file itself, or for a model without weights the graph of random ones."""
    import onnx
    import soundfile

    from rephase.export.graph import waveform_graph
    from rephase.export.parity import prove_parity

    if model.has_weights:
        network, graph = load_network(model), onnx.load_from_string(model.verified_bytes("model.onnx"))
        clips = sorted(example_audio.glob("*.flac"))
    else:
        torch.manual_seed(0)
        network = make_network(model).eval()
        graph, clips = waveform_graph(network, name=model.name, version="random"), []
    parity = prove_parity(network, graph, [soundfile.read(clip, dtype="float32")[0] for clip in clips])
    assert parity.cases >= 13
