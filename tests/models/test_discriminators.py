"""The judges are those of the papers, and judge each item and each period by itself."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, leaky_relu, pad

from rephase.models.discriminators import MetricDiscriminator, MultiPeriodDiscriminator, MultiResolutionDiscriminator

NARROW = (4, 8, 16)
ONE = {"resolutions": ((512, 256),), "channels": 4}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_published_judge_has_the_published_size():
    sizes = (1, 32, 128, 512, 1024, 1024)
    # Weight norm adds a gain to each output channel.
    convolutions = sum(5 * i * o + 2 * o for i, o in pairwise(sizes))
    assert parameters(MultiPeriodDiscriminator()) == 5 * (convolutions + 3 * 1024 + 2)


@pytest.mark.parametrize("time", [997, 1001])
def test_a_judge_is_the_two_dimensional_convolution_of_the_paper(time):
    judge = MultiPeriodDiscriminator(periods=(7,), channels=NARROW).double().judges[0]
    waveform = noise(2, time)
    folded = pad(waveform.unsqueeze(1), (0, (7 - time % 7) % 7), "reflect")
    signal = folded.view(2, 1, folded.shape[-1] // 7, 7)
    expected = []
    for convolution, stride in zip([*judge.convolutions, judge.last], (3, 3, 1, 1)):
        weight = convolution.weight.unsqueeze(-1)
        signal = conv2d(signal, weight, convolution.bias, (stride, 1), (weight.shape[2] // 2, 0))
        signal = signal if convolution is judge.last else leaky_relu(signal, 0.1)
        expected.append(signal)
    scores, features = judge(waveform)
    assert len(features) == 4
    for ours, theirs in zip(features, expected):
        torch.testing.assert_close(ours.permute(0, 2, 3, 1), theirs)
    torch.testing.assert_close(scores.unflatten(1, (7, -1)).transpose(1, 2), expected[-1].squeeze(1))


def test_a_column_is_judged_by_its_own_samples():
    waveform = noise(1, 600).requires_grad_()
    ((_, features),) = MultiPeriodDiscriminator(periods=(3,), channels=NARROW).double()(waveform)
    (gradient,) = torch.autograd.grad(features[-1][0, 1].sum(), waveform)
    columns = gradient.view(200, 3).abs().sum(0)
    assert columns[1] > 0
    assert columns[0] == columns[2] == 0


def test_items_are_judged_alone():
    waveform, judge = noise(3, 500), MultiPeriodDiscriminator(channels=NARROW).double()
    for (scores, features), (alone, own) in zip(judge(waveform), judge(waveform[1:2])):
        torch.testing.assert_close(scores[1:2], alone)
        assert len(features) == len(own) == 4
        for ours, theirs in zip(features, own):
            torch.testing.assert_close(ours[1:2], theirs)


def test_five_periods_as_published():
    verdicts = MultiPeriodDiscriminator(channels=NARROW)(torch.randn(2, 11 * 90))
    assert [features[-1].shape[1] for _, features in verdicts] == [2, 3, 5, 7, 11]


def test_what_is_too_short_to_be_folded_is_refused():
    judge = MultiPeriodDiscriminator(channels=NARROW)
    judge(torch.zeros(1, 12))
    with pytest.raises(ValueError, match="longer than the period of 11 samples; got 11"):
        judge(torch.zeros(1, 11))


@pytest.mark.parametrize("sizes", [{"periods": ()}, {"channels": (8, 0)}])
def test_sizes_must_be_positive(sizes):
    with pytest.raises(ValueError, match="must be integers of at least 1"):
        MultiPeriodDiscriminator(**sizes)


def test_a_judge_of_spectra_is_convolutions_of_log_magnitudes_band_by_band():
    (judge,) = MultiResolutionDiscriminator(**ONE, bands=(0.25, 1.0)).double().judges
    waveform = noise(2, 4000)
    window = torch.hann_window(512).double()
    amplitude = torch.stft(waveform, 512, 256, window=window, return_complex=True).abs() / window.sum()
    level = (amplitude.clamp(min=1e-4).log() + 4.6).div(2.4).transpose(1, 2).unsqueeze(1)
    expected = []
    for signal, band in zip((level[..., :64], level[..., 64:]), judge.bands):
        for convolution, stride in zip(band.convolutions, (2, 2, 2, 1)):
            height, width = convolution.weight.shape[2:]
            pads = (height // 2, width // 2)
            signal = leaky_relu(conv2d(signal, convolution.weight, convolution.bias, (1, stride), pads), 0.1)
            expected.append(signal)
    scores, features = judge(waveform)
    assert len(features) == 9
    for ours, theirs in zip(features, expected):
        torch.testing.assert_close(ours, theirs)
    # 64 and 193 bins, halved three times, side by side
    assert features[-1].shape == (2, 1, 16, 8 + 25)
    torch.testing.assert_close(scores, features[-1].flatten(1))


def test_a_band_is_judged_by_its_own_frequencies():
    judge = MultiResolutionDiscriminator(**ONE).double()
    time = torch.arange(8000, dtype=torch.float64) / 16000
    low, high = (torch.sin(2 * torch.pi * freq * time).unsqueeze(0) for freq in (1000.0, 6000.0))
    ((_, alone),), ((_, both),) = judge(low), judge(low + high)
    inner = slice(6, -6)  # at the mirrored ends a tone breaks off, which all frequencies hear
    changed = [float((ours - theirs)[:, :, inner].abs().max()) for ours, theirs in zip(alone, both)]
    assert max(changed[:4]) < 1e-4  # up to 2 kHz
    assert min(changed[8:12]) > 1e-2  # from 4 kHz on


def test_judges_of_spectra_hear_quiet_bands_as_loud_ones_and_nothing_below_80_db():
    judge = MultiResolutionDiscriminator(resolutions=((512, 256),), channels=8).double()
    low, hiss = noise(1, 8000), noise(1, 8000, seed=1)
    low = torch.fft.irfft(torch.fft.rfft(low) * (torch.arange(4001) < 2000), n=8000)
    ((_, without),), ((_, with_it),), ((_, faint),) = (judge(low + gain * hiss) for gain in (0.0, 0.03, 1e-6))
    heard, missed = (float((other[8] - without[8]).abs().mean()) for other in (with_it, faint))
    # Hiss at −30 dB is as much to the judge as the speech itself; by magnitudes it would be nearly nothing.
    assert heard > 0.5 * float(with_it[8].abs().mean())
    assert missed < 0.05 * heard


def test_each_resolution_has_a_judge_and_each_item_is_judged_alone():
    judge = MultiResolutionDiscriminator(((512, 256), (256, 64)), channels=4).double()
    waveform = noise(3, 3000)
    for (scores, features), (alone, own) in zip(judge(waveform), judge(waveform[1:2]), strict=True):
        torch.testing.assert_close(scores[1:2], alone)
        assert len(features) == len(own) == 13
    assert [features[-1].shape[2] for _, features in judge(waveform)] == [12, 47]


def test_what_is_too_short_for_an_fft_is_refused():
    judge = MultiResolutionDiscriminator(**ONE)
    judge(torch.zeros(1, 257))
    with pytest.raises(ValueError, match="longer than half of the FFT of 512 samples; got 256"):
        judge(torch.zeros(1, 256))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"channels": 0}, "channels must be at least 1"),
        ({"resolutions": ()}, "resolutions must be pairs"),
        ({"resolutions": ((512, 0),)}, "resolutions must be pairs"),
        ({"resolutions": ((256, 512),)}, "resolutions must be pairs"),
        ({"resolutions": ((32, 16),)}, "resolutions must be pairs"),
        ({"bands": (0.25, 0.5)}, "bands must rise"),
        ({"bands": (0.5, 0.25, 1.0)}, "bands must rise"),
        ({"bands": ()}, "bands must rise"),
        ({"bands": (0.5, 0.503, 1.0)}, "bands must rise"),
    ],
)
def test_sizes_of_judges_of_spectra_that_make_no_sense_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        MultiResolutionDiscriminator(**sizes)


def test_the_metric_judge_has_the_sizes_of_cmgan():
    judge = MetricDiscriminator()
    sizes = (2, 16, 32, 64, 128)
    # Instance norm: gain and bias; PReLU: a slope a channel; one slope of the sigmoid.
    convolutions = sum(16 * i * o + 3 * o for i, o in pairwise(sizes))
    assert parameters(judge) == convolutions + (128 + 1) * 64 + 64 + 64 + 1 + 1


def test_spectral_norms_are_one():
    judge = MetricDiscriminator(channels=4)
    for _ in range(50):  # a power iteration each
        judge(reference=torch.rand(1, 32, 64), estimate=torch.rand(1, 32, 64))
    judge.eval()
    weights = [m.weight for m in judge.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weights) == 6
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, rel=0.02)


def test_predictions_are_of_items_alone_and_see_the_order():
    judge = MetricDiscriminator(channels=4).double().eval()
    reference, estimate = noise(2, 3, 40, 64).abs()
    both = judge(reference=reference, estimate=estimate)
    assert both.shape == (3,)
    assert ((both > 0) & (both < 1)).all()
    torch.testing.assert_close(both[1:2], judge(reference=reference[1:2], estimate=estimate[1:2]))
    assert (judge(reference=estimate, estimate=reference) != both).all()


def test_the_slope_of_the_sigmoid_is_learned():
    judge = MetricDiscriminator(channels=4).double().eval()
    pair = {"reference": noise(2, 40, 64).abs(), "estimate": noise(2, 40, 64, seed=1).abs()}
    before = torch.logit(judge(**pair))
    with torch.no_grad():
        judge.slope.fill_(3)
    torch.testing.assert_close(torch.logit(judge(**pair)), 3 * before)
    judge(**pair).sum().backward()
    assert judge.slope.grad != 0


@pytest.mark.parametrize("frames", [16, 15])
def test_least_frames(frames):
    judge, magnitude = MetricDiscriminator(channels=4), torch.rand(1, frames, 64)
    if frames == 16:
        assert torch.isfinite(judge(reference=magnitude, estimate=magnitude)).all()
    else:
        with pytest.raises(ValueError, match="at least 16 frames and 32 frequencies; got 15 and 64"):
            judge(reference=magnitude, estimate=magnitude)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_gradients_are_finite_in_silence(level):
    magnitude = (level * torch.rand(1, 32, 64)).requires_grad_()
    waveform = (level * torch.rand(1, 500)).requires_grad_()
    MetricDiscriminator(channels=4)(reference=magnitude.detach(), estimate=magnitude).sum().backward()
    verdicts = MultiPeriodDiscriminator(channels=NARROW)(waveform) + MultiResolutionDiscriminator(**ONE)(waveform)
    torch.stack([scores.square().mean() for scores, _ in verdicts]).sum().backward()
    assert torch.isfinite(magnitude.grad).all()
    assert torch.isfinite(waveform.grad).all()


def test_under_autocast_spectra_are_float32():
    judge, waveform = MultiResolutionDiscriminator(**ONE), torch.randn(1, 4000).bfloat16()
    seen = []
    judge.judges[0].bands[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    judge(waveform.float())
    with torch.autocast("cpu", torch.bfloat16):
        judge(waveform)
    expected, level = seen
    assert level.dtype == torch.float32
    torch.testing.assert_close(level, expected, rtol=0, atol=1e-6)


def test_steps_of_a_twentieth_are_bands():
    ((_, features),) = MultiResolutionDiscriminator(((512, 256),), channels=4, bands=(0.1, 0.15, 1.0))(
        torch.randn(1, 4000)
    )
    assert [features[4 * band].shape[-1] for band in range(3)] == [13, 6, 110]


def test_under_autocast_predictions_are_float32():
    judge, magnitude = MetricDiscriminator(channels=4), torch.rand(2, 32, 64)
    with torch.autocast("cpu", torch.bfloat16):
        prediction = judge(reference=magnitude, estimate=magnitude.bfloat16())
        prediction.sum().backward()
    assert prediction.dtype == torch.float32
    assert all(torch.isfinite(parameter.grad).all() for parameter in judge.parameters())
