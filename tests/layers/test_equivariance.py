"""Every layer under a global rotation, with all parameters off their initial values; it also serves both precisions,
keeps batch items apart, and has finite gradients in silence."""

import pytest
import torch
from torch import nn

from rephase import layers
from rephase.layers import (
    HADF,
    MPICM,
    ComplexConv2d,
    ComplexConvFFN,
    ComplexGatedFFN,
    ComplexLinear,
    ComplexRMSNorm,
    DenseBlock,
    GatedFFN,
    HybridAttention,
    LiteHADF,
    MagnitudeConv2d,
    MagnitudeToPhaseGate,
    PhaseToMagnitudeGate,
    RecurrentFFN,
    RMSNorm,
    SubPixelComplexConv2d,
    SubPixelMagnitudeConv2d,
)
from rephase.testing import assert_equivariant, equivariance_error, randomise_parameters

MAGNITUDE, PHASE, FRAMES, FREQS = 8, 4, 11, 6
ONE_FRAME = ("channels", "freqs")
BOTH = (MAGNITUDE, PHASE)


class OnPairs(nn.Module):
    """A layer whose last dimension holds all real and then all imaginary parts, on phase features."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, phase):
        return self.layer(phase.flatten(1, 2).movedim(1, -1)).movedim(-1, 1).unflatten(1, (2, -1))


def published_hadf(axis):
    return HADF(BOTH, 2, axis, phase_head_channels=3, recurrent=6, phase_hidden=5)


# name → (which streams it takes, how to make it)
LAYERS = {
    "ComplexLinear": ("phase", lambda: OnPairs(ComplexLinear(PHASE, 5))),
    "ComplexConv2d": ("phase", lambda: ComplexConv2d(PHASE, 5, (3, 3), dilation=2, lookahead=1)),
    "ComplexConv2d strided": ("phase", lambda: ComplexConv2d(PHASE, 5, (1, 4), stride=2, pad_freqs=(1, 2))),
    "SubPixelComplexConv2d": ("phase", lambda: SubPixelComplexConv2d(PHASE, 3, (1, 3), 2)),
    "ComplexRMSNorm": ("phase", lambda: ComplexRMSNorm(PHASE)),
    "ComplexRMSNorm of a frame": ("phase", lambda: ComplexRMSNorm(PHASE, ("channels", "freqs"), freqs=FREQS)),
    "ComplexRMSNorm of all": ("phase", lambda: ComplexRMSNorm(PHASE, ("frames", "freqs"), freqs=FREQS)),
    "ComplexGatedFFN": ("phase", lambda: ComplexGatedFFN(PHASE, 6)),
    "MagnitudeToPhaseGate": ("both", lambda: MagnitudeToPhaseGate(*BOTH, FREQS)),
    "PhaseToMagnitudeGate": ("both", lambda: PhaseToMagnitudeGate(*BOTH, FREQS)),
    "HybridAttention along frames": ("both", lambda: HybridAttention(BOTH, 2, "frames", (4, 2), groups=3)),
    "HybridAttention along freqs": ("both", lambda: HybridAttention(BOTH, 4, "freqs")),
    "MPICM": ("both", lambda: MPICM(BOTH, (6, 3), FREQS, dilation=2, lookahead=2)),
    "MPICM of one frame": ("both", lambda: MPICM(BOTH, (6, 3), FREQS, norm_over=ONE_FRAME)),
    "MPICM without gates": ("both", lambda: MPICM(BOTH, (6, 3), FREQS, (1, 1), gated=False)),
    "MPICM raising the resolution": ("both", lambda: MPICM(BOTH, (6, 3), 2 * FREQS, (1, 3), factor=2)),
    "DenseBlock": ("both", lambda: DenseBlock(BOTH, FREQS, dilations=(1, 2, 4))),
    "ComplexConvFFN": ("phase", lambda: ComplexConvFFN(PHASE, 6)),
    "HADF along frames": ("both", lambda: published_hadf("frames")),
    "HADF along freqs": ("both", lambda: published_hadf("freqs")),
    "LiteHADF along frames": ("both", lambda: LiteHADF(BOTH, 2, "frames", (4, 4), groups=2, expansion=2)),
    "LiteHADF along freqs": ("both", lambda: LiteHADF(BOTH, 2, "freqs")),
    "MagnitudeConv2d": ("magnitude", lambda: MagnitudeConv2d(MAGNITUDE, 5, (3, 3), lookahead=1)),
    "SubPixelMagnitudeConv2d": ("magnitude", lambda: SubPixelMagnitudeConv2d(MAGNITUDE, 3, (1, 3), 2)),
    "RMSNorm": ("magnitude", lambda: RMSNorm(MAGNITUDE, bias=True)),
    "GatedFFN": ("magnitude", lambda: GatedFFN(MAGNITUDE, 6)),
    "RecurrentFFN": ("magnitude", lambda: RecurrentFFN(MAGNITUDE, 5)),
}
every_layer = pytest.mark.parametrize("name", LAYERS)


def build(name, dtype=torch.float32):
    return randomise_parameters(LAYERS[name][1]().to(dtype).eval(), seed=7)


def features(name, dtype=torch.float32, batch=2, frames=FRAMES):
    magnitude = torch.randn(batch, MAGNITUDE, frames, FREQS, dtype=dtype)
    phase = torch.randn(batch, 2, PHASE, frames, FREQS, dtype=dtype)
    return {"magnitude": (magnitude,), "phase": (phase,), "both": (magnitude, phase)}[LAYERS[name][0]]


def outputs(module, inputs):
    result = module(*inputs)
    return result if isinstance(result, tuple) else (result,)


def test_no_public_layer_is_left_out():
    assert {name.split()[0] for name in LAYERS} == set(layers.__all__)


@pytest.mark.parametrize("name", LAYERS)
def test_the_docstring_says_how_it_behaves(name):
    docstring = getattr(layers, name.split()[0]).__doc__
    returns_phase = LAYERS[name][0] != "magnitude" and name != "PhaseToMagnitudeGate"
    assert f"Equivariance: {'rotates' if returns_phase else 'invariant'}" in docstring


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", [name for name, (streams, _) in LAYERS.items() if streams != "magnitude"])
def test_a_rotation_of_the_phase_passes_through(name, dtype):
    inputs = features(name, dtype)
    assert_equivariant(build(name, dtype), *(inputs if len(inputs) == 2 else (None, *inputs)))


@pytest.mark.parametrize("name", [name for name, (streams, _) in LAYERS.items() if streams != "magnitude"])
def test_a_bias_on_the_phase_would_be_seen(name):
    """What the layer computes is not so small, or so large, that a fault of a thousandth passes."""
    inputs = features(name)
    module = build(name)
    magnitude, phase = inputs if len(inputs) == 2 else (None, *inputs)

    def at_fault(*inputs):
        return module(*inputs[:-1], inputs[-1] + 1e-2)

    assert equivariance_error(at_fault, magnitude, phase, rotation=1.0) > 1e-4


@every_layer
def test_items_of_a_batch_do_not_meet(name):
    module, inputs = build(name), features(name, batch=3)
    together = outputs(module, inputs)
    alone = outputs(module, tuple(values[1:2] for values in inputs))
    for one, two in zip(together, alone, strict=True):
        torch.testing.assert_close(one[1:2], two, rtol=1e-5, atol=1e-6)


@every_layer
def test_the_dtype_stays_and_frames_stay(name):
    for dtype in (torch.float32, torch.float64):
        for output in outputs(build(name, dtype), features(name, dtype)):
            assert output.dtype == dtype
            assert output.shape[-2] == FRAMES


@every_layer
def test_gradients_are_finite_in_silence(name):
    module = build(name)
    silence = tuple(torch.zeros_like(values).requires_grad_() for values in features(name))
    sum(output.sum() for output in outputs(module, silence)).backward()
    gradients = [values.grad for values in silence] + [parameter.grad for parameter in module.parameters()]
    assert all(gradient.isfinite().all() for gradient in gradients)


@every_layer
def test_every_parameter_takes_part(name):
    module, inputs = build(name), features(name)
    sum(output.square().sum() for output in outputs(module, inputs)).backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.abs().max() > 0, parameter_name


@pytest.mark.parametrize("name", [name for name, (streams, _) in LAYERS.items() if streams != "magnitude"])
def test_no_phase_in_means_no_phase_out(name):
    inputs = features(name)
    for output in outputs(build(name), (*inputs[:-1], torch.zeros_like(inputs[-1]))):
        if output.ndim == 5:
            assert torch.equal(output, torch.zeros_like(output))


@every_layer
def test_a_single_frame_is_enough(name):
    for output in outputs(build(name), features(name, frames=1)):
        assert output.shape[-2] == 1
        assert output.isfinite().all()
