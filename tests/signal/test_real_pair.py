"""Real pairs compute what complex numbers do."""

import cmath
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rephase.signal.real_pair import from_pair, modulus, rotate, to_pair, unit


def values(dtype=torch.complex128):
    return torch.randn(2, 3, 4, 5, dtype=dtype, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_there_and_back(dtype):
    pair = to_pair(values(dtype))
    assert pair.shape == (2, 2, 3, 4, 5)
    assert torch.equal(pair[:, 0], values(dtype).real)
    assert torch.equal(pair[:, 1], values(dtype).imag)
    assert torch.equal(from_pair(pair), values(dtype))


@given(rotation=st.floats(-10, 10))
def test_a_rotation_multiplies_by_the_phasor(rotation):
    turned = from_pair(rotate(to_pair(values()), rotation))
    torch.testing.assert_close(turned, values() * cmath.exp(1j * rotation), rtol=1e-12, atol=1e-12)


def test_rotations_add_up():
    pair = to_pair(values())
    torch.testing.assert_close(rotate(rotate(pair, 0.4), 1.1), rotate(pair, 1.5))
    torch.testing.assert_close(rotate(pair, math.pi), -pair)


def test_modulus_and_unit():
    pair = to_pair(values())
    torch.testing.assert_close(modulus(pair), values().abs())
    torch.testing.assert_close(from_pair(unit(pair)), values() / values().abs())


def test_modulus_has_eps_inside_the_root():
    pair = torch.zeros(1, 2, 3, dtype=torch.float64, requires_grad=True)
    result = modulus(pair, eps=1e-4)
    torch.testing.assert_close(result, torch.full((1, 3), 1e-2, dtype=torch.float64))
    result.sum().backward()
    assert torch.equal(pair.grad, torch.zeros_like(pair))


def test_unit_of_silence_is_silence_and_opposites_stay_opposite():
    pair = torch.zeros(1, 2, 3, requires_grad=True)
    assert torch.equal(unit(pair), torch.zeros(1, 2, 3))
    unit(pair).sum().backward()
    assert pair.grad.isfinite().all()
    small = 1e-7 * torch.randn(1, 2, 50, generator=torch.Generator().manual_seed(0))
    assert torch.equal(unit(-small), -unit(small))
