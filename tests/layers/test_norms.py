"""Which places a norm looks at, and what it makes of them."""

import pytest
import torch

from rephase.layers import ComplexRMSNorm, RMSNorm
from rephase.signal.real_pair import from_pair, to_pair
from rephase.testing import randomise_parameters, time_reach

DIMENSIONS = {"channels": 1, "frames": 2, "freqs": 3}
every_choice = pytest.mark.parametrize(
    "over",
    [
        ("channels",),
        ("frames",),
        ("freqs",),
        ("channels", "freqs"),
        ("frames", "freqs"),
        ("channels", "frames", "freqs"),
    ],
)


@every_choice
def test_the_mean_square_over_the_named_axes_becomes_one(over):
    values = 3 * torch.randn(2, 4, 5, 6, dtype=torch.complex128) * torch.arange(1.0, 7)
    dimensions = [DIMENSIONS[axis] for axis in over]
    real = RMSNorm(4, over, eps=0.0)(values.real)
    torch.testing.assert_close(real.square().mean(dimensions), torch.ones_like(real.mean(dimensions)))
    pair = from_pair(ComplexRMSNorm(4, over, eps=0.0)(to_pair(values)))
    torch.testing.assert_close(pair.abs().square().mean(dimensions), torch.ones_like(pair.real.mean(dimensions)))


@every_choice
def test_a_place_is_seen_only_along_the_named_axes(over):
    values = torch.randn(1, 4, 5, 6, dtype=torch.complex64)
    other = values.clone()
    other[0, 1, 2, 3] *= 5
    expected = torch.zeros(1, 4, 5, 6, dtype=torch.bool)
    index = [slice(None) if axis in over else place for axis, place in zip(DIMENSIONS, (1, 2, 3))]
    expected[(0, *index)] = True
    real, pair = RMSNorm(4, over), ComplexRMSNorm(4, over)
    assert torch.equal(real(values.real) != real(other.real), expected)
    assert torch.equal(from_pair(pair(to_pair(values))) != from_pair(pair(to_pair(other))), expected)


def test_one_frame_at_a_time():
    for over in (("channels",), ("channels", "freqs")):
        assert time_reach(RMSNorm(4, over), torch.randn(1, 4, 9, 6), at=4) == (0, 0)
        assert time_reach(ComplexRMSNorm(4, over), torch.randn(1, 2, 4, 9, 6), at=4) == (0, 0)


def test_gain_bias_and_eps_in_closed_form():
    norm = randomise_parameters(RMSNorm(2, bias=True, eps=1.0))
    values = torch.tensor([1.0, 3.0]).view(1, 2, 1, 1)  # mean square 5
    expected = values / 6**0.5 * norm.gain + norm.bias
    torch.testing.assert_close(norm(values), expected.view(1, 2, 1, 1))
    norm = randomise_parameters(ComplexRMSNorm(1, ("channels", "freqs"), freqs=2, eps=1.0))
    values = torch.tensor([[3.0, 0.0], [4.0, 1.0]]).view(1, 2, 1, 1, 2)  # moduli 5 and 1: mean power 13
    torch.testing.assert_close(norm(values), values / 14**0.5 * norm.gain)
    assert norm.gain.shape == (1, 1, 2)


def test_the_complex_norm_has_no_bias_and_a_real_gain():
    norm = ComplexRMSNorm(3, freqs=5)
    assert [name for name, _ in norm.named_parameters()] == ["gain"]
    assert norm.gain.shape == (3, 1, 5)
    assert ComplexRMSNorm(3).gain.shape == (3, 1, 1)


@pytest.mark.parametrize("norm", [RMSNorm, ComplexRMSNorm])
@pytest.mark.parametrize("over", [("bands",), ("channels", "time"), ()])
def test_unknown_axes_are_named(norm, over):
    message = r"over must name axes out of channels, frames, freqs; got .*\. Try \('channels',\)"
    with pytest.raises(ValueError, match=message):
        norm(3, over)
