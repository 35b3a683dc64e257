"""A test of the test: the kit passes what is equivariant and catches three known violators."""

import math

import pytest
import torch
from torch import nn

from rephase.layers import MPICM, ComplexConv2d, ComplexGatedFFN, ComplexRMSNorm, PhaseToMagnitudeGate
from rephase.testing import (
    assert_causal,
    assert_equivariant,
    equivariance_error,
    randomise_parameters,
    time_reach,
)

pytestmark = pytest.mark.usefixtures("same_draws")
DTYPES = (torch.float32, torch.float64)


@pytest.fixture
def same_draws():
    torch.manual_seed(0)


class ComplexBias(nn.Module):
    """A complex convolution with a bias, which is 0 at the start as in most libraries."""

    def __init__(self):
        super().__init__()
        self.linear = ComplexConv2d(3, 3)
        self.bias = nn.Parameter(torch.zeros(2, 3, 1, 1))

    def forward(self, phase):
        return self.linear(phase) + self.bias


class SplitActivation(nn.Module):
    """tanh(Re z) + j·tanh(Im z)."""

    def forward(self, phase):
        return torch.tanh(phase)


class RealAffine(nn.Module):
    """A real 2 × 2 matrix on [Re, Im], as in a batch norm that whitens the two parts."""

    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(2))

    def forward(self, phase):
        return torch.einsum("ij,bj...->bi...", self.matrix, phase)


