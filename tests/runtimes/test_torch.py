"""The torch runtime loads only what is described and fits, and says all that doesn't at once."""

import hashlib

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from rephase.errors import ModelError
from rephase.export.folder import ModelFacts, as_json, describe
from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.runtimes.base import Runtime
from rephase.runtimes.torch import TorchRuntime, load_network, make_network
from rephase.testing import randomise_parameters
from rephase.weights.registry import ModelFolder

CONFIG = RENetLiteConfig(
    stem_channels=(8, 4), channels=(8, 4), heads=2, blocks=1, dilations=(1, 2), lookback_frames=6, lookahead_frames=8
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return randomise_parameters(RENetLite(CONFIG)).eval()


@pytest.fixture
def model(network, tmp_path):
    """A model folder around a network's tensors, or around those (or the bytes) given; fields can be changed."""

    def make(content=None, **fields) -> ModelFolder:
        content = (
            save(network.state_dict() if content is None else content) if not isinstance(content, bytes) else content
        )
        (tmp_path / "model.safetensors").write_bytes(content)
        entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        description = describe(network, ModelFacts("small", "1")) | {"files": {"model.safetensors": entry}} | fields
        (tmp_path / "config.json").write_text(as_json(description))
        return ModelFolder.read(tmp_path)

    return make


def test_it_is_a_runtime_and_gives_what_the_network_gives(model, network):
    runtime = TorchRuntime(model(), "cpu")
    assert isinstance(runtime, Runtime)
    assert (runtime.name, runtime.device) == ("torch", "cpu")
    waveform = (0.05 * np.random.default_rng(0).standard_normal((2, 3001))).astype(np.float32)
    enhanced = runtime(waveform)
    assert enhanced.dtype == np.float32
    with torch.no_grad():
        expected = network(torch.from_numpy(waveform)).numpy()
    np.testing.assert_allclose(enhanced, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_the_bytes_that_were_checked_are_the_ones_that_run(model, network, exchanged):
    tensors = load_network(exchanged(model())).state_dict()
    assert all(torch.equal(tensors[name], value) for name, value in network.state_dict().items())


def test_read_only_input_is_fine(model):
    waveform = np.zeros((1, 300), dtype=np.float32)
    waveform.flags.writeable = False
    assert TorchRuntime(model(), "cpu")(waveform).shape == (1, 300)


def test_auto_takes_a_gpu_where_there_is_one(model):
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert TorchRuntime(model()).device == expected


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there(model):
    with pytest.raises(ModelError, match=r"torch can't use device cuda .*use device cpu"):
        TorchRuntime(model(), "cuda")


def test_an_unknown_device(model):
    with pytest.raises(ValueError, match="device must be auto, cpu, cuda, cuda:N or mps; got 'tpu'"):
        TorchRuntime(model(), "tpu")


def test_a_changed_byte_is_refused_before_anything_is_read(model):
    folder = model()
    content = bytearray((folder.path / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder.path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        TorchRuntime(folder)


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\xff" * 64, b"\x80\x04\x95pickle"])
def test_what_is_no_safetensors_is_refused_even_with_the_right_hash(model, content):
    with pytest.raises(ModelError, match=r"can't read model\.safetensors"):
        TorchRuntime(model(content))


def test_a_truncated_file_is_refused(model, network):
    with pytest.raises(ModelError, match=r"can't read model\.safetensors"):
        TorchRuntime(model(save(network.state_dict())[:-100]))


def test_all_that_does_not_fit_is_named_at_once(model, network):
    tensors = dict(network.state_dict())
    del tensors["band_embedding"]
    tensors["decoder.magnitude_norm.gain"] = torch.zeros(3, 1, 1)
    tensors["discriminator.weight"] = torch.zeros(1)
    with pytest.raises(ModelError) as failure:
        TorchRuntime(model(tensors))
    message = str(failure.value)
    assert "missing: band_embedding;" in message
    assert "unexpected: discriminator.weight;" in message
    assert "of another shape: decoder.magnitude_norm.gain 3×1×1 instead of 8×1×1;" in message
    assert "\n" not in message


def test_a_long_list_is_cut(model):
    with pytest.raises(ModelError, match=r"missing: band_blocks\.0\..* and \d+ more; unexpected: other;"):
        TorchRuntime(model({"other": torch.zeros(1)}))


def test_weights_of_another_size_of_network(model):
    wider = RENetLiteConfig(**(CONFIG.to_dict() | {"channels": (16, 4), "stem_channels": (8, 4), "dilations": (1, 2)}))
    with pytest.raises(
        ModelError, match=r"of another shape: band_blocks\.0\.attention\.magnitude_in\.weight 24×8 instead of 48×16"
    ):
        TorchRuntime(model(network=wider.to_dict()))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"architecture": "Transformer"}, "architecture 'Transformer' is unknown"),
        ({"network": {"bands": 3}}, "unknown fields in a RENetLiteConfig: bands.*correct `network`"),
        ({"network": {"heads": 3}}, "heads must divide .*correct `network`"),
        ({"network": {"heads": "x"}}, "correct `network`"),
    ],
)
def test_a_description_that_is_no_network(model, fields, message):
    with pytest.raises(ModelError, match=message):
        make_network(model(**fields))


def test_a_model_without_weights(model):
    with pytest.raises(ModelError, match="ships no weights"):
        load_network(model(files={}))


def test_saving_and_loading_gives_the_same_weights(model, network):
    folder = model()
    loaded = load_network(folder).state_dict()
    stored = load_file(folder.path / "model.safetensors")
    assert loaded.keys() == stored.keys() == network.state_dict().keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in network.state_dict().items())


def test_a_network_that_fails_is_a_model_error(model):
    runtime = TorchRuntime(model(), "cpu")
    runtime._network.decoder.half()  # what it computes with no longer fits what comes in
    with pytest.raises(ModelError, match=r"the network failed on cpu .*use device cpu"):
        runtime(np.zeros((1, 300), dtype=np.float32))
