"""A training step once more, as one would write it down: complex64 throughout, and each loss with STFTs of its own.

The yardstick of benchmarks/training.py; that script checks that both give the same loss. The published networks are
those of complex_renet.py; of renet-lite, every complex convolution and linear map is one of complex64.
"""

import copy
from collections.abc import Callable
from functools import partial

import torch
from complex_renet import ComplexRENet
from torch import Tensor, nn

from rephase.layers.convolution import ComplexConv2d
from rephase.layers.linear import ComplexLinear
from rephase.losses.loudness import loudness_loss
from rephase.losses.phase_errors import mirrored_stft
from rephase.losses.si_sdr import si_sdr_loss
from rephase.models.network import Network
from rephase.models.renet import RENet
from rephase.signal.stft import istft, stft
from rephase.training.experiment import Losses
from rephase.training.objective import QUIET

Enhance = Callable[[Tensor], tuple[Tensor, Tensor]]  # complex spectrum → compressed magnitude, complex phasor


def plain_network(network: Network) -> tuple[nn.Module, Enhance]:
    """A network that gives the same, with weights of its own, and its way from spectrum to magnitude and phasor."""
    if isinstance(network, RENet):
        plain = ComplexRENet(network)
        return plain, plain.enhance
    twin = copy.deepcopy(network)
    for module in twin.modules():
        if isinstance(module, ComplexConv2d):
            module.forward = partial(_convolve, module)
        elif isinstance(module, ComplexLinear):
            module.forward = partial(_map, module)

    def enhance(spectrum: Tensor) -> tuple[Tensor, Tensor]:
        magnitude, pair = twin.enhance(torch.view_as_real(spectrum).movedim(-1, 1))
        return magnitude, torch.complex(pair[:, 0], pair[:, 1])

    return twin, enhance


def _convolve(layer: ComplexConv2d, phase: Tensor) -> Tensor:
    weight = torch.complex(layer.weight_real, layer.weight_imaginary)
    result = layer.geometry.convolve(torch.complex(phase[:, 0], phase[:, 1]), weight, None)
    return torch.stack([result.real, result.imag], dim=1)


def _map(layer: ComplexLinear, stacked: Tensor) -> Tensor:
    weight = torch.complex(layer.weight_real, layer.weight_imaginary)
    result = nn.functional.linear(torch.complex(*stacked.chunk(2, dim=-1)), weight)
    return torch.cat([result.real, result.imag], dim=-1)


class PlainLoss:
    """The weighted sum of an experiment's losses.

    Args:
        losses: weights.
        network: whose lengths and level are taken.
        enhance: as `plain_network` gives it.
    """

    def __init__(self, losses: Losses, network: Network, enhance: Enhance) -> None:
        self.losses, self.network, self.enhance, self.config = losses, network, enhance, network.config
        self.lengths = {"n_fft": self.config.n_fft, "hop_length": self.config.hop_length}
        self.lengths |= {"win_length": self.config.win_length, "window": self.config.window}

    def __call__(self, degraded: Tensor, clean: Tensor) -> Tensor:
        """The loss of a batch of waveforms."""
        level = self.network.level(degraded)
        degraded, clean = degraded / level, clean / level
        magnitude, phasor = self.enhance(self.spectrum(degraded))
        spectrum = (magnitude ** (1 / self.config.compression) * phasor).mT
        waveform = istft(spectrum, length=clean.shape[-1], **self.lengths)
        terms = [
            weight * getattr(self, f"_{name}")(magnitude, phasor, waveform, clean)
            for name, weight in vars(self.losses).items()
            if weight
        ]
        return torch.stack(terms).sum()

    def spectrum(self, waveform: Tensor) -> Tensor:
        """[batch, frames, freqs], complex."""
        return stft(waveform, **self.lengths).mT

    # Each term as its equation has it, from the network's output or from the waveforms.
    def _magnitude(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return (magnitude - compressed(self.spectrum(clean)).abs()).square().mean()

    def _complex(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return (magnitude * phasor - compressed(self.spectrum(clean))).abs().square().mean()

    def _consistency(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return (magnitude * phasor - compressed(self.spectrum(waveform))).abs().square().mean()

    def _time(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return (waveform - clean).abs().mean()

    def _ip(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return wrapped(phasor.angle() - self.spectrum(clean).angle()).mean()

    def _gd(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return wrapped(phasor.angle().diff(dim=2) - self.spectrum(clean).angle().diff(dim=2)).mean()

    def _iaf(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return wrapped(phasor.angle().diff(dim=1) - self.spectrum(clean).angle().diff(dim=1)).mean()

    def _compressed_spectrum(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        def of(waveform: Tensor) -> Tensor:
            return compressed(stft(waveform, n_fft=512, hop_length=128, win_length=512))

        magnitudes = (of(waveform).abs() - of(clean).abs()).square().mean()
        return 7 * magnitudes + 3 * (of(waveform) - of(clean)).abs().square().mean()

    def _log_spectral(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        def of(waveform: Tensor) -> Tensor:
            return torch.log10(mirrored_stft(waveform, n_fft=400, hop_length=100).abs().square() + QUIET)

        return (of(waveform) - of(clean)).square().mean(1).add(1e-12).sqrt().mean()

    def _si_sdr(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return si_sdr_loss(estimate=waveform, reference=clean)

    def _loudness(self, magnitude: Tensor, phasor: Tensor, waveform: Tensor, clean: Tensor) -> Tensor:
        return loudness_loss(estimate=waveform, reference=clean)


def compressed(spectrum: Tensor) -> Tensor:
    """|S|^0.3 e^{jφ}."""
    return torch.polar((spectrum.abs().square() + 1e-10) ** 0.15, spectrum.angle())


def wrapped(angle: Tensor) -> Tensor:
    """|x − 2π round(x / 2π)|."""
    return (angle - 2 * torch.pi * torch.round(angle / (2 * torch.pi))).abs()
