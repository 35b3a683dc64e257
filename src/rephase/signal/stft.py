"""Short-time Fourier transform and its inverse, exact to the sample for every length.

With frames centred at multiples of the hop h, analysis and synthesis window w, and zeros beyond the ends,

    S[f, t] = Σ_n x[n + t·h − N/2] w[n] e^{−j2πfn/N}
    x[n] = Σ_t w[n − t·h + N/2] s_t[n − t·h + N/2] / Σ_t w²[n − t·h + N/2]

where s_t is the inverse DFT of column t (Griffin & Lim, 1984, eq. 6: the least-squares inverse). The end is padded to
a whole number of hops, so each sample lies between the centres of two frames, whatever the length. Beyond the ends
there are zeros rather than a mirror image: a frame then never depends on samples that a stream has not seen yet.
"""

from functools import lru_cache

import torch
from jaxtyping import Complex64, Float
from torch import Tensor


@lru_cache(maxsize=16)
def _window_on(kind: str, win_length: int, device: torch.device) -> Tensor:
    # Outside of inference mode also when first asked for within it: a kept window must serve a later gradient.
    with torch.inference_mode(False):
        hann = torch.hann_window(win_length, periodic=True, dtype=torch.float64)
        return (hann.sqrt() if kind == "sqrt_hann" else hann).to(torch.float32).to(device)


def analysis_window(kind: str, win_length: int, device: torch.device | str = "cpu") -> Float[Tensor, " win_length"]:
    """The window of both transforms.

    Args:
        kind: `hann` (periodic Hann) or `sqrt_hann` (its square root: perfect reconstruction at 50 % overlap with the
            same window on both sides).
        win_length: samples, even.
        device: where the window shall live.

    Returns:
        Values in [0, 1].

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind not in ("hann", "sqrt_hann"):
        raise ValueError(f"window must be 'hann' or 'sqrt_hann'; got {kind!r}. Try 'hann'.")
    return _window_on(kind, win_length, torch.device(device))


def frame_count(length: int, hop_length: int) -> int:
    """How many frames `stft` makes of `length` samples: ⌈length / hop_length⌉ + 1."""
    return -(-length // hop_length) + 1


def _check(n_fft: int, hop_length: int, win_length: int) -> None:
    if n_fft % 2 or n_fft < 2:
        raise ValueError(f"n_fft must be even and at least 2; got {n_fft}. Try n_fft={max(2, n_fft + 1)}.")
    if not 2 <= win_length <= n_fft:
        raise ValueError(f"win_length must lie in 2 … n_fft; got {win_length} and {n_fft}. Try win_length={n_fft}.")
    if not 1 <= hop_length <= win_length // 2:
        raise ValueError(
            f"hop_length must lie in 1 … win_length // 2, so that windows cover each sample; got {hop_length} and "
            f"{win_length}. Try hop_length={max(1, win_length // 4)}."
        )


def stft(
    waveform: Float[Tensor, "batch time"],
    *,
    n_fft: int = 400,
    hop_length: int = 100,
    win_length: int = 400,
    window: str = "hann",
) -> Complex64[Tensor, "batch freqs frames"]:
    """The spectrum of a waveform, in float32 whatever comes in.

    Args:
        waveform: full scale ±1, at least one sample.
        n_fft: length of the DFT, samples.
        hop_length: step between frames, samples.
        win_length: length of the window, samples; it stands in the middle of the DFT.
        window: `hann` or `sqrt_hann`.

    Returns:
        n_fft // 2 + 1 frequencies and `frame_count(time, hop_length)` frames.

    Raises:
        ValueError: If the waveform is empty, or the three lengths don't fit each other.

    >>> stft(torch.zeros(1, 1000)).shape
    torch.Size([1, 201, 11])
    """
    _check(n_fft, hop_length, win_length)
    length = waveform.shape[-1]
    if length == 0:
        raise ValueError("waveform must have at least one sample; got shape " + str(tuple(waveform.shape)) + ".")
    padded = torch.nn.functional.pad(waveform.float(), (n_fft // 2, n_fft // 2 + -length % hop_length))
    return torch.stft(
        padded,
        n_fft,
        hop_length,
        win_length,
        analysis_window(window, win_length, waveform.device),
        center=False,
        return_complex=True,
    )


def istft(
    spectrum: Complex64[Tensor, "batch freqs frames"],
    *,
    length: int,
    n_fft: int = 400,
    hop_length: int = 100,
    win_length: int = 400,
    window: str = "hann",
) -> Float[Tensor, "batch time"]:
    """The waveform of `length` samples whose spectrum is nearest to the one given.

    Args:
        spectrum: as `stft` gives it for a waveform of `length` samples.
        length: samples of the result.
        n_fft: length of the DFT, samples.
        hop_length: step between frames, samples.
        win_length: length of the window, samples.
        window: `hann` or `sqrt_hann`.

    Raises:
        ValueError: If the number of frames or of frequencies does not belong to `length` and `n_fft`.
    """
    _check(n_fft, hop_length, win_length)
    freqs, frames = spectrum.shape[-2:]
    if freqs != n_fft // 2 + 1 or frames != frame_count(length, hop_length):
        raise ValueError(
            f"spectrum must have {n_fft // 2 + 1} frequencies and {frame_count(length, hop_length)} frames for "
            f"n_fft={n_fft} and length={length}; got {freqs} and {frames}."
        )
    waveform = torch.istft(
        spectrum,
        n_fft,
        hop_length,
        win_length,
        analysis_window(window, win_length, spectrum.device),
        center=True,
        length=length + -length % hop_length,
    )
    return waveform[..., :length]
