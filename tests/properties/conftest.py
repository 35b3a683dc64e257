"""The networks under test, with every parameter off its initial value, and what goes into them."""

import pytest
import torch

from rephase.models.presets import PRESETS
from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.signal.compression import EPS, compress
from rephase.signal.real_pair import to_pair
from rephase.signal.stft import stft
from rephase.testing import randomise_parameters

TINY = {
    "stem_channels": (8, 4),
    "channels": (8, 4),
    "heads": 2,
    "blocks": 1,
    "dilations": (1, 2),
    "lookback_frames": 6,
}
CONFIGS = {
    **PRESETS,
    "tiny": RENetLiteConfig(**TINY, lookahead_frames=8),
    "tiny-causal": RENetLiteConfig(**TINY, lookahead_frames=0),
}


@pytest.fixture(autouse=True)
def same_draws():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def build():
    """A network by the name of its configuration."""

    def network(name, dtype=torch.float32):
        torch.manual_seed(0)
        return randomise_parameters(RENetLite(CONFIGS[name]).to(dtype).eval(), seed=3)

    return network


@pytest.fixture(scope="session")
def waveform():
    """Noise in bursts at the level of the network's training, so that some frames are nearly silent."""

    def draw(length, batch=1):
        envelope = (torch.arange(length) * 8 / 16000).frac() ** 2
        return 0.05 * torch.randn(batch, length) * envelope

    return draw


@pytest.fixture(scope="session")
def spectrum(waveform):
    """A spectrum as a real pair [batch, 2, frames, freqs]."""

    def draw(frames, batch=1, dtype=torch.float32):
        values = stft(
            waveform(256 * (frames - 1), batch), n_fft=512, hop_length=256, win_length=512, window="sqrt_hann"
        )
        return to_pair(values).transpose(-1, -2).to(dtype)

    return draw


@pytest.fixture(scope="session")
def features(spectrum):
    """Compressed magnitude and phasor of a spectrum."""

    def draw(frames, batch=1, dtype=torch.float32):
        pair = spectrum(frames, batch, dtype)
        power = pair.square().sum(1)
        return compress(power), pair * torch.rsqrt(power + EPS).unsqueeze(1)

    return draw
