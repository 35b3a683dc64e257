"""FFNs, MPICM and HADF: their equations, restated with complex numbers, and how far they look."""

import pytest
import torch
from torch.nn.functional import silu

from rephase.layers import MPICM, ComplexGatedFFN, ComplexRMSNorm, GatedFFN, LiteHADF, RMSNorm
from rephase.signal.real_pair import from_pair, to_pair
from rephase.testing import assert_causal, randomise_parameters, time_reach

ONE_FRAME = ("channels", "freqs")


def features(channels=(4, 3), frames=5, freqs=6):
    shape = (2, channels[1], frames, freqs)
    return torch.randn(2, channels[0], frames, freqs, dtype=torch.float64), to_pair(
        torch.randn(shape, dtype=torch.complex128)
    )


def test_a_gated_ffn_is_its_equation():
    magnitude, _ = features()
    module = randomise_parameters(GatedFFN(4, 5).double())
    gate, value = module.expand(magnitude.movedim(1, -1)).chunk(2, -1)
    expected = (silu(gate) * value) @ module.contract.weight.mT + module.contract.bias
    torch.testing.assert_close(module(magnitude), expected.movedim(-1, 1))


def test_a_complex_gated_ffn_is_its_equation():
    _, phase = features()
    module = randomise_parameters(ComplexGatedFFN(3, 5).double())
    expand = torch.complex(module.expand.weight_real, module.expand.weight_imaginary)
    contract = torch.complex(module.contract.weight_real, module.contract.weight_imaginary)
    value, control = torch.einsum("oi,bitf->botf", expand, from_pair(phase)).chunk(2, dim=1)
    gated = value * silu(control.abs() * module.gate_gain + module.gate_bias)
    torch.testing.assert_close(module(phase), to_pair(torch.einsum("oi,bitf->botf", contract, gated)))


def test_ffns_see_one_point():
    magnitude, phase = features()
    for module, values in ((GatedFFN(4, 5), magnitude), (ComplexGatedFFN(3, 5), phase)):
        randomise_parameters(module.double())
        assert time_reach(module, values, at=2) == (0, 0)
        assert time_reach(module, values, at=2, axis=-1) == (0, 0)


@pytest.mark.parametrize(("dilation", "lookahead"), [(1, 0), (1, 1), (4, 0), (4, 4), (4, 8), (3, 1)])
def test_an_mpicm_sees_the_frames_of_its_kernel(dilation, lookahead):
    geometry = {"norm_over": ONE_FRAME, "dilation": dilation, "lookahead": lookahead}
    module = randomise_parameters(MPICM((4, 3), (5, 2), 6, **geometry).double())
    inputs = features(frames=40)
    assert time_reach(module, *inputs, at=20) == (2 * dilation - lookahead, lookahead)
    assert_causal(module, *inputs, lookahead=lookahead)


def test_an_mpicm_halves_the_frequencies():
    module = MPICM((4, 3), (5, 2), 3, (1, 4), stride=2, pad_freqs=(1, 1)).double()
    magnitude, phase = module(*features())
    assert magnitude.shape == (2, 5, 5, 3)
    assert phase.shape == (2, 2, 2, 5, 3)


@pytest.mark.parametrize("over", [ONE_FRAME, ("frames", "freqs")])
def test_an_mpicm_normalises_before_it_gates(over):
    module = MPICM((4, 3), (5, 2), 6, norm_over=over).double()
    inputs = features()
    magnitude, phase = module(*inputs)
    expected = silu(RMSNorm(5, over).double()(module.magnitude_convolution(inputs[0])))
    torch.testing.assert_close(magnitude, expected)
    norm = ComplexRMSNorm(2, over).double()
    torch.testing.assert_close(phase, norm(module.phase_convolution(inputs[1])))


@pytest.mark.parametrize(("axis", "reach"), [("frames", (3, 1)), ("freqs", None)])
def test_a_hadf_is_a_residual_of_attention_and_of_ffns(axis, reach):
    module = randomise_parameters(LiteHADF((4, 2), 2, axis, reach).double())
    inputs = features((4, 2))
    magnitude, phase = inputs
    mixed, turned = module.attention(module.magnitude_norm(magnitude), module.phase_norm(phase))
    magnitude, phase = magnitude + mixed, phase + turned
    expected = (
        magnitude + module.magnitude_ffn(module.magnitude_ffn_norm(magnitude)),
        phase + module.phase_ffn(module.phase_ffn_norm(phase)),
    )
    for one, two in zip(module(*inputs), expected, strict=True):
        torch.testing.assert_close(one, two)
    with torch.no_grad():
        for last in (module.attention.magnitude_out, module.attention.phase_out):
            for parameter in last.parameters():
                parameter.zero_()
        for ffn in (module.magnitude_ffn, module.phase_ffn):
            for parameter in ffn.contract.parameters():
                parameter.zero_()
    for one, two in zip(module(*inputs), inputs, strict=True):
        assert torch.equal(one, two)


def test_the_expansion_is_that_of_the_ffns():
    module = LiteHADF((4, 2), 2, "freqs", expansion=3)
    assert module.magnitude_ffn.contract.in_features == 12
    assert module.phase_ffn.contract.weight_real.shape == (2, 6)