def features(dtype=torch.float32, frames=6):
    torch.manual_seed(1)
    return torch.randn(2, 4, frames, 5, dtype=dtype), torch.randn(2, 2, 3, frames, 5, dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("violator", [ComplexBias, SplitActivation, RealAffine])
def test_a_violator_fails(violator, dtype):
    module = randomise_parameters(violator().to(dtype))
    with pytest.raises(AssertionError, match=r"not equivariant: relative error .* at a rotation of"):
        assert_equivariant(module, None, features(dtype)[1])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("violator", [ComplexBias, RealAffine])
def test_a_violator_hides_behind_its_initial_parameters(violator, dtype):
    assert_equivariant(violator().to(dtype), None, features(dtype)[1])


@pytest.mark.parametrize(
    ("violator", "rotation"), [(SplitActivation, math.pi), (SplitActivation, math.pi / 2), (RealAffine, math.pi)]
)
def test_a_violator_hides_behind_an_angle_that_is_not_random(violator, rotation):
    module = randomise_parameters(violator())
    assert equivariance_error(module, None, features()[1], rotation=rotation) < 1e-6
    assert equivariance_error(module, None, features()[1], rotation=0.7) > 1e-2


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_kind_of_layer_passes(dtype):
    magnitude, phase = features(dtype)

    def check(module, *inputs):
        assert_equivariant(randomise_parameters(module.to(dtype)), *inputs)

    check(ComplexConv2d(3, 2), None, phase)  # phase → phase
    check(PhaseToMagnitudeGate(4, 3, 5), magnitude, phase)  # both → magnitude
    check(MPICM((4, 3), (2, 2), 5), magnitude, phase)  # both → both
    assert_equivariant(lambda pair: pair.square().sum(1).sqrt(), None, phase)  # phase → magnitude


def test_the_error_is_the_one_of_the_definition():
    phase = torch.zeros(1, 2, 1, 1, 1, dtype=torch.float64)
    phase[0, 0] = 1.0
    # f(z) = conj(z): f(e^{jθ}) − e^{jθ} f(1) = e^{−jθ} − e^{jθ}, of modulus 2 |sin θ|.
    conjugate = torch.tensor([1.0, -1.0], dtype=torch.float64).view(1, 2, 1, 1, 1)
    error = equivariance_error(lambda pair: pair * conjugate, None, phase, rotation=0.4)
    assert error == pytest.approx(2 * math.sin(0.4))


def test_the_worse_of_two_outputs_counts():
    magnitude, phase = features()
    error = equivariance_error(lambda real, pair: (real + pair[:, 0, :1], pair), magnitude, phase, rotation=1.0)
    assert error > 0.1


def test_float64_resolves_what_float32_cannot():
    _, phase = features(torch.float64)
    leak = torch.zeros(2, 1, 1, 1, dtype=torch.float64)
    leak[0] = 1e-8
    with pytest.raises(AssertionError):
        assert_equivariant(lambda pair: pair + leak, None, phase)
    assert_equivariant(lambda pair: pair + leak.float(), None, phase.float())


def test_an_output_of_zeros_or_nan_proves_nothing():
    _, phase = features()
    for factor in (0.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="output 0 must be finite and not 0 everywhere"):
            assert_equivariant(lambda pair, factor=factor: pair * factor, None, phase)


def test_nan_after_the_turn_alone_fails():
    _, phase = features()
    reference = phase.clone()
    with pytest.raises(AssertionError, match="inf"):
        assert_equivariant(lambda pair: pair if torch.equal(pair, reference) else pair * math.nan, None, phase)


def test_shapes_that_are_neither_stream_are_refused():
    magnitude, phase = features()
    with pytest.raises(ValueError, match=r"phase must be a real pair of shape \[batch, 2, ...\]; got \(2, 4, 6, 5\)"):
        equivariance_error(lambda pair: pair, None, magnitude, rotation=1.0)
    with pytest.raises(ValueError, match="output 0 must have the shape of phase features"):
        equivariance_error(lambda pair: pair.flatten(), None, phase, rotation=1.0)
    with pytest.raises(ValueError, match=r"tolerance must be given for torch\.bfloat16"):
        assert_equivariant(lambda pair: pair, None, phase.bfloat16())


class TestRandomiseParameters:
    def test_each_parameter_moves_at_its_own_scale(self):
        module = nn.Module()
        module.weight = nn.Parameter(0.02 * torch.randn(64, 64) + 3)
        module.gain = nn.Parameter(torch.full((4096,), 2.0))
        module.idle = nn.Parameter(torch.zeros(64, 16, 4))
        module.bias = nn.Parameter(torch.zeros(4096))
        before = {name: parameter.clone() for name, parameter in module.named_parameters()}
        randomise_parameters(module)
        for name, parameter in module.named_parameters():
            assert (parameter != before[name]).all(), name
        assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert module.weight.mean().item() == pytest.approx(3, rel=0.01)
        assert module.gain.std().item() == pytest.approx(1.0, rel=0.1)
        assert module.gain.mean().item() == pytest.approx(2.0, rel=0.1)
        assert module.idle.std().item() == pytest.approx(1 / 8, rel=0.1)
        assert module.bias.std().item() == pytest.approx(1.0, rel=0.1)

    def test_the_seed_decides(self):
        torch.manual_seed(0)
        first, again = MPICM((1, 1), (2, 2), 3), MPICM((1, 1), (2, 2), 3)
        again.load_state_dict(first.state_dict())
        randomise_parameters(first, seed=3)
        randomise_parameters(again, seed=3)
        for one, two in zip(first.parameters(), again.parameters()):
            torch.testing.assert_close(one, two, rtol=0, atol=0)
        assert not torch.equal(
            randomise_parameters(ComplexRMSNorm(3), seed=1).gain, randomise_parameters(ComplexRMSNorm(3), seed=2).gain
        )

    def test_float32_and_float64_get_the_same_draws(self):
        one, two = ComplexGatedFFN(3, 4), ComplexGatedFFN(3, 4).double()
        two.load_state_dict(one.state_dict())
        randomise_parameters(one)
        randomise_parameters(two)
        for single, double in zip(one.parameters(), two.parameters()):
            torch.testing.assert_close(single.double(), double, rtol=1e-6, atol=1e-7)

    def test_complex_parameters_are_served_too(self):
        module = nn.Module()
        module.weight = nn.Parameter(torch.zeros(3, 4, dtype=torch.complex64))
        randomise_parameters(module)
        assert (module.weight.real != 0).all()
        assert (module.weight.imag != 0).all()


class TestTime:
    """A moving sum over places t − 3 … t + 2, whose reach is known."""

    @staticmethod
    def moving_sum(waveform):
        padded = nn.functional.pad(waveform, (3, 2))
        return padded.unfold(-1, 6, 1).sum(-1)

    def test_the_reach_is_measured(self):
        assert time_reach(self.moving_sum, torch.randn(2, 40), at=20, axis=-1) == (3, 2)

    def test_the_look_ahead_is_enforced_to_the_sample(self):
        waveform = torch.randn(2, 40)
        assert_causal(self.moving_sum, waveform, lookahead=2, axis=-1)
        with pytest.raises(AssertionError, match=r"not causal: place .* where a look-ahead of 1 is allowed"):
            assert_causal(self.moving_sum, waveform, lookahead=1, axis=-1)

    def test_a_whole_input_statistic_is_not_causal(self):
        _, phase = features(frames=12)
        norm = ComplexRMSNorm(3, ("frames", "freqs"))
        with pytest.raises(AssertionError, match="not causal"):
            assert_causal(norm, phase)
        assert_causal(ComplexRMSNorm(3, ("channels", "freqs")), phase)

    def test_each_input_and_each_output_is_watched(self):
        magnitude, phase = features(frames=12)
        assert_causal(lambda real, pair: (real, pair), magnitude, phase)
        with pytest.raises(AssertionError):
            assert_causal(lambda real, pair: (real, pair.flip(-2)), magnitude, phase)
        with pytest.raises(AssertionError):
            assert_causal(lambda real, pair: (real + pair.flip(-2).sum(), pair), magnitude, phase)

    def test_what_cannot_be_tested_is_refused(self):
        with pytest.raises(ValueError, match=r"at least lookahead \+ 2 = 42 places along axis -1; got 40"):
            assert_causal(self.moving_sum, torch.randn(2, 40), lookahead=40, axis=-1)
        with pytest.raises(ValueError, match="changing 20 changed nothing"):
            time_reach(torch.zeros_like, torch.randn(2, 40), at=20, axis=-1)
