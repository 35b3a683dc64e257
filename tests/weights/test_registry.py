"""A model folder is believed only where it can be checked."""

import hashlib
import json

import pytest

from rephase.errors import ModelError
from rephase.weights import ModelFolder, find_model, list_models, registry

GRAPH = b"a graph"

CONFIG = {
    "format": 1,
    "name": "tiny",
    "version": "0.1.0",
    "architecture": "RENetLite",
    "task": "denoise",
    "licence": "MIT",
    "sample_rate": 16000,
    "hop_length": 256,
    "parameters": 180000,
    "gmac_per_second": 0.7,
    "latency_ms": 512,
    "receptive_field": {"past_samples": 25600, "future_samples": 8192},
    "chunk_samples": 163840,
    "network": {"channels": 32},
    "training": {"hours": 6.3},
    "files": {"model.onnx": {"sha256": hashlib.sha256(GRAPH).hexdigest(), "bytes": len(GRAPH)}},
}


def write(folder, **changes):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    (folder / "model.onnx").write_bytes(GRAPH)
    return folder


@pytest.fixture
def tiny(tmp_path):
    return write(tmp_path / "tiny")


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """A folder of bundled models that holds `alpha` with weights and `beta` without."""
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    write(bundled / "beta", name="beta", files={})
    write(bundled / "alpha", name="alpha")
    (bundled / "__pycache__").mkdir()
    monkeypatch.setattr(registry, "BUNDLED", bundled)
    return bundled


def test_fields_are_what_the_description_says(tiny):
    model = find_model(tiny)
    assert (model.name, model.task, model.sample_rate, model.hop_length) == ("tiny", "denoise", 16000, 256)
    assert (model.past_samples, model.future_samples, model.chunk_samples) == (25600, 8192, 163840)
    assert model.latency_ms == 512.0
    assert model.network == {"channels": 32}
    assert model.has_weights
    assert model.path == tiny
    assert len({model, find_model(str(tiny))}) == 1, "equal models hash alike"


def test_what_waits_for_a_calls_end_is_not_local():
    assert {model.name: model.is_local for model in list_models()} == {
        "renet-lite": True, "renet-lite-causal": True, "renet-lite-denoise": True, "renet-medium": True,
        "renet-base": False, "renet-small": False,
    }  # fmt: skip


def test_verified_bytes_are_those_of_the_described_file(tiny):
    assert find_model(tiny).verified_bytes("model.onnx") == GRAPH


def test_a_changed_file_is_refused(tiny):
    (tiny / "model.onnx").write_bytes(GRAPH[:-1] + b"!")
    with pytest.raises(ModelError, match=r"SHA-256 differs.*model\.onnx; .*install the model again"):
        find_model(tiny).verified_bytes("model.onnx")


def test_a_missing_file_is_named(tiny):
    (tiny / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"can't read model\.onnx \(No such file"):
        find_model(tiny).verified_bytes("model.onnx")


def test_an_undescribed_file_is_refused_even_if_it_is_there(tiny):
    (tiny / "other.onnx").write_bytes(GRAPH)
    with pytest.raises(ModelError, match=r"has no other\.onnx; .*it holds model\.onnx"):
        find_model(tiny).verified_bytes("other.onnx")


def test_a_link_out_of_the_folder_is_refused(tiny, tmp_path):
    (tmp_path / "elsewhere").write_bytes(GRAPH)
    (tiny / "model.onnx").unlink()
    (tiny / "model.onnx").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="leads out of its folder"):
        find_model(tiny).verified_bytes("model.onnx")


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "..", ".", "", "a\\b", "C:x", "a/b", "config.json"])
def test_file_names_may_not_leave_the_folder(tmp_path, name):
    folder = write(tmp_path / "bad", files={name: {"sha256": "0", "bytes": 1}})
    with pytest.raises(ModelError, match="no plain file name"):
        find_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate": "16000"}, "sample_rate must be int, got '16000'"),
        ({"sample_rate": True}, "sample_rate must be int, got True"),
        ({"hop_length": 0}, "hop_length must be at least 1, got 0"),
        ({"parameters": -1}, "parameters must be at least 0, got -1"),
        ({"receptive_field": {"past_samples": 1}}, "future_samples must be int, got nothing; .*receptive_field"),
        ({"network": None}, "network must be dict, got None"),
        ({"files": {"model.onnx": 3}}, "model.onnx must be dict, got 3; .*files"),
        ({"format": 2}, "format must be 1, got 2; .*update rephase"),
    ],
)
def test_a_wrong_field_is_named_with_its_value(tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        find_model(write(tmp_path / "bad", **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_description_that_is_no_json(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"no JSON .*config\.json"):
        find_model(tmp_path)


def test_a_description_that_is_no_object(tmp_path):
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ModelError, match="must be a JSON object, got list"):
        find_model(tmp_path)


def test_a_folder_without_description(tmp_path):
    with pytest.raises(ModelError, match=r"no model folder, it has no config\.json"):
        find_model(tmp_path)


def test_bundled_models_are_listed_by_name(bundle):
    assert [(model.name, model.has_weights) for model in list_models()] == [("alpha", True), ("beta", False)]
    assert find_model("beta").path == bundle / "beta"


def test_a_model_without_weights_says_how_to_get_some(bundle):
    with pytest.raises(ModelError, match=r"beta ships no weights; .*\(alpha\), or train it .*--model FOLDER"):
        find_model("beta").verified_bytes("model.onnx")


def test_an_unknown_name_lists_the_nearest(bundle):
    with pytest.raises(ModelError, match=r"no model 'alfa'; .*did you mean alpha\?"):
        find_model("alfa")
    with pytest.raises(ModelError, match=r"no model 'xyz'; .*choose one of: alpha, beta"):
        find_model("xyz")


def test_a_bundled_name_wins_over_a_folder_and_a_path_does_not(bundle, tmp_path, monkeypatch):
    write(tmp_path / "alpha", name="mine")
    monkeypatch.chdir(tmp_path)
    assert find_model("alpha").name == "alpha"
    assert find_model("./alpha").name == "mine"


def test_every_bundled_model_holds_what_it_describes():
    for model in list_models():
        assert isinstance(model, ModelFolder)
        assert model.path.name == model.name
        for name, described in model.files.items():
            assert len(model.verified_bytes(name)) == described.bytes
