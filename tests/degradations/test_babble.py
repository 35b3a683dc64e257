"""Each talker has the level that was asked for; silent and absent ones are left out."""

import torch

from rephase.degradations.babble import babble

TIME = torch.arange(16000, dtype=torch.float64) / 16000


def talkers(*hertz: int) -> torch.Tensor:
    """Sines of different loudness: one item."""
    waves = [0.1 * (1 + index) * torch.sin(2 * torch.pi * each * TIME) for index, each in enumerate(hertz)]
    return torch.stack(waves)[None]


def levels(mixture: torch.Tensor, *hertz: int) -> torch.Tensor:
    return 20 * torch.log10(torch.fft.rfft(mixture)[0, list(hertz)].abs() + 1e-9)


def test_levels_are_what_was_asked_whatever_the_recordings_levels():
    asked = torch.tensor([[0.0, -6.0, 4.0]], dtype=torch.float64)
    mixture = babble(talkers(400, 800, 1200), asked)
    measured = levels(mixture, 400, 800, 1200)
    torch.testing.assert_close(measured - measured[0], asked[0], atol=1e-3, rtol=0)
    torch.testing.assert_close(mixture.square().mean(-1), torch.ones(1, dtype=torch.float64))


def test_pauses_do_not_make_a_talker_louder():
    waves = talkers(400, 800)
    waves[0, 0, 8000:] = 0
    measured = levels(babble(waves, torch.zeros(1, 2, dtype=torch.float64)), 400, 800)
    assert abs(measured[1] - measured[0] - 6.02) < 0.01  # half the time, half the amplitude of the whole


def test_who_is_silent_or_absent_adds_nothing():
    waves = talkers(400, 800, 1200)
    waves[0, 1] = 1e-9 * waves[0, 1]
    mixture = babble(waves, torch.tensor([[0.0, 0.0, -torch.inf]], dtype=torch.float64))
    measured = levels(mixture, 400, 800, 1200)
    assert (measured[1:] < measured[0] - 150).all()
    assert not babble(torch.zeros(1, 2, 800), torch.zeros(1, 2)).any()
