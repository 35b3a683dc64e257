"""RENet as published: its numbers of parameters and operations, its equations in whole, and what it refuses."""

import copy
import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from rephase.export.cost import count_parameters, gmac_of_clip, gmac_per_second
from rephase.models.network import check_spectrum, check_waveform
from rephase.models.presets import RENET_BASE, RENET_SMALL
from rephase.models.renet import RENet
from rephase.models.renet_config import RENetConfig
from rephase.signal.compression import EPS, compress
from rephase.signal.real_pair import from_pair, modulus, rotate
from rephase.testing import assert_equivariant, equivariance_error, randomise_parameters

TINY = RENetConfig(
    channels=(4, 2), heads=2, phase_head_channels=3, blocks=1, dense_dilations=(1, 2), phase_hidden=4,
    longest_seconds=4.0, chunk_seconds=1.0,
)  # fmt: skip
PUBLISHED = {"base": RENET_BASE, "small": RENET_SMALL}
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-8}


def build(config, dtype=torch.float32):
    return randomise_parameters(RENet(config).to(dtype).eval(), seed=3)


def features(frames, dtype=torch.float32, batch=2):
    """Compressed magnitude and phasor of noise in bursts, some of it nearly silent."""
    spectrum = torch.randn(batch, 2, frames, 201, dtype=dtype) * torch.rand(batch, 1, frames, 201, dtype=dtype) ** 3
    power = spectrum.square().sum(1)
    return compress(power), spectrum * torch.rsqrt(power + EPS).unsqueeze(1)


# ---------------------------------------------------------------- the published numbers
def test_base_has_the_published_parameters():
    network = RENet(RENET_BASE)
    parts = [count_parameters(part) for part in (network.encoder, network.bottleneck, network.decoder)]
    assert parts == [261_968, 1_044_736, 243_265]
    assert count_parameters(network) == sum(parts) == 1_549_969
    assert {count_parameters(hadf) for hadf in network.bottleneck} == {130_592}


def test_small_has_the_published_parameters():
    assert count_parameters(RENet(RENET_SMALL)) == 900_529
    assert round(count_parameters(RENet(RENET_SMALL)) / 1e6, 3) == 0.901


def test_small_takes_the_published_operations_on_a_second():
    assert gmac_per_second(RENet(RENET_SMALL).eval()) == pytest.approx(22.89, rel=0.03)


def test_operations_of_the_attention_along_time_grow_with_the_length():
    """Per second of audio: score and mixing take 2 · frames · width products for each of frames · bands places."""
    network = RENet(RENET_SMALL).eval()
    width = RENET_SMALL.channels[0] + 2 * RENET_SMALL.heads * RENET_SMALL.phase_head_channels
    growth = RENET_SMALL.blocks * 2 * width * RENET_SMALL.bands * 100 * 160 / 1e9  # for 100 frames more
    assert gmac_of_clip(network, 2.0) - gmac_of_clip(network, 1.0) == pytest.approx(1.6 * growth, rel=0.1)


def test_every_published_detail_is_the_default():
    assert RENET_BASE.to_dict() == {
        "sample_rate": 16000, "n_fft": 400, "hop_length": 100, "win_length": 400, "compression": 0.3,
        "phase_only": False,
        "channels": [48, 16], "dense_kernel": [2, 3], "dense_dilations": [1, 2, 4, 8],
        "down_kernel": 3, "down_stride": 2, "out_kernel": 2,
        "blocks": 4, "heads": 4, "phase_head_channels": 6, "recurrent_factor": 2, "phase_hidden": 64, "phase_kernel": 4,
        "leaky_slope": 0.01, "dropout": 0.1, "magnitude_eps": 1e-5, "phase_eps": 1e-7,
        "longest_seconds": 10.0, "chunk_seconds": 3.0, "context_seconds": 1.0,
    }  # fmt: skip
    assert (RENET_BASE.freqs, RENET_BASE.bands, RENET_BASE.window) == (201, 101, "hann")
    network = RENet(RENET_BASE)
    modules = list(network.modules())
    assert {module.hidden_size for module in modules if isinstance(module, nn.GRU)} == {96}
    assert [module.p for module in modules if isinstance(module, nn.Dropout)] == [0.1] * 8
    assert [hadf.axis for hadf in network.bottleneck] == ["frames", "freqs"] * 4
    assert [layer.phase_convolution.geometry.dilation for layer in network.encoder.dense.layers] == [1, 2, 4, 8]
    assert not any(parameter.is_complex() for parameter in network.parameters())


# ---------------------------------------------------------------- equivariance
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("config", PUBLISHED.values(), ids=PUBLISHED)
def test_the_published_network_turns_with_its_phasor(config, dtype):
    network = build(config, dtype)
    assert_equivariant(network.forward_spectrum, *features(24, dtype), tolerance=TOLERANCE[dtype], angles=2)


def test_polarity_of_a_waveform():
    network, waveform = build(RENET_SMALL), 0.1 * torch.randn(1, 6000)
    with torch.no_grad():
        one, two = network(waveform), network(-waveform)
    assert one.abs().max() > 1e-4
    assert (one + two).norm() <= 1e-6 * one.norm()


