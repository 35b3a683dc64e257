"""What is measured in a network, on layers and features whose answer is known."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn

from rephase.analysis.attention import heads
from rephase.analysis.equivariance import LayerError, layer_errors, random_angles
from rephase.analysis.gates import MAGNITUDE, PHASE, gates
from rephase.analysis.periodicity import hop_line, measure, periodicities, wrapped
from rephase.analysis.probe import excerpt, probe
from rephase.errors import AudioFileError, ModelError
from rephase.models.presets import RENET_BASE

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def recording(example_audio) -> Path:
    return example_audio / "dishes-0db.degraded.flac"


@pytest.fixture(scope="module")
def lite(recording):
    return probe("renet-lite", recording, seconds=1.0)


@pytest.fixture(scope="module")
def small(recording):
    """The published architecture, with random weights."""
    return probe("renet-small", recording, seconds=0.3, random=True)


# ---------------------------------------------------------------- the probe
def test_the_excerpt_is_the_loudest_part_at_the_level_of_training(tmp_path):
    waveform = 0.001 * np.random.default_rng(0).standard_normal(3 * 44100)
    waveform[44100 : 2 * 44100] *= 50
    soundfile.write(tmp_path / "a.wav", np.stack([waveform, waveform], axis=1), 44100, "FLOAT")
    part, start = excerpt(tmp_path / "a.wav", 16000, 1.0)
    assert part.shape == (16000,)
    assert start == pytest.approx(1, abs=0.01)
    assert 20 * math.log10(float(np.sqrt(np.mean(part**2)))) == pytest.approx(-26, abs=1e-3)


@pytest.mark.parametrize(("samples", "reason"), [(np.zeros(16000), "silent"), (np.ones(2000), "a quarter of a second")])
def test_a_recording_without_anything_to_see_is_an_error(samples, reason, tmp_path):
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    with pytest.raises(AudioFileError, match=reason):
        excerpt(tmp_path / "a.wav", 16000, 1.0)


def test_a_model_without_weights_needs_random_ones(recording):
    with pytest.raises(ModelError, match="take random ones: --random"):
        probe("renet-small", recording)


def test_the_network_is_left_as_it_was(lite):
    assert "forward_spectrum" not in vars(lite.network)
    assert not any(module._forward_hooks for module in lite.network.modules())


def test_inputs_are_what_the_layers_were_given(lite):
    """Called again with them, they give what they gave."""
    for layer in lite.blocks():
        with torch.inference_mode():
            _, phase = layer.module(*layer.inputs)
        assert torch.equal(phase, layer.phase)
    assert lite.blocks()[0].name == "stem"


# ---------------------------------------------------------------- equivariance
@pytest.mark.parametrize("which", ["lite", "small"])
def test_layers_turn_with_their_input(which, request):
    found = request.getfixturevalue(which)
    errors = layer_errors(found, random_angles(2))
    assert len(errors) == len(found.layers) + 2
    assert all(layer.passes for layer in errors), [layer.name for layer in errors if not layer.passes]
    assert max(errors[-1].errors) < 1e-12


def test_a_layer_that_does_not_turn_is_found(recording):
    found = probe("renet-lite", recording, seconds=0.5)
    (layer,) = [layer for layer in found.layers if layer.name == "stem.phase_convolution"]

    class Biased(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, phase: torch.Tensor) -> torch.Tensor:
            return self.inner(phase) + 0.1

    layer.module = Biased(layer.module)
    layer.inputs = layer.inputs[-1:]
    from rephase.analysis import equivariance

    errors = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(equivariance, "PHASE_ONLY", (*equivariance.PHASE_ONLY, Biased))
        errors = {error.name: error for error in layer_errors(found, random_angles(2))}
    assert not errors["stem.phase_convolution"].passes
    assert max(errors["stem.phase_convolution"].errors) > 1e-3
    assert errors["stem.phase_norm"].passes


def test_angles_are_not_those_that_hide_faults():
    for angle in random_angles(50):
        assert abs(wrapped(np.array([4 * angle]))[0]) > 1e-3  # a multiple of π/2


def test_an_error_that_is_nan_does_not_pass():
    for bad in (math.nan, math.inf):
        layer = LayerError("a", "b", [0.0, bad, 0.0], 1e-5)
        assert not layer.passes
        assert not layer.largest <= 1e-5


# ---------------------------------------------------------------- periodicity
def turning(pace, bands=201, frames=200, channels=3):
    """Features whose phases advance by a pace in each band."""
    time = torch.arange(frames)[:, None]
    angle = torch.as_tensor(pace)[None, :] * time
    shift = torch.linspace(0, 3, channels)[:, None, None]
    return torch.stack([torch.cos(angle + shift), torch.sin(angle + shift)])[None]


def test_phases_that_follow_the_hop_lie_on_its_line():
    line = hop_line(RENET_BASE, 201)
    found = measure("a", turning(line), RENET_BASE)
    assert found.distance < 0.01
    assert wrapped(found.peaks - line) == pytest.approx(0, abs=0.02)
    assert found.time_concentration > 50


@pytest.mark.parametrize("offset", [0.5, -1.0, 2.5])
def test_phases_that_turn_otherwise_are_as_far_off_as_they_are(offset):
    found = measure("a", turning(hop_line(RENET_BASE, 201) + offset), RENET_BASE)
    assert found.distance == pytest.approx(abs(offset), abs=0.02)


def test_noise_is_a_quarter_turn_off_and_hardly_concentrated():
    noise = torch.randn(1, 2, 4, 300, 201, generator=torch.Generator().manual_seed(0))
    found = measure("noise", noise, RENET_BASE)
    assert found.distance == pytest.approx(math.pi / 2, abs=0.15)
    assert 1 < found.time_concentration < 3.5
    assert 1 < found.freq_concentration < 3.5


@pytest.mark.parametrize("period", [4.0, 10.0])
def test_the_period_along_frequency_is_found(period):
    angle = (2 * math.pi * torch.arange(200) / period).expand(1, 50, 200)
    found = measure("a", torch.stack([torch.cos(angle), torch.sin(angle)])[None].float(), RENET_BASE)
    assert found.freq_period == pytest.approx(period, rel=0.02)
    assert found.freq_concentration > 50


def test_the_line_is_that_of_the_transform(example_audio):
    """A tone in the middle of a bin turns by 2π f h / f_s in the network's own STFT."""
    tone = torch.cos(2 * math.pi * 47 * torch.arange(16000) / 400)[None]
    from rephase.models.network import FastTransforms

    pair = FastTransforms(RENET_BASE).stft(tone)
    found = measure("tone", pair.unsqueeze(2), RENET_BASE)
    assert wrapped(found.peaks[47:48] - found.line[47:48]) == pytest.approx(0, abs=0.02)


