"""The magnitude stays, the phase goes."""

import torch

from rephase.degradations.phase import without_phase, zero_phase
from rephase.signal.stft import stft


def speechlike() -> torch.Tensor:
    return torch.randn(2, 3210, generator=torch.Generator().manual_seed(0)).cumsum(-1) / 100


def test_magnitude_stays_and_phase_is_zero():
    spectrum = stft(speechlike())
    bare = zero_phase(spectrum)
    assert torch.equal(bare.real, spectrum.abs())
    assert not bare.imag.any()
    assert torch.equal(zero_phase(spectrum * torch.exp(torch.tensor(1.3j))).real.round(decimals=3),
                       bare.real.round(decimals=3))  # fmt: skip


def test_a_waveform_keeps_its_length_and_forgets_its_polarity():
    waveform = speechlike()
    bare = without_phase(waveform)
    assert bare.shape == waveform.shape
    torch.testing.assert_close(without_phase(-waveform), bare)
    assert not torch.allclose(bare, waveform, atol=0.1)
