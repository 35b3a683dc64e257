"""Wrapped phase differences, against closed forms."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rephase.signal.phase import frequency_difference, time_difference, wrap, wrapped_distance
from rephase.signal.stft import stft

ANGLES = st.floats(-50, 50)


@given(angle=ANGLES)
def test_a_wrapped_angle_is_the_same_rotation_in_the_first_turn(angle):
    wrapped = wrap(torch.tensor(angle, dtype=torch.float64)).item()
    assert abs(wrapped) <= math.pi + 1e-12
    assert math.cos(wrapped - angle) == pytest.approx(1, abs=1e-12)


@given(one=ANGLES, two=ANGLES, turns=st.integers(-5, 5))
def test_the_distance_is_the_arc_between_two_points_of_the_circle(one, two, turns):
    difference = torch.tensor(one - two + 2 * math.pi * turns, dtype=torch.float64)
    # The chord between e^{ja} and e^{jb} is 2 sin(arc / 2).
    chord = abs(complex(math.cos(one), math.sin(one)) - complex(math.cos(two), math.sin(two)))
    assert 2 * math.sin(wrapped_distance(difference).item() / 2) == pytest.approx(chord, abs=1e-9)


def test_opposite_points_are_pi_apart_on_either_side():
    for angle in (math.pi, -math.pi, 3 * math.pi):
        assert wrapped_distance(torch.tensor(angle)).item() == pytest.approx(math.pi, abs=1e-5)


def test_a_phase_that_is_linear_has_constant_differences():
    freqs, frames = torch.arange(7.0)[:, None], torch.arange(5.0)[None, :]
    phase = (0.5 * freqs - 1.25 * frames)[None]
    torch.testing.assert_close(frequency_difference(phase), torch.full((1, 6, 5), 0.5))
    torch.testing.assert_close(time_difference(phase), torch.full((1, 7, 4), -1.25))


def test_the_frequency_difference_of_a_click_is_its_delay():
    """A click k samples into its frame has the phase −2πfk / N."""
    n_fft, hop, place = 64, 16, 160
    waveform = torch.zeros(1, 320)
    waveform[0, place] = 1
    phase = stft(waveform, n_fft=n_fft, hop_length=hop, win_length=n_fft).angle()
    for frame in (9, 10, 11):
        delay = place - (frame * hop - n_fft // 2)
        expected = torch.full((n_fft // 2,), -2 * math.pi / n_fft * delay)
        difference = frequency_difference(phase)[0, :, frame]
        assert wrapped_distance(difference - expected).max() < 1e-4


def test_the_time_difference_of_a_tone_is_hop_times_its_frequency():
    n_fft, hop, frequency = 64, 16, 0.7  # radians per sample
    waveform = torch.cos(frequency * torch.arange(640.0))[None]
    phase = stft(waveform, n_fft=n_fft, hop_length=hop, win_length=n_fft).angle()
    nearest = round(frequency * n_fft / (2 * math.pi))
    difference = time_difference(phase)[0, nearest, 4:-5]
    assert wrapped_distance(difference - hop * frequency).max() < 1e-2
