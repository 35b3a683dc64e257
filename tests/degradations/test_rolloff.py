"""The edge of the band goes, everything below it stays."""

import math

import torch

from rephase.degradations.equaliser import equalise
from rephase.degradations.rolloff import draw_rolloffs, rolloff_db

FREQS = torch.fft.rfftfreq(16000, 1 / 16000)


def curves(batch: int, seed: int = 0) -> torch.Tensor:
    return rolloff_db(draw_rolloffs(batch, torch.Generator().manual_seed(seed)), FREQS, pass_hz=(6500.0, 8000.0))


def test_the_pass_band_stays_and_curves_only_fall():
    gains = curves(500)
    assert not gains[:, FREQS <= 6500].any()
    assert (gains.diff(dim=1) <= 1e-4).all()
    assert gains.min() >= -80.001


def test_edges_spread_over_the_range_up_to_the_nyquist_frequency():
    edges = (curves(500) > -3).sum(1)  # hertz, as bins are 1 Hz apart
    assert edges.min() < 6700
    assert (edges >= 8000).any()
    assert abs(torch.quantile(edges.float(), 0.5) - 7300) < 200


def test_draws_differ_between_items_and_repeat_for_a_seed():
    first = curves(2, seed=1)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(first, curves(2, seed=1))


def test_a_sine_beyond_the_stop_band_is_80_db_down():
    time = torch.arange(16000, dtype=torch.float64) / 16000
    sine = torch.sin(2 * math.pi * 7900 * time).unsqueeze(0)
    gains = curves(200)
    steepest = gains[gains[:, 7900].argmin()].unsqueeze(0)
    assert abs(steepest[0, 7900] + 80) < 1e-3
    level = 20 * torch.log10(equalise(sine, steepest).square().mean().sqrt() / sine.square().mean().sqrt())
    assert abs(level + 80) < 1
