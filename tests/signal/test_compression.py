"""Compression and its inverse, with the phasor of the same ε."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rephase.signal.compression import EPS, compress, decompress, magnitude_and_phasor


def test_values_in_closed_form():
    power = torch.tensor([1.0, 4.0, 1e4], dtype=torch.float64)
    expected = torch.tensor([1.0, 2**0.3, 100**0.3], dtype=torch.float64)
    torch.testing.assert_close(compress(power), expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(compress(power, 0.5), power**0.25, rtol=1e-9, atol=0)
    assert compress(torch.zeros(1, dtype=torch.float64)).item() == pytest.approx(EPS**0.15)


@given(
    modulus=st.floats(0, 1e3),
    angle=st.floats(-3.2, 3.2),
    exponent=st.floats(0.2, 1),
)
def test_magnitude_times_phasor_is_the_spectrum_again(modulus, angle, exponent):
    spectrum = torch.polar(torch.tensor([modulus], dtype=torch.float64), torch.tensor([angle], dtype=torch.float64))
    power = spectrum.abs().square()
    phasor = spectrum / (power + EPS).sqrt()
    restored = decompress(compress(power, exponent), exponent) * phasor
    torch.testing.assert_close(restored, spectrum, rtol=1e-10, atol=0)


def test_the_round_trip_in_float32():
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.randn(1000, generator=generator) * 10 ** torch.linspace(-6, 3, 1000)
    restored = decompress(compress(spectrum.square())) * spectrum / (spectrum.square() + EPS).sqrt()
    torch.testing.assert_close(restored, spectrum, rtol=1e-5, atol=0)


def test_the_gradient_is_finite_in_silence():
    power = torch.zeros(3, requires_grad=True)
    decompress(compress(power)).sum().backward()
    assert power.grad.isfinite().all()


@pytest.mark.parametrize("exponent", [0.3, 1.0])
def test_both_of_a_pair_are_the_spectrum_again(exponent):
    pair = torch.randn(2, 2, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pair[0, :, 2] = 0
    magnitude, phasor = magnitude_and_phasor(pair, exponent)
    torch.testing.assert_close(magnitude, compress(pair[:, 0] ** 2 + pair[:, 1] ** 2, exponent))
    torch.testing.assert_close(decompress(magnitude, exponent).unsqueeze(1) * phasor, pair)
    assert (phasor.square().sum(1) <= 1).all()
    assert not phasor[0, :, 2].any()


def test_gradients_of_both_are_finite_in_silence():
    pair = torch.zeros(1, 2, 3, 4, requires_grad=True)
    magnitude, phasor = magnitude_and_phasor(pair)
    (magnitude.sum() + phasor.sum()).backward()
    assert pair.grad.isfinite().all()
