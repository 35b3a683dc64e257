"""The blocks of the published network: their equations, restated with torch's own complex and recurrent operations."""

import pytest
import torch
from torch import nn
from torch.nn.functional import silu

from rephase.layers import HADF, MPICM, ComplexConvFFN, DenseBlock, RecurrentFFN
from rephase.signal.real_pair import from_pair, to_pair
from rephase.testing import assert_causal, randomise_parameters, time_reach


def features(channels=(4, 3), frames=5, freqs=6):
    shape = (2, channels[1], frames, freqs)
    return torch.randn(2, channels[0], frames, freqs, dtype=torch.float64), to_pair(
        torch.randn(shape, dtype=torch.complex128)
    )


def weight_of(convolution):
    return torch.complex(convolution.weight_real, convolution.weight_imaginary).squeeze(2)


def test_a_complex_convolutional_ffn_is_its_equation():
    """With the transposed convolution that the paper has, cut back at both ends, in complex128."""
    _, phase = features()
    module = randomise_parameters(ComplexConvFFN(3, 5, kernel=4).double())
    rows = from_pair(phase).transpose(1, 2).flatten(0, 1)  # [batch · frames, channels, freqs]
    value, control = nn.functional.conv1d(nn.functional.pad(rows, (3, 3)), weight_of(module.expand)).chunk(2, dim=1)
    norm = nn.functional.layer_norm(control.abs().mT, (5,), module.norm.weight, module.norm.bias).mT
    backwards = weight_of(module.contract).flip(-1).transpose(0, 1)
    whole = nn.functional.conv_transpose1d(value * silu(norm), backwards)
    expected = whole[..., 3:-3].unflatten(0, (2, 5)).transpose(1, 2)
    torch.testing.assert_close(module(phase), to_pair(expected))


def test_a_recurrent_ffn_runs_along_the_frequencies():
    magnitude, _ = features()
    module = randomise_parameters(RecurrentFFN(4, 7, slope=0.01, dropout=0.1).double().eval())
    for frame in range(5):
        states, _ = module.recurrence(magnitude[:, :, frame].mT)
        expected = module.contract(nn.functional.leaky_relu(states, 0.01)).mT
        torch.testing.assert_close(module(magnitude)[:, :, frame], expected)


def test_dropout_works_while_training_alone():
    magnitude, _ = features()
    module = RecurrentFFN(4, 7, dropout=0.5).double()
    assert not torch.equal(module(magnitude), module(magnitude))
    module.eval()
    assert torch.equal(module(magnitude), module(magnitude))


def test_a_dense_block_hands_everything_on():
    module = randomise_parameters(DenseBlock((4, 3), 6, (2, 3), (1, 2, 4)).double())
    magnitude, phase = features(frames=12)
    first, second, third = module.layers
    one = first(magnitude, phase)
    two = second(torch.cat([one[0], magnitude], 1), torch.cat([one[1], phase], 2))
    expected = third(torch.cat([two[0], one[0], magnitude], 1), torch.cat([two[1], one[1], phase], 2))
    for ours, theirs in zip(module(magnitude, phase), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_convolutions_of_a_dense_block_look_back_alone():
    """With norms that see one frame, what is left is the kernels' reach: 1 + 2 + 4 + 8 frames."""
    module = randomise_parameters(DenseBlock((4, 3), 6).double())
    for layer in module.layers:
        layer.magnitude_norm = layer.phase_norm = nn.Identity()
    inputs = features(frames=40)
    assert time_reach(module, *inputs, at=20) == (15, 0)
    assert_causal(module, *inputs)


def test_without_gates_the_streams_do_not_meet():
    module = randomise_parameters(MPICM((4, 3), (5, 2), 6, (1, 1), gated=False).double())
    magnitude, phase = features()
    one, two = module(magnitude, phase), module(2 + magnitude, phase)
    assert torch.equal(one[1], two[1])
    assert torch.equal(one[0], module(magnitude, 3 * phase)[0])


@pytest.mark.parametrize("axis", ["frames", "freqs"])
def test_a_hadf_is_its_residuals_with_a_norm_after_them(axis):
    module = HADF((4, 3), 2, axis, phase_head_channels=2, recurrent=5, phase_hidden=4)
    randomise_parameters(module.double().eval())
    inputs = features()
    magnitude, phase = [part.transpose(-1, -2) if axis == "frames" else part for part in inputs]
    mixed, turned = module.attention(module.magnitude_norm(magnitude), module.phase_norm(phase))
    magnitude, phase = magnitude + mixed, phase + turned
    magnitude = module.magnitude_last_norm(magnitude + module.magnitude_ffn(module.magnitude_ffn_norm(magnitude)))
    phase = module.phase_last_norm(phase + module.phase_ffn(module.phase_ffn_norm(phase)))
    expected = [part.transpose(-1, -2) if axis == "frames" else part for part in (magnitude, phase)]
    for ours, theirs in zip(module(*inputs), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_hadf_mixes_along_its_own_axis_alone():
    inputs = features(frames=7)
    for axis, place in (("frames", -1), ("freqs", -2)):
        module = HADF((4, 3), 2, axis, phase_head_channels=2, recurrent=5, phase_hidden=4)
        randomise_parameters(module.double().eval())
        assert time_reach(module, *inputs, at=3, axis=place) == (0, 0)
        before, after = time_reach(module, *inputs, at=3, axis=-2 if place == -1 else -1)
        assert before == (3 if axis == "frames" else 2)
        assert after == 3


def test_an_axis_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="axis must be 'frames' or 'freqs'; got 'time'"):
        HADF((4, 3), 2, "time", phase_head_channels=2, recurrent=5, phase_hidden=4)
