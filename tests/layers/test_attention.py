"""Windowed attention in blocks against its plain definition: complex scores and one banded mask over all frames."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rephase.layers import HybridAttention, LiteHADF
from rephase.signal.real_pair import from_pair, rotate, to_pair
from rephase.testing import assert_causal, randomise_parameters, time_reach

CHANNELS, FREQS = (6, 4), 6


def features(frames, freqs=FREQS, dtype=torch.float64, batch=2):
    return (
        torch.randn(batch, CHANNELS[0], frames, freqs, dtype=dtype),
        torch.randn(batch, 2, CHANNELS[1], frames, freqs, dtype=dtype),
    )


def attention(axis, reach=None, groups=1, heads=2, dtype=torch.float64):
    return randomise_parameters(HybridAttention(CHANNELS, heads, axis, reach, groups).to(dtype), seed=5)


def plain(module, magnitude, phase):
    """softmax((Re(Q Kᴴ) + q kᵀ) / √d) on V and v, for each head (and group of frequencies), with complex tensors."""

    def project(weight, values):
        return torch.einsum("oi,bitf->botf", weight, values).unflatten(1, (3, module.heads, -1)).unbind(1)

    def weight_of(layer):
        return torch.complex(layer.weight_real, layer.weight_imaginary)

    real = project(module.magnitude_in.weight, magnitude)
    pair = project(weight_of(module.phase_in), from_pair(phase))
    products = real[0].shape[2] + 2 * pair[0].shape[2]
    if module.axis == "freqs":
        scores = torch.einsum("bhctf,bhctg->bhtfg", pair[0], pair[1].conj()).real
        scores = (scores + torch.einsum("bhctf,bhctg->bhtfg", *real[:2])) / products**0.5
        shares = scores.softmax(-1)
        mixed = torch.einsum("bhtfg,bhctg->bhctf", shares, real[2])
        turned = torch.einsum("bhtfg,bhctg->bhctf", shares.to(pair[2].dtype), pair[2])
    else:
        back, ahead = module.reach
        frames, freqs = magnitude.shape[-2:]
        key_at = torch.arange(-back, frames + ahead)  # keys and values beyond the ends are 0
        distance = key_at[None, :] - torch.arange(frames)[:, None]
        forbidden = (distance < -back) | (distance > ahead)

        def extend(values):
            before, after = values.new_zeros(*values.shape[:3], back, freqs), values.new_zeros(1, 1, 1, ahead, 1)
            return torch.cat([before, values, after.expand(*values.shape[:3], ahead, freqs)], dim=3)

        real, pair = [real[0], *map(extend, real[1:])], [pair[0], *map(extend, pair[1:])]
        size = freqs // module.groups
        mixed, turned = [], []
        for start in range(0, freqs, size):
            q, k, v = (values[..., start : start + size] for values in real)
            complex_q, complex_k, complex_v = (values[..., start : start + size] for values in pair)
            scores = torch.einsum("bhctf,bhcsf->bhts", complex_q, complex_k.conj()).real
            scores = (scores + torch.einsum("bhctf,bhcsf->bhts", q, k)) / (products * size) ** 0.5
            shares = scores.masked_fill(forbidden, -torch.inf).softmax(-1)
            mixed.append(torch.einsum("bhts,bhcsf->bhctf", shares, v))
            turned.append(torch.einsum("bhts,bhcsf->bhctf", shares.to(complex_v.dtype), complex_v))
        mixed, turned = torch.cat(mixed, dim=-1), torch.cat(turned, dim=-1)
    mixed = torch.einsum("oi,bitf->botf", module.magnitude_out.weight, mixed.flatten(1, 2))
    turned = torch.einsum("oi,bitf->botf", weight_of(module.phase_out), turned.flatten(1, 2))
    return mixed + module.magnitude_out.bias.view(-1, 1, 1), to_pair(turned)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("reach", [(1, 0), (1, 1), (4, 0), (4, 3), (4, 4), (30, 7)])
@pytest.mark.parametrize("frames", [1, 3, 4, 5, 8, 19])
def test_along_frames_it_is_the_plain_definition(frames, reach, groups):
    module, inputs = attention("frames", reach, groups), features(frames)
    for result, expected in zip(module(*inputs), plain(module, *inputs), strict=True):
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("phase_head_channels", [None, 3])
@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("freqs", [1, 6, 9])
def test_along_freqs_it_is_the_plain_definition(freqs, heads, phase_head_channels):
    module = HybridAttention(CHANNELS, heads, "freqs", phase_head_channels=phase_head_channels).double()
    randomise_parameters(module, seed=5)
    inputs = features(5, freqs)
    for result, expected in zip(module(*inputs), plain(module, *inputs), strict=True):
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


def test_float32_is_near_the_plain_definition():
    module, inputs = attention("frames", (4, 3), 2, dtype=torch.float32), features(19, dtype=torch.float32)
    for result, expected in zip(module(*inputs), plain(module, *inputs), strict=True):
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


@settings(max_examples=25)
@given(shift=st.integers(0, 17), length=st.integers(12, 40), back=st.integers(1, 6), data=st.data())
def test_no_result_depends_on_where_blocks_start(shift, length, back, data):
    ahead = data.draw(st.integers(0, back))
    module, (magnitude, phase) = attention("frames", (back, ahead), 3), features(60, batch=1)
    whole = module(magnitude, phase)
    part = module(magnitude[..., shift : shift + length, :], phase[..., shift : shift + length, :])
    inner = slice(back, length - ahead)
    for one, two in zip(whole, part, strict=True):
        expected = one[..., shift : shift + length, :][..., inner, :]
        torch.testing.assert_close(two[..., inner, :], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("reach", [(1, 0), (1, 1), (5, 0), (5, 2), (5, 5)])
@pytest.mark.parametrize("at", [20, 21, 24])
def test_the_reach_is_exactly_the_one_stated(reach, at):
    inputs = features(45)
    assert time_reach(attention("frames", reach), *inputs, at=at) == reach
    hadf = randomise_parameters(LiteHADF(CHANNELS, 2, "frames", reach).double())
    assert time_reach(hadf, *inputs, at=at) == reach
    assert_causal(hadf, *inputs, lookahead=reach[1])


def test_along_freqs_a_frame_sees_itself_alone():
    inputs = features(9)
    assert time_reach(attention("freqs"), *inputs, at=4) == (0, 0)
    assert time_reach(randomise_parameters(LiteHADF(CHANNELS, 2, "freqs").double()), *inputs, at=4) == (0, 0)


def test_groups_of_frequencies_do_not_meet():
    magnitude, phase = features(9)
    module = attention("frames", (3, 1), groups=3)
    other = phase.clone()
    other[..., 2:4] = torch.randn_like(other[..., 2:4])
    for one, two in zip(module(magnitude, phase), module(magnitude, other), strict=True):
        changed = (one != two).flatten(0, -2).any(0).tolist()
        assert changed == [False, False, True, True, False, False]


@pytest.mark.parametrize(("axis", "reach"), [("frames", (3, 1)), ("freqs", None)])
def test_one_score_map_serves_both_streams(axis, reach):
    magnitude, phase = features(7)
    module = attention(axis, reach)
    mixed, turned = module(magnitude, phase)
    # The phase decides what the magnitude stream gets, and the other way round.
    assert not torch.allclose(module(magnitude, 2 * phase)[0], mixed)
    assert not torch.allclose(module(-2 * magnitude, phase)[1], turned)


def test_scores_read_phase_differences_along_the_axis_alone():
    """So along frequencies each frame may turn by an angle of its own; along frames each frame matters."""
    magnitude, phase = features(7)
    own = torch.cat([rotate(phase[..., [frame], :], frame + 0.5) for frame in range(7)], dim=-2)
    along_freqs, along_frames = attention("freqs"), attention("frames", (3, 1))
    torch.testing.assert_close(along_freqs(magnitude, own)[0], along_freqs(magnitude, phase)[0])
    assert not torch.allclose(along_frames(magnitude, own)[0], along_frames(magnitude, phase)[0])


def test_a_mistake_is_named():
    with pytest.raises(ValueError, match=r"axis must be 'frames' or 'freqs'; got 'time'\. Try 'frames'"):
        HybridAttention((4, 2), 2, "time")
    with pytest.raises(ValueError, match=r"phase_head_channels must be at least 1; got 0"):
        HybridAttention((4, 2), 2, "freqs", phase_head_channels=0)
    message = r"heads must divide the channels of both streams; got 2 and .* Try heads=1"
    for channels in ((4, 3), (3, 4)):
        with pytest.raises(ValueError, match=message):
            HybridAttention(channels, 2, "freqs")
    for reach in (None, (3, 4), (3, -1), (0, 0)):
        with pytest.raises(ValueError, match=r"reach must be .*look-back, look-ahead.*; got .* Try reach="):
            HybridAttention((4, 2), 2, "frames", reach)
