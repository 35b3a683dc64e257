"""The decay of what decays exactly is measured exactly."""

import math

import numpy as np
import pytest

from rephase.degradations.decay import decay_seconds


@pytest.mark.parametrize("t60", [0.1, 0.4, 2.0])
@pytest.mark.parametrize("rate", [16000, 48000])
def test_an_exponential_decay_has_the_t60_that_it_was_made_with(t60, rate):
    time = np.arange(int(2 * t60 * rate)) / rate
    envelope = 10 ** (-3 * time / t60)
    assert decay_seconds(envelope, rate) == pytest.approx(t60, rel=1e-3)
    noise = envelope * np.random.default_rng(0).standard_normal(len(time))
    assert decay_seconds(noise, rate) == pytest.approx(t60, rel=0.1)


def test_a_click_has_none():
    click = np.zeros(1000)
    click[40] = 1
    assert math.isnan(decay_seconds(click, 16000))
    assert math.isnan(decay_seconds(np.zeros(1000), 16000))
