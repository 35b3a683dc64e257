"""The threshold lies where it should, and what is below it stays."""

import torch

from rephase.degradations.clipping import clip


def test_the_peak_falls_by_what_was_asked_and_the_rest_stays():
    waveform = torch.randn(3, 4000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[0.01], [1.0], [30.0]])
    asked = torch.tensor([0.0, 3.0, 12.0])
    clipped = clip(waveform, asked)
    fall = 20 * torch.log10(waveform.abs().amax(-1) / clipped.abs().amax(-1))
    torch.testing.assert_close(fall, asked, atol=1e-4, rtol=0)
    below = clipped.abs() < 0.999 * clipped.abs().amax(-1, keepdim=True)
    assert torch.equal(clipped[below], waveform[below])
    assert torch.equal(clipped[0], waveform[0])
    assert torch.equal(clipped.sign(), waveform.sign())


def test_silence_stays_silent():
    assert not clip(torch.zeros(1, 100), torch.tensor([6.0])).any()
