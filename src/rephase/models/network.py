"""What all networks of the family share: the way from a waveform to magnitude and phasor, and back."""

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.models.config import NetworkConfig
from rephase.signal.compression import EPS, compress, decompress
from rephase.signal.real_pair import from_pair, to_pair
from rephase.signal.stft import istft, stft


class Transforms(Protocol):
    """A pair of transforms on real pairs."""

    def stft(self, waveform: Tensor) -> Tensor:
        """[batch, time] → [batch, 2, frames, freqs]."""
        ...

    def istft(self, pair: Tensor, *, length: int) -> Tensor:
        """[batch, 2, frames, freqs] → [batch, length]."""
        ...


class FastTransforms:
    """STFT and its inverse by FFT, as a configuration wants them.

    Args:
        config: with the lengths and the window.
    """

    def __init__(self, config: NetworkConfig) -> None:
        self._lengths = {"n_fft": config.n_fft, "hop_length": config.hop_length, "win_length": config.win_length}
        self._window = config.window

    def stft(self, waveform: Float[Tensor, "batch time"]) -> Float[Tensor, "batch 2 frames freqs"]:
        """The spectrum, in float32."""
        return to_pair(stft(waveform, window=self._window, **self._lengths)).transpose(-1, -2)

    def istft(self, pair: Float[Tensor, "batch 2 frames freqs"], *, length: int) -> Float[Tensor, "batch time"]:
        """The waveform, in float32."""
        spectrum = from_pair(pair.float().transpose(-1, -2))
        return istft(spectrum, length=length, window=self._window, **self._lengths)


class Network(nn.Module):
    """Waveform in, enhanced waveform out; `forward_spectrum` is what a member of the family adds.

    Args:
        config: of the network.
    """

    transforms: Transforms

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.transforms = FastTransforms(config)

    def forward(self, waveform: Float[Tensor, "batch time"]) -> Float[Tensor, "batch time"]:
        """Enhances a waveform of at least one sample at `config.sample_rate`; the length stays."""
        enhanced = self.forward_pair(self.transforms.stft(waveform))
        return self.transforms.istft(enhanced, length=waveform.shape[-1])

    def forward_pair(self, spectrum: Float[Tensor, "batch 2 frames freqs"]) -> Float[Tensor, "batch 2 frames freqs"]:
        """Enhances an uncompressed spectrum given as a real pair."""
        exponent = self.config.compression
        power = spectrum.square().sum(dim=1)
        magnitude, phasor = self.forward_spectrum(
            compress(power, exponent), spectrum * torch.rsqrt(power + EPS).unsqueeze(1)
        )
        return decompress(magnitude, exponent).unsqueeze(1) * phasor

    def forward_spectrum(
        self, magnitude: Float[Tensor, "batch frames freqs"], phasor: Float[Tensor, "batch 2 frames freqs"]
    ) -> tuple[Float[Tensor, "batch frames freqs"], Float[Tensor, "batch 2 frames freqs"]]:
        """The network itself: compressed magnitude and phasor S / √(|S|² + ε) in, the same of clean speech out."""
        raise NotImplementedError
