"""How far the network looks along time: just as far as its configuration says, so parts give what a whole gives."""

import pytest
import torch

from rephase.testing import assert_causal, time_reach

ALL = ["tiny", "tiny-causal", "renet-lite", "renet-lite-causal"]


@pytest.mark.parametrize("name", ALL)
def test_the_reach_in_frames_is_exactly_the_one_stated(name, build, features):
    model = build(name, torch.float64)
    past, ahead = model.config.past_frames, model.config.lookahead_frames
    inputs = features(ahead + past + 6, dtype=torch.float64)
    assert time_reach(model.forward_spectrum, *inputs, at=ahead + 3) == (past, ahead)


@pytest.mark.parametrize("name", ["tiny", "tiny-causal"])
@pytest.mark.parametrize("offset", [0, 1, 100, 255])
def test_the_reach_in_samples_is_within_latency_and_contexts(name, offset, build, waveform):
    model = build(name)
    config = model.config
    at = config.hop_length * (config.lookahead_frames + 6) + offset
    back, ahead = time_reach(model, waveform(at + config.past_context + 2000), at=at, axis=-1)
    assert back < config.past_context
    assert ahead < config.future_context
    assert ahead < config.latency_ms * config.sample_rate / 1000


@pytest.mark.parametrize("name", ALL)
def test_the_latency_holds_to_the_sample(name, build, waveform):
    model = build(name)
    latency = round(model.config.latency_ms * model.config.sample_rate / 1000)
    assert_causal(model, waveform(latency + 5000), lookahead=latency - 1, axis=-1)


@pytest.mark.parametrize("name", ["tiny-causal", "renet-lite-causal"])
def test_the_causal_preset_is_causal(name, build, features, spectrum):
    model = build(name)
    assert_causal(model.forward_spectrum, *features(30))
    assert_causal(model.forward_pair, spectrum(30))


def test_the_default_is_not_causal(build, features):
    with pytest.raises(AssertionError, match="not causal"):
        assert_causal(build("renet-lite").forward_spectrum, *features(30))


@pytest.mark.parametrize("name", ["tiny", "tiny-causal"])
def test_a_part_with_context_gives_what_the_whole_gives(name, build, waveform):
    model, signal = build(name), waveform(24000)
    past, future = model.config.past_context, model.config.future_context
    start, stop = 256 * 30, 256 * 60
    with torch.no_grad():
        whole, part = model(signal), model(signal[:, start - past : stop + future])
    expected = whole[:, start:stop]
    torch.testing.assert_close(part[:, past:-future], expected, rtol=0, atol=1e-5 * expected.abs().max().item())


def test_less_context_than_stated_is_not_enough(build, waveform):
    model, signal = build("tiny"), waveform(24000)
    past, future = model.config.past_context, model.config.future_context
    start, stop = 256 * 30, 256 * 60
    with torch.no_grad():
        whole = model(signal)[:, start:stop]
        for before, after in ((past - 3 * 256, future), (past, future - 3 * 256)):
            part = model(signal[:, start - before : stop + after])[:, before : before + stop - start]
            assert (part - whole).abs().max() > 1e-4 * whole.abs().max()
