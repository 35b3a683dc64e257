"""Complex maps and convolutions against torch's own complex numbers; geometry; the layout of sub-pixels."""

import pytest
import torch

from rephase.layers import (
    ComplexConv2d,
    ComplexLinear,
    MagnitudeConv2d,
    SubPixelComplexConv2d,
    SubPixelMagnitudeConv2d,
)
from rephase.layers.linear import block_weight
from rephase.signal.real_pair import from_pair, to_pair
from rephase.testing import time_reach

TOLERANCE = {torch.complex64: 2e-6, torch.complex128: 1e-12}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "lookahead", "pad_freqs"),
    [
        ((1, 1), 1, 1, 0, None),
        ((3, 3), 1, 1, 1, None),
        ((3, 3), 1, 4, 0, None),
        ((3, 8), 4, 1, 1, (3, 4)),
        ((2, 4), 2, 2, 1, (0, 3)),
    ],
)
def test_a_complex_convolution_is_torchs(dtype, kernel, stride, dilation, lookahead, pad_freqs):
    module = ComplexConv2d(3, 5, kernel, stride=stride, dilation=dilation, lookahead=lookahead, pad_freqs=pad_freqs).to(
        dtype.to_real()
    )
    values = torch.randn(2, 3, 9, 16, dtype=dtype)
    low, high = pad_freqs or ((kernel[1] - 1) // 2, kernel[1] // 2)
    past = dilation * (kernel[0] - 1) - lookahead
    padded = torch.nn.functional.pad(values, (low, high, past, lookahead))
    weight = torch.complex(module.weight_real, module.weight_imaginary)
    expected = torch.nn.functional.conv2d(padded, weight, stride=(1, stride), dilation=(dilation, 1))
    result = from_pair(module(to_pair(values)))
    assert result.dtype == dtype
    torch.testing.assert_close(result, expected, rtol=0, atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_a_complex_linear_map_is_a_complex_matrix(dtype):
    module = ComplexLinear(4, 6).to(dtype.to_real())
    values = torch.randn(2, 7, 4, dtype=dtype)
    expected = values @ torch.complex(module.weight_real, module.weight_imaginary).mT
    result = module(torch.cat([values.real, values.imag], dim=-1))
    torch.testing.assert_close(torch.complex(*result.chunk(2, dim=-1)), expected, rtol=0, atol=TOLERANCE[dtype])


def test_the_block_weight_of_a_product_is_the_product_of_block_weights():
    one, two = torch.randn(2, 3, 4, dtype=torch.complex128).unbind(0), torch.randn(4, 5, dtype=torch.complex128)
    product = one[0] @ two
    blocks = block_weight(one[0].real, one[0].imag) @ block_weight(two.real, two.imag)
    torch.testing.assert_close(block_weight(product.real, product.imag), blocks)


def test_the_initial_weights_keep_power():
    values = torch.randn(4, 2, 64, 20, 20)
    result = ComplexConv2d(64, 64, (3, 3), lookahead=1)(values)[..., 1:-1, 1:-1]
    assert result.square().mean().item() == pytest.approx(values.square().mean().item(), rel=0.05)
    real = MagnitudeConv2d(64, 64, (3, 3), lookahead=1)(values[:, 0])[..., 1:-1, 1:-1]
    assert real.square().mean().item() == pytest.approx(1, rel=0.05)


def test_the_phase_stream_has_no_bias():
    for module in (ComplexConv2d(2, 2), ComplexLinear(2, 2), SubPixelComplexConv2d(2, 2, (1, 3), 2)):
        assert {name.rsplit(".")[-1] for name, _ in module.named_parameters()} == {"weight_real", "weight_imaginary"}


@pytest.mark.parametrize("layer", [MagnitudeConv2d, ComplexConv2d])
@pytest.mark.parametrize(("frames", "dilation"), [(1, 1), (2, 3), (3, 1), (3, 4), (5, 2)])
def test_a_convolution_sees_exactly_the_frames_that_it_states(layer, frames, dilation):
    reach = dilation * (frames - 1)
    shape = (1, 2, 40, 5) if layer is MagnitudeConv2d else (1, 2, 2, 40, 5)
    for lookahead in {0, reach // 2, reach}:
        module = layer(2, 2, (frames, 3), dilation=dilation, lookahead=lookahead)
        assert time_reach(module, torch.randn(shape), at=20) == (reach - lookahead, lookahead)


@pytest.mark.parametrize("layer", [MagnitudeConv2d, ComplexConv2d])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 8])
def test_stride_one_keeps_the_number_of_frequencies(layer, kernel):
    shape = (1, 2, 3, 10) if layer is MagnitudeConv2d else (1, 2, 2, 3, 10)
    assert layer(2, 2, (1, kernel))(torch.randn(shape)).shape == shape


@pytest.mark.parametrize("layer", [MagnitudeConv2d, ComplexConv2d])
@pytest.mark.parametrize("lookahead", [-1, 5])
def test_a_lookahead_beyond_the_kernel_is_refused(layer, lookahead):
    message = rf"lookahead must lie in 0 … 4 for a kernel of 3 frames with dilation 2; got {lookahead}\. Try .*=2"
    with pytest.raises(ValueError, match=message):
        layer(2, 2, (3, 3), dilation=2, lookahead=lookahead)


@pytest.mark.parametrize("factor", [2, 4])
def test_sub_pixels_interleave_groups_of_channels(factor):
    """Output channel c at frequency r·f + i is channel i·C + c of the convolution at frequency f."""
    outputs, freqs = 3, 5
    magnitude, phase = torch.randn(1, 2, 4, freqs), torch.randn(1, 2, 2, 4, freqs)
    real = SubPixelMagnitudeConv2d(2, outputs, (1, 3), factor)
    pair = SubPixelComplexConv2d(2, outputs, (1, 3), factor)
    coarse, fine = real.convolution(magnitude), real(magnitude)
    coarse_pair, fine_pair = pair.convolution(phase), pair(phase)
    assert fine.shape == (1, outputs, 4, factor * freqs)
    assert fine_pair.shape == (1, 2, outputs, 4, factor * freqs)
    for channel in range(outputs):
        for step in range(factor):
            source = step * outputs + channel
            assert torch.equal(fine[:, channel, :, step::factor], coarse[:, source])
            assert torch.equal(fine_pair[:, :, channel, :, step::factor], coarse_pair[:, :, source])
