"""The configuration: what it derives, what it refuses, and its way into a file and back."""

import dataclasses
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rephase.models.presets import PRESETS, RENET_LITE, RENET_LITE_CAUSAL
from rephase.models.renet_lite_config import RENetLiteConfig


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS.keys())
def test_there_and_back_through_json(config):
    assert type(config).from_dict(json.loads(json.dumps(config.to_dict()))) == config


@given(
    lookahead=st.integers(11, 31),
    blocks=st.integers(1, 2),
    heads=st.sampled_from([1, 2, 4]),
    compression=st.floats(0.1, 1),
)
def test_any_configuration_comes_back(lookahead, blocks, heads, compression):
    config = RENetLiteConfig(
        lookahead_frames=lookahead,
        blocks=blocks,
        dilations=(1, 2, 4)[: blocks + 1],
        heads=heads,
        compression=compression,
    )
    assert RENetLiteConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_what_is_missing_in_a_file_keeps_its_default():
    assert RENetLiteConfig.from_dict({"lookahead_frames": 0}) == RENET_LITE_CAUSAL


def test_unknown_fields_are_named():
    with pytest.raises(ValueError, match=r"unknown fields in a RENetLiteConfig: depth, width\. Known: .*channels"):
        RENetLiteConfig.from_dict({"width": 3, "depth": 4})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_fft": 256}, r"win_length must be at most n_fft; got 512 and 256\. Try n_fft=512"),
        ({"hop_length": 128}, r"hop_length must be half of win_length .*; got 128 and 512\. Try hop_length=256"),
        ({"compression": 0.0}, r"compression must lie in \(0, 1\]; got 0\.0\. Try 0\.3"),
        ({"compression": 1.5}, r"compression must lie in \(0, 1\]; got 1\.5"),
        ({"heads": 3}, r"heads must divide both of channels; got 3 and \(48, 16\)\. Try heads=1, or .*\(48, 18\)"),
        ({"heads": 5}, r"heads must divide both of channels; got 5 and \(48, 16\)\. Try heads=1, or .*\(50, 20\)"),
        ({"groups": 2}, r"groups must divide the 33 bands of the bottleneck; got 2\. Try groups=1"),
        ({"dilations": (1, 2)}, r"dilations must have blocks \+ 1 = 3 entries; got \(1, 2\)\. Try .*\(1, 2, 4\)"),
        ({"blocks": 1}, r"dilations must have blocks \+ 1 = 2 entries; got \(1, 2, 4\)\. Try .*\(1, 2\)"),
        ({"lookahead_frames": 32}, r"lookahead_frames must lie in 0 … 31 .*; got 32\. Try lookahead_frames=31"),
        ({"lookahead_frames": -1}, r"lookahead_frames must .* 0.*; got -1"),
        ({"sample_rate": 8000}, r"lookahead_frames must lie in 0 … 15 .*; got 30\. Try lookahead_frames=15"),
        ({"lookback_frames": 10}, r"lookback_frames must be at least .* 11 frames; got 10\. Try lookback_frames=32"),
        ({"lookback_frames": 0}, r"lookback_frames must be an integer of at least 1; got 0\. Try lookback_frames=32"),
        ({"n_fft": 513}, r"n_fft must be even; got 513\. Try n_fft=514"),
        ({"heads": 0}, r"heads must be an integer of at least 1; got 0\. Try heads=4"),
        ({"stride": 0}, r"stride must be an integer of at least 1; got 0\. Try stride=2"),
        ({"channels": (0, 12)}, r"channels must be a pair of integers of at least 1; got \(0, 12\)\. Try channels="),
        ({"dilations": (0, 1, 2)}, r"dilations must be integers of at least 1; got \(0, 1, 2\)\. Try dilations="),
        ({"lookahead_frames": 10}, r"lookahead_frames must be 0 \(causal\) or .*; got 10\. Try lookahead_frames=11"),
    ],
)
def test_a_mistake_names_argument_value_and_fix(changes, message):
    with pytest.raises(ValueError, match=message):
        RENetLiteConfig(**changes)


def test_the_sizes_of_the_default():
    assert (RENET_LITE.freqs, RENET_LITE.stem_bands, RENET_LITE.bands) == (257, 65, 33)
    assert RENET_LITE.hop_length / RENET_LITE.sample_rate == 0.016


@pytest.mark.parametrize("lookahead", range(11, 32))
def test_the_look_ahead_is_shared_out_to_the_frame(lookahead):
    config = RENetLiteConfig(lookahead_frames=lookahead)
    shares = config.attention_lookahead
    assert config.convolution_lookahead + sum(shares) == lookahead
    assert max(shares) - min(shares) <= 1
    assert min(shares) >= 1
    assert not config.causal


def test_causal_means_no_look_ahead_anywhere():
    assert RENET_LITE_CAUSAL.causal
    assert RENET_LITE_CAUSAL.attention_lookahead == (0, 0)
    assert RENET_LITE_CAUSAL.future_context == RENET_LITE_CAUSAL.n_fft


def test_latency_and_contexts():
    # One window of 32 ms and 30 hops of 16 ms; the causal one has the window alone.
    assert RENET_LITE.latency_ms == 512
    assert RENET_LITE_CAUSAL.latency_ms == 32
    for config in (RENET_LITE, RENET_LITE_CAUSAL):
        assert config.future_context - config.latency_ms * config.sample_rate / 1000 >= 0
    for config in PRESETS.values():
        assert config.past_context % config.hop_length == 0
        assert config.future_context % config.hop_length == 0


def test_it_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RENET_LITE.heads = 2


def test_it_needs_no_torch():
    code = "import sys; import rephase.models.presets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wrong_types_in_a_file_are_named():
    """In a process of its own, where no type checker catches them first."""
    code = """
from rephase.models.renet_lite_config import RENetLiteConfig
mistakes = {"hop_length": "256", "lookahead_frames": 30.0, "channels": [40], "stem_channels": 24, "heads": True}
for key, value in mistakes.items():
    try:
        RENetLiteConfig.from_dict({key: value})
    except ValueError as error:
        print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.splitlines() == [
        "hop_length must be an integer of at least 1; got '256'. Try hop_length=256.",
        "lookahead_frames must be an integer of at least 0; got 30.0. Try lookahead_frames=30.",
        "channels must be a pair of integers of at least 1; got (40,). Try channels=(48, 16).",
        "stem_channels must be a pair of integers of at least 1; got 24. Try stem_channels=(32, 8).",
        "heads must be an integer of at least 1; got True. Try heads=4.",
    ]
