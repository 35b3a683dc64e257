"""What holds for every waveform: its length stays, its neighbours in a batch do not matter, silence stays silence."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

PRESETS = ["renet-lite", "renet-lite-causal"]


@settings(max_examples=20)
@given(length=st.one_of(st.integers(1, 520), st.integers(521, 6000)), batch=st.integers(1, 2))
def test_the_length_stays(length, batch, build, waveform):
    with torch.no_grad():
        enhanced = build("tiny")(waveform(length, batch))
    assert enhanced.shape == (batch, length)
    assert enhanced.dtype == torch.float32
    assert enhanced.isfinite().all()


@pytest.mark.parametrize("length", [1, 2, 255, 256, 257, 511])
@pytest.mark.parametrize("name", PRESETS)
def test_the_length_stays_at_the_edges(name, length, build, waveform):
    with torch.no_grad():
        assert build(name)(waveform(length)).shape == (1, length)


def test_an_empty_waveform_is_refused(build):
    with pytest.raises(ValueError, match="waveform must have at least one sample"):
        build("tiny")(torch.zeros(1, 0))


@pytest.mark.parametrize("name", PRESETS)
def test_items_of_a_batch_do_not_meet(name, build, waveform):
    model, signals = build(name), waveform(6000, batch=3)
    with torch.no_grad():
        alone = model(signals[1:2])
        together = model(signals)
        contrast = model(torch.cat([100 * signals[:1], signals[1:2], torch.zeros_like(signals[:1])]))
    for batch in (together, contrast):
        torch.testing.assert_close(batch[1:2], alone, rtol=0, atol=1e-5 * alone.abs().max().item())


@pytest.mark.parametrize("name", PRESETS)
def test_silence_stays_silence_to_the_bit(name, build):
    with torch.no_grad():
        for silence in (torch.zeros(1, 5000), -torch.zeros(1, 5000)):
            assert torch.equal(build(name)(silence), torch.zeros(1, 5000))


def test_gradients_are_finite_in_silence(build):
    model, signal = build("tiny"), torch.zeros(1, 3000, requires_grad=True)
    model(signal).square().sum().backward()
    gradients = [signal.grad] + [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_extreme_levels_stay_finite(build, waveform):
    for gain in (1e-12, 1e-6, 1e3, 1e6):
        with torch.no_grad():
            assert build("tiny")(gain * waveform(3000)).isfinite().all()
