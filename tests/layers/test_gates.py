"""Gates start open at exactly 1, and are what their equation says after."""

import torch

from rephase.layers import MPICM, MagnitudeToPhaseGate, PhaseToMagnitudeGate
from rephase.signal.real_pair import modulus, rotate
from rephase.testing import randomise_parameters


def features():
    return torch.randn(2, 4, 5, 6), torch.randn(2, 2, 3, 5, 6)


def test_a_new_gate_lets_everything_through_unchanged():
    magnitude, phase = features()
    assert torch.equal(MagnitudeToPhaseGate(4, 3, 6)(magnitude, phase), phase)
    assert torch.equal(PhaseToMagnitudeGate(4, 3, 6)(magnitude, phase), magnitude)


def test_a_gate_is_its_equation():
    magnitude, phase = features()
    to_phase = randomise_parameters(MagnitudeToPhaseGate(4, 3, 6))
    mixed = torch.einsum("oi,bitf->botf", to_phase.weight[..., 0, 0], magnitude) + to_phase.bias.view(-1, 1, 1)
    factor = 3 / (1 + torch.exp(-to_phase.slope * mixed))
    torch.testing.assert_close(to_phase(magnitude, phase), phase * factor[:, None])
    to_magnitude = randomise_parameters(PhaseToMagnitudeGate(4, 3, 6))
    length = phase.square().sum(1).sqrt()
    mixed = torch.einsum("oi,bitf->botf", to_magnitude.weight[..., 0, 0], length) + to_magnitude.bias.view(-1, 1, 1)
    factor = 3 / (1 + torch.exp(-to_magnitude.slope * mixed))
    torch.testing.assert_close(to_magnitude(magnitude, phase), magnitude * factor)


def test_a_gate_of_the_phase_reads_its_modulus_alone():
    """Even an angle of its own at each place goes unnoticed."""
    magnitude, phase = features()
    gate = randomise_parameters(PhaseToMagnitudeGate(4, 3, 6))
    own = torch.stack([modulus(phase, 0.0), torch.zeros_like(phase[:, 0])], dim=1)
    torch.testing.assert_close(gate(magnitude, own), gate(magnitude, phase))


def test_a_gate_stays_between_zero_and_three():
    magnitude, _ = features()
    gate = randomise_parameters(MagnitudeToPhaseGate(4, 3, 6))
    factor = gate.gate(1e3 * magnitude)
    assert factor.min() >= 0
    assert factor.max() <= 3


def test_the_two_gates_of_an_mpicm_start_at_one_and_then_join_the_streams():
    magnitude, phase = features()
    module = MPICM((4, 3), (4, 3), 6)
    assert torch.equal(module(magnitude, phase)[0], module(magnitude, 2 * phase)[0])
    assert torch.equal(module(magnitude, phase)[1], module(-magnitude, phase)[1])
    randomise_parameters(module)
    louder = phase * torch.rand(1, 1, 3, 5, 6)
    assert not torch.allclose(module(magnitude, phase)[0], module(magnitude, louder)[0])
    assert not torch.allclose(module(magnitude, phase)[1], module(-magnitude, phase)[1])
    torch.testing.assert_close(module(magnitude, phase)[0], module(magnitude, rotate(phase, 1.0))[0])