def test_a_fault_in_one_layer_would_be_seen():
    network = build(TINY, torch.float64)
    inputs = features(12, torch.float64)
    assert equivariance_error(network.forward_spectrum, *inputs, rotation=0.9) < 1e-12
    network.bottleneck[0].register_forward_hook(lambda module, inputs, outputs: (outputs[0], outputs[1] + 1e-2))
    assert equivariance_error(network.forward_spectrum, *inputs, rotation=0.9) > 1e-5


def test_under_autocast_the_error_is_that_of_the_format():
    """bfloat16 rounds to 2⁻⁹ of a value at most. Along the way of renet-small some 60 products round one after another
    (4 + 2 MPICMs on either side, five products in each of eight HADFs); independent errors add up as √60 · 2⁻⁹, and two
    passes differ by √2 of that: 0.021. Twice that much is allowed.
    """
    network, (magnitude, phasor) = RENet(RENET_SMALL).eval(), features(24)

    def in_bfloat16(magnitude, phasor):
        with torch.autocast("cpu", torch.bfloat16):
            return tuple(output.float() for output in network.forward_spectrum(magnitude, phasor))

    error = equivariance_error(in_bfloat16, magnitude, phasor, rotation=0.9)
    assert 1e-5 < error <= 2 * math.sqrt(2 * 60) * 2**-9
    with torch.no_grad():
        _, after = in_bfloat16(magnitude, phasor)
    torch.testing.assert_close(modulus(after, 0.0), torch.ones_like(magnitude), rtol=0, atol=1e-4)


@pytest.mark.slow
def test_it_turns_with_its_phasor_when_it_is_compiled():
    """In a process of its own, because the checks of shapes that tests put on all functions can't be compiled."""
    code = """
import torch
from rephase.models.renet import RENet
from rephase.models.renet_config import RENetConfig
from rephase.signal.real_pair import unit
from rephase.testing import assert_equivariant, randomise_parameters

torch.manual_seed(0)
config = RENetConfig(channels=(4, 2), heads=2, phase_head_channels=3, blocks=1, dense_dilations=(1, 2), phase_hidden=4)
network = randomise_parameters(RENet(config).eval())
compiled = torch.compile(network.forward_spectrum)
inputs = torch.rand(2, 24, 201), unit(torch.randn(2, 2, 24, 201))
with torch.no_grad():
    for ours, theirs in zip(compiled(*inputs), network.forward_spectrum(*inputs)):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
assert_equivariant(compiled, *inputs, tolerance=1e-4, angles=2)
"""
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


# ---------------------------------------------------------------- outputs, modes, learning
def test_the_outputs_are_a_magnitude_and_a_phasor():
    with torch.no_grad():
        magnitude, phasor = build(TINY).forward_spectrum(*features(10))
    assert magnitude.min() >= 0
    assert magnitude.max() > 0
    torch.testing.assert_close(modulus(phasor, 0.0), torch.ones_like(magnitude), rtol=0, atol=1e-3)


@pytest.mark.parametrize("length", [1, 2, 99, 100, 101, 199, 200, 201, 399, 1000, 4321])
def test_the_length_stays(length):
    with torch.no_grad():
        enhanced = build(TINY)(0.1 * torch.randn(2, length))
    assert enhanced.shape == (2, length)
    assert enhanced.isfinite().all()


def test_the_level_passes_through():
    network, waveform = build(TINY), torch.randn(1, 3000)
    with torch.no_grad():
        loud, soft = network(waveform), network(1e-3 * waveform)
    torch.testing.assert_close(1e3 * soft, loud, rtol=1e-3, atol=1e-4 * loud.abs().max().item())


def test_silence_stays_silence():
    with torch.no_grad():
        assert not build(TINY)(torch.zeros(1, 3000)).any()


def test_items_of_a_batch_do_not_meet():
    network, waveform = build(TINY), torch.randn(3, 2000)
    with torch.no_grad():
        torch.testing.assert_close(network(waveform)[1:2], network(waveform[1:2]), rtol=1e-4, atol=1e-5)


def test_rotating_a_spectrum_rotates_the_result():
    """The claim itself, once written out with complex numbers."""
    network, (magnitude, phasor) = build(TINY, torch.float64), features(10, torch.float64)
    with torch.no_grad():
        before, after = (
            network.forward_spectrum(magnitude, phasor),
            network.forward_spectrum(magnitude, rotate(phasor, 2.0)),
        )
    torch.testing.assert_close(after[0], before[0])
    turned = from_pair(before[1]) * complex(math.cos(2.0), math.sin(2.0))
    torch.testing.assert_close(from_pair(after[1]), turned)


