"""What a network is asked for: the weighted sum of an experiment's losses, each of the same output."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.losses.compressed_spectrum import complex_loss, compressed_spectrum_loss, magnitude_loss
from rephase.losses.consistency import consistency_loss
from rephase.losses.log_spectral import log_spectral_loss
from rephase.losses.loudness import loudness_loss
from rephase.losses.phase_derivatives import derivative_losses_of_pairs
from rephase.losses.si_sdr import si_sdr_loss
from rephase.losses.waveform import waveform_loss
from rephase.losses.wopd import wopd_loss_of_pairs
from rephase.models.network import Network
from rephase.signal.compression import decompress, magnitude_and_phasor
from rephase.training.experiment import Losses

QUIET = 1e-6  # power below which the log-spectral distance asks for little: recordings have a floor of their own


@dataclass(frozen=True)
class Output:
    """What the network gave for one batch, and what it should have given, at the network's level.

    Attributes:
        magnitude: compressed.
        phasor: of length 1.
        waveform: of both.
        clean: the target.
        clean_spectrum: of the target, uncompressed.
        clean_magnitude: compressed.
        clean_phasor: of length 1, shorter only in silence.
    """

    magnitude: Float[Tensor, "batch frames freqs"]
    phasor: Float[Tensor, "batch 2 frames freqs"]
    waveform: Float[Tensor, "batch time"]
    clean: Float[Tensor, "batch time"]
    clean_spectrum: Float[Tensor, "batch 2 frames freqs"]
    clean_magnitude: Float[Tensor, "batch frames freqs"]
    clean_phasor: Float[Tensor, "batch 2 frames freqs"]

    @property
    def compressed(self) -> Float[Tensor, "batch 2 frames freqs"]:
        """The compressed spectrum that the network gave."""
        return self.magnitude.unsqueeze(1) * self.phasor

    @property
    def clean_compressed(self) -> Float[Tensor, "batch 2 frames freqs"]:
        """The compressed spectrum of the target."""
        return self.clean_magnitude.unsqueeze(1) * self.clean_phasor

    @cached_property
    def phase_terms(self) -> dict[str, Float[Tensor, ""]]:
        """IP, GD and IAF of the network's own phase."""
        return derivative_losses_of_pairs(estimate=self.phasor, reference=self.clean_phasor)


Enhance = Callable[[Tensor], tuple[Tensor, Tensor]]


def output_of(
    network: Network,
    degraded: Float[Tensor, "batch time"],
    clean: Float[Tensor, "batch time"],
    *,
    enhance: Enhance | None = None,
) -> Output:
    """The output of a network for a batch.

    Args:
        network: it is given the degraded waveform, or where it retrieves phase, the clean one's magnitude.
        degraded: full scale ±1.
        clean: the target.
        enhance: the network's own method of that name, compiled.
    """
    given = clean if network.config.phase_only else degraded
    level = network.level(given)
    given, clean = given / level, clean / level
    transforms, exponent = network.transforms, network.config.compression
    dtype = next(network.parameters()).dtype
    magnitude, phasor = (enhance or network.enhance)(transforms.stft(given).contiguous().to(dtype))
    magnitude, phasor = magnitude.to(dtype), phasor.to(dtype)  # under autocast a small error would vanish in rounding
    spectrum = decompress(magnitude, exponent).unsqueeze(1) * phasor
    waveform = transforms.istft(spectrum, length=given.shape[-1]).to(dtype)
    target = transforms.stft(clean).to(dtype)
    return Output(magnitude, phasor, waveform, clean.to(dtype), target, *magnitude_and_phasor(target, exponent))


def loss_terms(losses: Losses, output: Output, network: Network) -> dict[str, Float[Tensor, ""]]:
    """The terms that have a weight, without it.

    Args:
        losses: their weights.
        output: of the network.
        network: whose transforms the consistency of a spectrum is judged by.
    """
    with torch.autocast(output.waveform.device.type, enabled=False):  # ratios and powers need all their digits
        return {name: TERMS[name](output, network) for name, weight in vars(losses).items() if weight}


def _of_waveforms(loss: Callable[..., Tensor], **options: float) -> Callable[[Output, Network], Tensor]:
    return lambda output, network: loss(estimate=output.waveform, reference=output.clean, **options)


def _consistency(output: Output, network: Network) -> Tensor:
    return consistency_loss(
        estimate=output.compressed,
        waveform=output.waveform,
        transforms=network.transforms,
        exponent=network.config.compression,
    )


TERMS: dict[str, Callable[[Output, Network], Tensor]] = {
    "compressed_spectrum": _of_waveforms(compressed_spectrum_loss),
    "loudness": _of_waveforms(loudness_loss),
    "si_sdr": _of_waveforms(si_sdr_loss),
    "log_spectral": _of_waveforms(log_spectral_loss, floor=QUIET),
    "time": _of_waveforms(waveform_loss),
    "magnitude": lambda output, _: magnitude_loss(estimate=output.magnitude, reference=output.clean_magnitude),
    "complex": lambda output, _: complex_loss(estimate=output.compressed, reference=output.clean_compressed),
    "consistency": _consistency,
    "ip": lambda output, _: output.phase_terms["ip"],
    "gd": lambda output, _: output.phase_terms["gd"],
    "iaf": lambda output, _: output.phase_terms["iaf"],
    "wop": lambda output, _: wopd_loss_of_pairs(estimate=output.phasor, reference=output.clean_spectrum),
}
