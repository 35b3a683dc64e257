"""Is there a rhythm in phase features, and is it the one of the transform?

A component of the signal at the frequency f turns the STFT by 2π f h / f_s from frame to frame (h the hop). In each
band k of a phase feature z the power spectrum along time,

    P_k(ω) = Σ_c |Σ_t w_t z_c[t, k] e^{−jωt}|²,      w a Hann window,

shows at which advance ω it turns; the line ω_k = 2π f_k h / f_s, wrapped, is what a component in the middle of the band
would give. Two numbers say how features follow it:

    distance   = Σ_k e_k f(ω̂_k − ω_k) / Σ_k e_k      ω̂_k the peak of P_k, e_k its power, f the arc; π/2 by chance
    concentration = Σ_k e_k max P_k / mean P_k / Σ_k e_k   1 for noise without end, more the purer the rhythm

Along frequency a pulse at τ samples within the frame gives e^{−j2πkτ/N}: the spectrum along frequency, summed over
frames, tells the period in bands, and its concentration how pure it is. The same numbers of the input's phasor and of
noise of the same shape stand beside each layer, so that nothing is read into chance.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from rephase.analysis.probe import Probe
from rephase.models.config import NetworkConfig


@dataclass(frozen=True)
class Periodicity:
    """The rhythm of phase features.

    Attributes:
        name: of the layer; `input` and `noise` for what stands beside them.
        advance: P, `[bands, advances]`, each band over its mean; advances run from −π to π.
        line: ω_k of each band, radians a frame.
        peaks: ω̂_k of each band.
        distance: of the peaks from the line, radians.
        time_concentration: of P, the mean over bands.
        freq_concentration: of the spectrum along frequency.
        freq_period: where it peaks, in bands; infinite at 0.
    """

    name: str
    advance: Float[np.ndarray, "bands advances"]
    line: Float[np.ndarray, " bands"]
    peaks: Float[np.ndarray, " bands"]
    distance: float
    time_concentration: float
    freq_concentration: float
    freq_period: float


def wrapped(angle: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """The angle within −π … π."""
    return angle - 2 * np.pi * np.round(angle / (2 * np.pi))


def hop_line(config: NetworkConfig, bands: int) -> Float[np.ndarray, " bands"]:
    """2π f h / f_s in the middle of each band, wrapped, radians a frame.

    Args:
        config: with rate and hop.
        bands: that a layer has from 0 Hz to half the rate.

    Returns:
        Within −π … π.

    >>> from rephase.models.presets import RENET_BASE
    >>> [round(float(x), 2) for x in hop_line(RENET_BASE, 201)[:4]]
    [0.0, 1.57, 3.14, -1.57]
    """
    frequencies = np.linspace(0, config.sample_rate / 2, bands)
    return np.asarray(wrapped(2 * np.pi * frequencies * config.hop_length / config.sample_rate))


def measure(name: str, phase: Float[Tensor, "1 2 channels frames bands"], config: NetworkConfig) -> Periodicity:
    """The rhythm of phase features along time and frequency.

    Args:
        name: of their layer.
        phase: real pairs.
        config: of the network.

    Returns:
        Spectra and numbers.
    """
    kept = phase[0, ..., : config.n_fft // 2 + 1].double()  # sub-pixel layers may give a band too many
    features = torch.complex(kept[0], kept[1]).numpy()
    _, frames, bands = features.shape
    window = np.hanning(frames + 2)[1:-1]
    size = 4 * frames  # finer than frames, so that peaks lie where they are
    power = np.abs(np.fft.fftshift(np.fft.fft(features * window[:, None], size, axis=1), axes=1)) ** 2
    power = power.sum(axis=0).T
    advances = np.fft.fftshift(np.fft.fftfreq(size)) * 2 * np.pi
    energy = power.sum(axis=1)
    weights = energy / max(float(energy.sum()), 1e-300)
    peaks = advances[power.argmax(axis=1)]
    line = hop_line(config, bands)
    relative = power / np.maximum(power.mean(axis=1, keepdims=True), 1e-300)
    along = np.abs(np.fft.fft(features * np.hanning(bands + 2)[1:-1], 4 * bands, axis=2)) ** 2
    along_sum = along.sum(axis=(0, 1))
    strongest = int(along_sum.argmax())
    cycles = min(strongest, 4 * bands - strongest) / (4 * bands)  # a band
    return Periodicity(
        name=name,
        advance=relative,
        line=line,
        peaks=peaks,
        distance=float(np.sum(weights * np.abs(wrapped(peaks - line)))),
        time_concentration=float(np.sum(weights * relative.max(axis=1))),
        freq_concentration=_mean_concentration(along),
        freq_period=1 / cycles if cycles > 0 else math.inf,
    )


def _mean_concentration(power: Float[np.ndarray, "channels frames points"]) -> float:
    """Of the spectra along frequency, frame by frame, weighted by their power."""
    of_frame = power.sum(axis=0)
    energy = of_frame.sum(axis=1)
    peaks = of_frame.max(axis=1) / np.maximum(of_frame.mean(axis=1), 1e-300)
    return float(np.sum(energy * peaks) / max(float(energy.sum()), 1e-300))


def periodicities(found: Probe) -> list[Periodicity]:
    """The rhythm of the input's phasor, of each block's phase features, and of noise.

    Args:
        found: a network and what came out of its layers.

    Returns:
        Input first, then the blocks in their order, noise last.
    """
    config = found.network.config
    parts = [measure("input", (found.phasor * found.magnitude.unsqueeze(1)).unsqueeze(2), config)]
    blocks = found.blocks()
    parts += [measure(layer.name, layer.phase, config) for layer in blocks if layer.phase is not None]
    last = blocks[-1].phase if blocks else None
    if last is not None:
        noise = torch.randn(last.shape, generator=torch.Generator().manual_seed(0))
        parts.append(measure("noise", noise, config))
    return parts
