"""Each part of the chain does what was drawn, to those items alone; the same on the CPU and on a GPU."""

import math

import pytest
import torch

from rephase.degradations.chain import Chain
from rephase.degradations.degrading import degrade
from rephase.degradations.draws import draw
from rephase.degradations.noise import active_power
from rephase.degradations.phase import without_phase

RATE, LENGTH = 16000, 8000


def waves(items: int, length: int = LENGTH, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(items, length, generator=torch.Generator().manual_seed(seed))


def responses(items: int) -> torch.Tensor:
    taps = torch.randn(items, 1600, generator=torch.Generator().manual_seed(9)) * 10 ** (-torch.arange(1600) / 800) / 5
    taps[:, :40] = 0
    taps[:, 40] = 1
    return taps


def run(chain: Chain, items: int = 4, device: str = "cpu", seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    draws = draw(chain, items, LENGTH, seed=seed, responses=items)
    talkers = None
    if draws.babble_rows is not None:
        shape = draws.talkers_db.shape
        talkers = waves(shape[0] * shape[1], seed=5).unflatten(0, shape).to(device)
    return degrade(
        chain,
        draws.to(device),
        speech=waves(items, draws.source_length(LENGTH)).to(device),
        noise=waves(items, seed=1).to(device),
        second=waves(items, seed=2).to(device),
        talkers=talkers,
        responses=responses(items)[draws.room].to(device),
        sample_rate=RATE,
    )


def test_nothing_asked_for_is_nothing_done(nothing):
    degraded, clean = run(nothing())
    assert torch.equal(degraded, clean)
    torch.testing.assert_close(10 * torch.log10(active_power(clean)), torch.full((4,), -26.0), atol=1e-3, rtol=0)
    ratio = clean / waves(4)
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("kind", ["p_coloured", "p_babble"])
def test_made_noise_has_the_asked_ratio_too(nothing, kind):
    degraded, clean = run(nothing(p_noise=1.0, snr_db=(7.0, 7.0), **{kind: 1.0}))
    ratio = 10 * torch.log10(active_power(clean) / (degraded - clean).square().mean(-1))
    torch.testing.assert_close(ratio, torch.full((4,), 7.0), atol=1e-2, rtol=0)
    recorded, _ = run(nothing(p_noise=1.0, snr_db=(7.0, 7.0)))
    cosine = torch.cosine_similarity(recorded - clean * (recorded / clean).median(), degraded - clean)
    assert cosine.abs().max() < 0.3, "it is another noise"


def test_coloured_noise_has_its_slope_in_the_chain(nothing):
    degraded, clean = run(nothing(p_noise=1.0, p_coloured=1.0, colour=(-2.0, -2.0), snr_db=(0.0, 0.0)), items=16)
    power = torch.fft.rfft(degraded - clean).abs().square().mean(0)
    assert 10 * torch.log10(power[500:1000].mean() / power[1000:2000].mean()) == pytest.approx(6.02, abs=0.5)


def test_clipping_is_in_the_input_alone(nothing):
    degraded, clean = run(nothing(p_clip=1.0, clip_db=(10.0, 10.0)))
    assert ((degraded.abs() > 0.9999 * degraded.abs().amax(-1, keepdim=True)).float().mean(-1) > 0.1).all()
    assert ((clean.abs() > 0.9999 * clean.abs().amax(-1, keepdim=True)).sum(-1) == 1).all()


def test_speed_changes_input_and_target_alike(nothing):
    degraded, clean = run(nothing(p_speed=1.0, speed=(1.1, 1.1)))
    assert torch.equal(degraded, clean)
    original = torch.fft.rfft(waves(4, 8800)).abs()[:, :4000]
    faster = torch.fft.rfft(clean).abs()[:, :4000]
    torch.testing.assert_close(faster / faster.norm(dim=1, keepdim=True), original / original.norm(dim=1, keepdim=True),
                               atol=1e-5, rtol=0)  # fmt: skip


@pytest.mark.parametrize("rate", [2000, 4000, 8000])
def test_a_fixed_rate_leaves_nothing_above_its_nyquist_frequency_in_the_input(nothing, rate):
    degraded, clean = run(nothing(p_band=1.0, band_rates=(rate,)), items=8)
    edge = rate // 2 * LENGTH // RATE
    for waveform, empty in ((degraded, True), (clean, False)):
        power = torch.fft.rfft(waveform.double()).abs().square()
        above = 10 * torch.log10(power[:, edge + 2 :].amax(1) / power[:, : edge // 3].mean(1))
        assert (above < -60).all() if empty else (above > -10).all()


def test_codecs_change_the_sound_and_not_its_place(nothing):
    degraded, clean = run(nothing(p_codec=1.0, codec_kbps=(48.0, 48.0)))
    product = torch.fft.rfft(degraded, 2 * LENGTH) * torch.fft.rfft(clean, 2 * LENGTH).conj()
    assert torch.fft.irfft(product).argmax(-1).tolist() == [0] * 4
    error = (degraded - clean).square().mean(-1) / clean.square().mean(-1)
    assert (error > 1e-3).all()


def test_the_phase_is_taken_from_the_input_alone(nothing):
    degraded, clean = run(nothing(p_phase=1.0))
    bare = without_phase(clean)
    cosine = torch.cosine_similarity(degraded, bare)
    torch.testing.assert_close(cosine, torch.ones(4), atol=1e-4, rtol=0)


EVERYTHING = Chain(
    p_room=0.5, p_band=0.6, p_noise=0.9, p_coloured=0.3, p_babble=0.3, p_speed=0.5, p_clip=0.4, p_resampler=0.5,
    p_phase=0.1, p_rounded=0.0,
)  # fmt: skip


def test_everything_at_once_is_finite_and_the_same_again():
    first, again = run(EVERYTHING, items=32), run(EVERYTHING, items=32)
    assert all(torch.equal(left, right) for left, right in zip(first, again))
    for waveform in first:
        assert waveform.dtype == torch.float32
        assert torch.isfinite(waveform).all()
    assert len({math.floor(float(level)) for level in 10 * torch.log10(active_power(first[0]))}) > 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_up_to_rounding():
    for ours, theirs in zip(run(EVERYTHING, items=32), run(EVERYTHING, items=32, device="cuda")):
        error = (ours - theirs.cpu()).norm(dim=-1) / ours.norm(dim=-1)
        assert float(error.max()) < 1e-4
