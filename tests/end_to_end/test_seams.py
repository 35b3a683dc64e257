"""A hunt for seams: where two calls of a network that looks at all of its input are joined, nothing is to be heard.

Random weights give two calls levels that differ by up to 6 dB, more than a trained network would.
"""

import numpy as np
import pytest
import soundfile
import torch

from rephase.enhancer import Enhancer
from rephase.models.presets import PRESETS
from rephase.models.renet import RENet
from rephase.models.renet_config import RENetConfig
from rephase.runtimes import stream
from rephase.testing import randomise_parameters
from rephase.weights import find_model

RATE = 16000
FRAME = 400  # 25 ms
BANDS = np.geomspace(150, 8000, 9)  # Hz, edges
NEAR = 60  # frames on either side of a join that are its neighbourhood: 1.5 s
MOST = 1.4  # chance alone lets the twenty frames of a join go so far above the hundred around it
TINY = RENetConfig(
    channels=(8, 4), heads=2, phase_head_channels=3, blocks=1, dense_dilations=(1, 2), phase_hidden=6
)  # fmt: skip


class Running:
    """A network with random weights as a runtime that knows how long its calls were."""

    name, device = "torch", "cpu"

    def __init__(self, config):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self._network = randomise_parameters(RENet(config).eval(), seed=3)
        self.calls = []

    def __call__(self, waveform):
        self.calls.append(waveform.shape[1])
        with torch.no_grad():
            return self._network(torch.from_numpy(np.ascontiguousarray(waveform))).numpy()


@pytest.fixture(scope="module")
def rain_with_a_shout(example_audio):
    """12 s of steady rain, a loud voice from 4 to 5.3 s, far from all joins: only some calls hear the voice."""
    clips = example_audio.parents[1] / "tests" / "clips"
    rain, _ = soundfile.read(clips / "noise" / "rain-1-17367.opus", dtype="float32")
    voice, _ = soundfile.read(example_audio / "dishes-0db.clean.flac", dtype="float32")
    scene = 0.003 * np.resize(rain / rain.std(), 12 * RATE)
    scene[4 * RATE :][:20800] += 0.3 * voice[RATE:][:20800] / np.abs(voice).max()
    return scene[None].astype(np.float32)


@pytest.fixture(scope="module")
def whisper_after_a_shout(example_audio):
    """12 s of speech in noise, the middle third 36 dB down."""
    names = ("dishes-0db", "exercise-bike-10db", "kitchen-0db")
    clips = [soundfile.read(example_audio / f"{name}.degraded.flac", dtype="float32")[0] for name in names]
    clips[1] = clips[1] / 64
    return np.concatenate(clips)[None]


def spectral_difference(waveform):
    """Mean change of the level in eight bands from each 25 ms to the next, dB; all lie on the same grid."""
    frames = waveform[0, : waveform.shape[1] // FRAME * FRAME].reshape(-1, FRAME) * np.hanning(FRAME)
    power = np.abs(np.fft.rfft(frames)) ** 2
    edges = np.searchsorted(np.fft.rfftfreq(FRAME, 1 / RATE), BANDS)
    levels = 10 * np.log10(np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1) + 1e-12)
    return np.abs(np.diff(levels, axis=0)).mean(axis=1)


def seams(waveform, chunk, fade):
    """For each join, the largest difference in its cross-fade over the largest in its neighbourhood."""
    difference = spectral_difference(waveform)
    found = []
    for join in range(chunk, waveform.shape[1] - fade, chunk):
        first, last = join // FRAME - 1, (join + fade) // FRAME + 1
        around = np.r_[difference[max(0, first - NEAR) : first], difference[last : last + NEAR]]
        found.append(difference[first:last].max() / around.max())
    return found


def hunt(config, model, recording):
    runtime = Running(config)
    enhanced = Enhancer(runtime, model).enhance(recording, RATE)
    assert len(runtime.calls) > 3
    assert max(runtime.calls) <= config.longest_samples <= 10 * RATE, "calls are of stated length"
    return seams(enhanced, model.chunk_samples, round(stream.LONG_FADE_SECONDS * RATE))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["renet-small", "renet-base"])
@pytest.mark.parametrize("recording", ["rain_with_a_shout", "whisper_after_a_shout"])
def test_no_join_is_heard(request, name, recording):
    assert max(hunt(PRESETS[name], find_model(name), request.getfixturevalue(recording))) <= MOST


@pytest.mark.slow
def test_a_short_cross_fade_would_be_found(rain_with_a_shout, monkeypatch):
    model = find_model("renet-small")
    assert max(hunt(TINY, model, rain_with_a_shout)) <= MOST
    monkeypatch.setattr(stream, "LONG_FADE_SECONDS", 0.025)
    assert max(hunt(TINY, model, rain_with_a_shout)) > 2 * MOST
