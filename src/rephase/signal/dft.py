"""STFT and its inverse as two convolutions with the DFT's basis: no complex number, nothing but multiply and add.

A frame's DFT is a product with a matrix, so the whole transform is a convolution whose kernels are windowed cosines
and sines, and its inverse the transposed convolution with the same kernels:

    Re S[f, t] = Σ_n x[n + t·h − N/2] · w[n] cos(2πfn/N),       Im S[f, t] = −Σ_n x[n + t·h − N/2] · w[n] sin(2πfn/N)
    s_t[n] = Σ_f c_f / N · (Re S[f, t] cos(2πfn/N) − Im S[f, t] sin(2πfn/N)),    c_f = 1 at DC and Nyquist, 2 between

This is what an ONNX graph holds: ONNX Runtime has no inverse STFT that takes overlapping frames back, and its STFT
operator is slower. Padding, lengths and frames are those of `rephase.signal.stft`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from rephase.signal.stft import analysis_window


class DFTConvolutions(nn.Module):
    """The pair of transforms on real pairs, as convolutions.

    Args:
        n_fft: length of the DFT, samples, even.
        hop_length: step between frames, samples.
        win_length: length of the window, samples; it stands in the middle of the DFT.
        window: `hann` or `sqrt_hann`.

    >>> transforms = DFTConvolutions(n_fft=512, hop_length=256, win_length=512, window="sqrt_hann")
    >>> waveform = torch.randn(1, 1000)
    >>> pair = transforms.stft(waveform)
    >>> pair.shape
    torch.Size([1, 2, 5, 257])
    >>> torch.allclose(transforms.istft(pair, length=1000), waveform, atol=1e-5)
    True
    """

    basis: Tensor
    share: Tensor
    coverage: Tensor

    def __init__(self, *, n_fft: int, hop_length: int, win_length: int, window: str) -> None:
        super().__init__()
        self.n_fft, self.hop_length = n_fft, hop_length
        margin = (n_fft - win_length) // 2
        padded = nn.functional.pad(analysis_window(window, win_length).double(), (margin, n_fft - win_length - margin))
        freqs = n_fft // 2 + 1
        # Whole turns are taken off before the cosine: 2πfn/N itself would lose digits for large f·n.
        turns = torch.arange(freqs)[:, None] * torch.arange(n_fft)[None, :] % n_fft
        angle = 2 * torch.pi / n_fft * turns.double()
        basis = torch.cat([angle.cos(), -angle.sin()]) * padded
        share = torch.full((freqs,), 2 / n_fft, dtype=torch.float64)
        share[0] = share[-1] = 1 / n_fft
        self.register_buffer("basis", basis.unsqueeze(1).float(), persistent=False)
        self.register_buffer("share", share.float(), persistent=False)
        # With frames beyond the ends the squared windows would add up to a constant; at half overlap, none is missing.
        coverage = padded.square()
        steady = coverage.unflatten(0, (-1, hop_length)).sum(0) if n_fft == 2 * hop_length else None
        self.covers_evenly = steady is not None and torch.allclose(steady, torch.ones_like(steady), atol=1e-6)
        self.register_buffer("coverage", coverage.float().reshape(1, 1, -1), persistent=False)

    def stft(self, waveform: Float[Tensor, "batch time"]) -> Float[Tensor, "batch 2 frames freqs"]:
        """The spectrum of a waveform of at least one sample, as `rephase.signal.stft.stft` but as a real pair.

        Args:
            waveform: full scale ±1.

        Returns:
            ⌈time / hop_length⌉ + 1 frames of n_fft // 2 + 1 frequencies.
        """
        half = self.n_fft // 2
        # One hop less one sample is enough to complete the last frame whatever the length; a part that is too short
        # for another frame is left over by the convolution.
        padded = nn.functional.pad(waveform.unsqueeze(1), (half, half + self.hop_length - 1))
        stacked = nn.functional.conv1d(padded, self.basis, stride=self.hop_length)
        return stacked.unflatten(1, (2, -1)).transpose(-1, -2)

    def istft(self, pair: Float[Tensor, "batch 2 frames freqs"], *, length: int) -> Float[Tensor, "batch time"]:
        """The waveform of `length` samples whose spectrum is nearest to the one given.

        Args:
            pair: a spectrum as `stft` gives it for a waveform of `length` samples.
            length: samples of the result.

        Returns:
            The waveform.
        """
        stacked = (pair * self.share).transpose(-1, -2).flatten(1, 2)
        added = nn.functional.conv_transpose1d(stacked, self.basis, stride=self.hop_length)
        start = self.n_fft // 2
        waveform = added[:, 0, start : start + length]
        if self.covers_evenly:
            return waveform
        ones = torch.ones_like(stacked[:1, :1])
        cover = nn.functional.conv_transpose1d(ones, self.coverage, stride=self.hop_length)
        return waveform / cover[:, 0, start : start + length]