def test_checkpointing_computes_twice_and_changes_no_gradient():
    """Dropout included: what was drawn the first time is drawn again."""
    waveform = 0.1 * torch.randn(1, 2000)
    gradients, calls = [], {False: 0, True: 0}
    original = build(replace(TINY, dropout=0.3)).train()
    for checkpointing in (False, True):
        network = copy.deepcopy(original)
        network.checkpointing = checkpointing

        def count(module, inputs, checkpointing=checkpointing):
            calls[checkpointing] += 1

        network.bottleneck[0].register_forward_pre_hook(count)
        torch.manual_seed(5)
        network(waveform).square().sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    assert calls == {False: 1, True: 2}
    for plain, again in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, again, rtol=1e-4, atol=1e-6)


def test_every_parameter_takes_part():
    network = build(TINY)
    network(torch.randn(1, 3000)).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.slow
def test_small_learns_one_batch_by_heart():
    """A second of chords in noise: what is left of the noise falls below a third."""
    time = torch.arange(16000) / 16000
    clean = 0.1 * sum(torch.sin(6.2832 * f * time + f) for f in (220, 310, 900, 1400)).unsqueeze(0)
    noise = 0.1 * torch.randn(1, 16000, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    network = RENet(replace(RENET_SMALL, dropout=0.0))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    losses = []
    for _ in range(40):
        loss = (network(clean + noise) - clean).square().mean() / noise.square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1
    assert min(losses[-5:]) < 0.33, losses[::5]


# ---------------------------------------------------------------- mistakes
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": 5}, r"heads must divide the magnitude channels; got 5 and 48\. Try heads=1, or channels=\(50, 16\)"),
        ({"n_fft": 401}, r"n_fft must be even; got 401\. Try n_fft=402"),
        ({"hop_length": 300}, r"hop_length must be at most win_length // 2.*; got 300 and 400\. Try hop_length=100"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\); got 1\.0\. Try dropout=0\.1"),
        (
            {"out_kernel": 3},
            r"out_kernel must be at most 2, .* 2 x 101 frequencies leave 201; got 3\. Try out_kernel=2",
        ),
        ({"n_fft": 402}, r"out_kernel must be at most 1, .* 2 x 101 frequencies leave 202; got 2\. Try out_kernel=1"),
        (
            {"down_stride": 3},
            r"out_kernel must be at most 1, .* 3 x 67 frequencies leave 201; got 2\. Try out_kernel=1",
        ),
        ({"longest_seconds": 2.0}, r"longest_seconds must hold a chunk.*; got 2\.0, 3\.0 and 1\.0"),
        ({"blocks": 0}, r"blocks must be an integer of at least 1; got 0\. Try blocks=4"),
        ({"phase_eps": -1.0}, r"phase_eps must be a number of at least 0; got -1\.0\. Try phase_eps=1e-07"),
    ],
)
def test_a_mistake_in_the_configuration_names_argument_value_and_fix(changes, message):
    with pytest.raises(ValueError, match=message):
        RENetConfig(**changes)


@pytest.mark.parametrize(
    ("waveform", "sample_rate", "message"),
    [
        (torch.zeros(1, 100), 8000, r"sample_rate must be 16000.*; got 8000\. Resample first"),
        (torch.zeros(1, 0), None, r"waveform must have at least one sample; got the shape \(1, 0\)"),
        (torch.zeros(1, 64001), None, r"waveform must have at most 64000 samples \(4 s\); got 64001\. Use rephase"),
        (torch.full((1, 100), torch.nan), None, r"waveform must be finite; got NaN"),
        (torch.full((1, 100), torch.inf), None, r"waveform must be finite; got NaN or infinity"),
    ],
)
def test_a_waveform_that_cannot_be_is_refused(waveform, sample_rate, message):
    with pytest.raises(ValueError, match=message):
        build(TINY)(waveform, sample_rate)


def test_other_ranks_and_types_are_refused_without_a_type_checker():
    with pytest.raises(ValueError, match=r"waveform must have the shape \[batch, time\]; got \(100,\)\. Try"):
        check_waveform(torch.zeros(100))
    with pytest.raises(ValueError, match=r"waveform must hold floats, full scale ±1; got torch\.int16"):
        check_waveform(torch.zeros(1, 100, dtype=torch.int16))
    with pytest.raises(ValueError, match=r"magnitude must have the shape \[batch, frames, 201\]; got \(4, 201\)"):
        check_spectrum(torch.zeros(4, 201), torch.zeros(1, 2, 4, 201), 201)
    for phasor in (torch.zeros(1, 2, 5, 201), torch.zeros(1, 4, 201), torch.zeros(1, 2, 4, 201, dtype=torch.complex64)):
        with pytest.raises(ValueError, match=r"phasor must be a real pair of shape \(1, 2, 4, 201\)"):
            check_spectrum(torch.zeros(1, 4, 201), phasor, 201)


def test_too_few_frames_or_other_frequencies_are_refused():
    network = build(TINY)
    with pytest.raises(ValueError, match=r"magnitude must have at least 2 frames; got 1\."):
        network.forward_spectrum(*features(1))
    with pytest.raises(
        ValueError, match=r"magnitude must have the shape \[batch, frames, 201\].*129\)\. Try .*n_fft=400"
    ):
        network.forward_spectrum(torch.zeros(1, 4, 129), torch.zeros(1, 2, 4, 129))
