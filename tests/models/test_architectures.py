"""Every preset: built by its configuration, saved and loaded."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from rephase.models.architectures import ARCHITECTURES, build
from rephase.models.config import NetworkConfig
from rephase.models.presets import PRESETS
from rephase.testing import randomise_parameters


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS.keys())
def test_a_configuration_builds_its_network(config):
    network = build(config)
    kind, architecture = ARCHITECTURES[type(network).__name__]
    assert type(network) is architecture
    assert type(config) is kind
    assert network.config == config


def test_the_package_offers_what_its_docstring_shows():
    from rephase import models

    assert set(dir(models)) == set(models.__all__)
    assert all(getattr(models, name) is not None for name in models.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'RENett'"):
        models.RENett  # noqa: B018
    waveform = torch.randn(1, 1600)
    assert models.build(models.PRESETS["renet-small"]).eval()(waveform).shape == waveform.shape
    with pytest.raises(ValueError, match="config must be one of RENetConfig, RENetLiteConfig; got a NetworkConfig"):
        models.build(NetworkConfig())


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS.keys())
def test_the_weights_survive_a_file(config, tmp_path):
    model, signal = randomise_parameters(build(config)).eval(), 0.05 * torch.randn(1, 3000)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    torch.manual_seed(1)
    other = build(type(config).from_dict(config.to_dict())).eval()
    other.load_state_dict(load_file(tmp_path / "model.safetensors"))
    with torch.no_grad():
        assert torch.equal(model(signal), other(signal))
