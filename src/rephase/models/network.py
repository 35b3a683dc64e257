"""What all networks of the family share: the way from a waveform to magnitude and phasor, and back."""

from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.models.config import NetworkConfig
from rephase.signal.compression import decompress, magnitude_and_phasor
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


def check_waveform(waveform: Tensor) -> None:
    """Refuses what is no waveform [batch, time]; nothing is looked at while a graph is traced.

    Raises:
        ValueError: If it has another rank, holds no floats, is empty, or holds NaN or infinity.
    """
    if torch.compiler.is_compiling():
        return
    if waveform.ndim != 2:
        raise ValueError(
            f"waveform must have the shape [batch, time]; got {tuple(waveform.shape)}. "
            "Try waveform.reshape(-1, waveform.shape[-1])."
        )
    if not waveform.is_floating_point():
        raise ValueError(
            f"waveform must hold floats, full scale ±1; got {waveform.dtype}. Try waveform / 32768 for 16-bit integers."
        )
    if not waveform.shape[-1]:
        raise ValueError(f"waveform must have at least one sample; got the shape {tuple(waveform.shape)}.")
    if not torch.isfinite(waveform).all():
        raise ValueError("waveform must be finite; got NaN or infinity. Try torch.nan_to_num, or look at its source.")


def check_spectrum(magnitude: Tensor, phasor: Tensor, freqs: int, *, least_frames: int = 1) -> None:
    """Refuses what is no magnitude [batch, frames, freqs] with its phasor [batch, 2, frames, freqs].

    Args:
        magnitude: what `forward_spectrum` was given.
        phasor: the same.
        freqs: that they must have.
        least_frames: that they must have at least.

    Raises:
        ValueError: If shapes or types are others, or there are too few frames.
    """
    if torch.compiler.is_compiling():
        return
    if magnitude.ndim != 3 or magnitude.shape[-1] != freqs:
        raise ValueError(
            f"magnitude must have the shape [batch, frames, {freqs}]; got {tuple(magnitude.shape)}. "
            f"Try an STFT with n_fft={2 * (freqs - 1)}, transposed."
        )
    pair = (magnitude.shape[0], 2, *magnitude.shape[1:])
    if tuple(phasor.shape) != pair or phasor.is_complex():
        raise ValueError(
            f"phasor must be a real pair of shape {pair}, as magnitude's is {tuple(magnitude.shape)}; got "
            f"{tuple(phasor.shape)} of {phasor.dtype}. Try rephase.signal.real_pair.to_pair."
        )
    if magnitude.shape[1] < least_frames:
        raise ValueError(
            f"magnitude must have at least {least_frames} frames; got {magnitude.shape[1]}. "
            "Try a longer waveform, or pad it."
        )


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
        """Enhances a waveform of at least one sample at `config.sample_rate`; the length stays.

        Raises:
            ValueError: If the waveform has another rank, holds no floats, is empty, or holds NaN or infinity.
        """
        check_waveform(waveform)
        spectrum = self.transforms.stft(waveform)
        if not torch.compiler.is_compiling():  # a graph is of float32 anyway
            spectrum = spectrum.to(next(self.parameters()).dtype)
        enhanced = self.forward_pair(spectrum)
        return self.transforms.istft(enhanced, length=waveform.shape[-1])

    def forward_pair(self, spectrum: Float[Tensor, "batch 2 frames freqs"]) -> Float[Tensor, "batch 2 frames freqs"]:
        """Enhances an uncompressed spectrum given as a real pair."""
        magnitude, phasor = self.enhance(spectrum)
        return decompress(magnitude.to(spectrum.dtype), self.config.compression).unsqueeze(1) * phasor

    def enhance(
        self, spectrum: Float[Tensor, "batch 2 frames freqs"]
    ) -> tuple[Float[Tensor, "batch frames freqs"], Float[Tensor, "batch 2 frames freqs"]]:
        """Enhances an uncompressed spectrum given as a real pair.

        Returns:
            Compressed magnitude and phasor; with `config.phase_only` the magnitude is that of the spectrum.
        """
        magnitude, phasor = magnitude_and_phasor(spectrum, self.config.compression)
        if not self.config.phase_only:
            return self.forward_spectrum(magnitude, phasor)
        zero_phase = torch.stack([torch.ones_like(magnitude), torch.zeros_like(magnitude)], dim=1)
        return magnitude, self.forward_spectrum(magnitude, zero_phase)[1]

    def level(self, waveform: Float[Tensor, "batch time"]) -> Float[Tensor, "batch 1"]:
        """What a waveform is divided by before the network sees it, and its result multiplied by: 1 here."""
        return waveform.new_ones(waveform.shape[0], 1)

    def forward_spectrum(
        self, magnitude: Float[Tensor, "batch frames freqs"], phasor: Float[Tensor, "batch 2 frames freqs"]
    ) -> tuple[Float[Tensor, "batch frames freqs"], Float[Tensor, "batch 2 frames freqs"]]:
        """The network itself: compressed magnitude and phasor S / √(|S|² + ε) in, the same of clean speech out."""
        raise NotImplementedError
