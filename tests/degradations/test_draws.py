"""Draws repeat for a seed, keep to their ranges, happen as often as asked, and never move one another."""

from dataclasses import fields, replace

import pytest
import torch

from rephase.degradations.chain import Chain
from rephase.degradations.draws import Draws, draw

EVERYTHING = Chain(
    p_noise=0.8, p_coloured=0.3, p_babble=0.2, p_speed=0.5, p_clip=0.4, p_resampler=0.5, p_codec=0.3, p_phase=0.1
)


def drawn(chain: Chain, items: int = 4000, seed: int = 1) -> Draws:
    return draw(chain, items, 10, seed=seed, responses=7)


def same(left: object, right: object) -> bool:
    both = isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor)
    return torch.equal(left, right) if both else left is right if left is None or right is None else left == right


def test_they_repeat_for_a_seed_and_differ_for_another():
    first, again, other = drawn(EVERYTHING), drawn(EVERYTHING), drawn(EVERYTHING, seed=2)
    for each in fields(Draws):
        values = [getattr(draws, each.name) for draws in (first, again, other)]
        assert same(values[0], values[1]), each.name
        assert not same(values[0], values[2]), each.name


@pytest.mark.parametrize("off", ["p_noise", "p_coloured", "p_babble", "p_speed", "p_clip", "p_codec", "p_phase"])
def test_no_option_moves_another(off):
    without = drawn(replace(EVERYTHING, **{off: 1.0 if off == "p_noise" else 0.0}))
    own = {
        "p_noise": {"noisy"}, "p_coloured": {"coloured_rows", "white", "slope"}, "p_speed": {"percents"},
        "p_babble": {"babble_rows", "talkers_db", "coloured_rows", "white", "slope"}, "p_clip": {"clip_db"},
        "p_codec": {"codecs"}, "p_phase": {"phaseless"},
    }[off]  # fmt: skip
    whole = drawn(EVERYTHING)
    names = [each.name for each in fields(Draws)]
    moved = {name for name in names if not same(getattr(whole, name), getattr(without, name))}
    assert moved <= own
    assert moved


def test_they_happen_as_often_as_asked_and_within_their_ranges():
    draws = drawn(EVERYTHING)
    shares = {
        "room": (draws.in_room, 0.4), "second": (draws.second, 0.3), "band": (draws.limited, 0.35),
        "noise": (draws.noisy, 0.8), "clip": (draws.clip_db > 0, 0.4), "phase": (draws.phaseless, 0.1),
        "resampler": (draws.resampled, 0.35 * 0.5),
    }  # fmt: skip
    for name, (flags, asked) in shares.items():
        assert float(flags.float().mean()) == pytest.approx(asked, abs=0.03), name
    assert len(draws.coloured_rows) / 4000 == pytest.approx(0.3, abs=0.03)
    assert len(draws.babble_rows) / 4000 == pytest.approx(0.2, abs=0.03)
    assert not set(draws.coloured_rows.tolist()) & set(draws.babble_rows.tolist())
    assert sum(codec != "" for codec, _ in draws.codecs) / 4000 == pytest.approx(0.3, abs=0.03)
    assert {codec for codec, _ in draws.codecs} == {"", "opus", "mp3"}
    assert all(8 <= kbps <= 64 for _, kbps in draws.codecs)
    assert set(draws.percents) == set(range(90, 111))
    assert draws.percents.count(100) / 4000 == pytest.approx(0.5 + 0.5 / 21, abs=0.03)
    assert -2 <= draws.slope.min() < -1.9
    assert 1.9 < draws.slope.max() <= 2
    present = draws.talkers_db.isfinite().sum(1)
    assert sorted(set(present.tolist())) == [3, 4, 5, 6, 7, 8]
    assert draws.talkers_db[draws.talkers_db.isfinite()].abs().max() <= 6
    noise = draws.snr_db[draws.snr_db != 60]
    assert -5 <= noise.min() < -4
    assert 24 < noise.max() <= 25
    assert set(draws.room.tolist()) == set(range(7))


def test_fixed_rates_take_every_limited_item():
    draws = drawn(Chain(p_band=0.5, band_rates=(4000, 8000)))
    assert torch.equal(draws.resampled, draws.limited)
    assert set(draws.cutoff_hz.tolist()) == {2000.0, 4000.0}


def test_faster_speech_takes_more_samples():
    assert drawn(Chain()).source_length(1000) == 1000
    assert drawn(Chain(p_speed=1.0)).source_length(1000) == 1100
    assert drawn(Chain(p_speed=1.0, speed=(0.95, 0.95))).source_length(1000) == 950