def test_input_blocks_and_noise_stand_beside_each_other(lite):
    names = [part.name for part in periodicities(lite)]
    assert names[0] == "input"
    assert names[-1] == "noise"
    assert names[1:-1] == [layer.name for layer in lite.blocks()]


# ---------------------------------------------------------------- gates and attention
def test_new_gates_let_everything_pass(small):
    found = gates(small)
    assert {gate.opens for gate in found} == {PHASE, MAGNITUDE}
    assert all(gate.low == gate.mean == gate.high == pytest.approx(1) for gate in found)


def test_learned_gates_lie_within_their_range(lite):
    found = gates(lite)
    assert len(found) == 2 * sum(layer.kind == "MPICM" for layer in lite.layers)
    assert all(0 <= gate.low <= gate.high <= 3 for gate in found)
    assert any(gate.mean < 0.9 for gate in found)


@pytest.mark.parametrize("which", ["lite", "small"])
def test_attention_shares_itself_and_stays_in_reach(which, request):
    found = request.getfixturevalue(which)
    every = heads(found)
    assert {head.axis for head in every} == {"time", "frequency"}
    for head in every:
        assert head.weights.sum(axis=1) == pytest.approx(1, abs=1e-6)
        assert 1 <= head.effective <= len(head.weights)
    frames = found.magnitude.shape[1]
    assert {len(head.weights) for head in every if head.axis == "time"} == {frames}
    if which == "lite":
        config = found.network.config
        place = np.arange(frames)
        beyond = place[:, None] - place[None, :] > config.lookback_frames
        assert all(head.weights[beyond].max(initial=0) == 0 for head in every if head.axis == "time")


def test_attention_is_what_the_layer_computed(small):
    """The weights times the values are the mixed values: by hand for one layer along frequency."""
    (layer,) = [layer for layer in small.layers if layer.name == "bottleneck.1.attention"]
    module, (magnitude, phase) = layer.module, layer.inputs
    with torch.inference_mode():
        real = module.magnitude_in(magnitude.movedim(1, -1)).unflatten(-1, (3, module.heads, -1))
        stacked = module.phase_in(phase.flatten(1, 2).movedim(1, -1)).unflatten(-1, (2, 3, module.heads, -1))
        joint = torch.cat([real, stacked[..., 0, :, :, :], stacked[..., 1, :, :, :]], dim=-1)
        queries, keys, _ = joint.flatten(0, 1).permute(2, 0, 3, 1, 4)
        scores = torch.einsum("fhqd,fhkd->fhqk", queries, keys) / math.sqrt(queries.shape[-1])
        expected = torch.exp(scores) / torch.exp(scores).sum(-1, keepdim=True)
    assert torch.allclose(layer.attention, expected.mean(0), atol=1e-5)


# ---------------------------------------------------------------- the report
def test_a_report_is_whole(lite, recording, tmp_path):
    from rephase.analysis.report import analyse, write_analysis

    write_analysis(analyse(lite, recording, angles=2), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "The phase stream turns with its input" in page
    assert page.count("data:image/png;base64,") == 7
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    found = json.loads((tmp_path / "summary.json").read_text())
    assert all(layer["passes"] for layer in found["equivariance"])
    for name in ("equivariance", "features", "advances", "rhythm", "gates", "gates-at-work", "attention"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
