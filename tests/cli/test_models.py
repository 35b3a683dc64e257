"""`rephase models` says of each model what one needs to choose it."""

import pytest

from rephase.weights import list_models


def test_every_model_is_listed_with_its_facts(rephase):
    outcome = rephase("models")
    assert (outcome.code, outcome.err) == (0, "")
    title, *lines = outcome.out.splitlines()
    for word in ("name", "task", "parameters", "GMAC/s", "latency", "licence", "weights", "hash"):
        assert word in title
    listed = list_models()
    assert [line.split()[0] for line in lines] == [model.name for model in listed]
    for model, line in zip(listed, lines):
        assert f"{model.parameters:,}" in line
        assert model.licence in line


def test_help_says_what_the_cost_leaves_out(rephase):
    assert "of the network without its transforms" in " ".join(rephase("models", "--help").out.split())


@pytest.mark.parametrize(
    ("files", "word"), [({"model.onnx": {"sha256": "0123456789abcdef", "bytes": 1}}, "ship"), ({}, "none")]
)
def test_whether_weights_ship(rephase, identity_model, tmp_path, monkeypatch, files, word):
    import json

    from rephase.weights import registry

    config = json.loads((identity_model / "config.json").read_text()) | {"files": files}
    (tmp_path / "identity").mkdir()
    (tmp_path / "identity" / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr(registry, "BUNDLED", tmp_path)
    line = rephase("models").out.splitlines()[1]
    assert word in line.split()
    assert ("0123456789ab" in line) == bool(files)
