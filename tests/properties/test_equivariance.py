"""The whole network turns with its input: any angle on spectra, polarity on waveforms."""

import pytest
import torch

from rephase.signal.real_pair import rotate
from rephase.testing import assert_equivariant, equivariance_error

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-8}
PRESETS = ["renet-lite", "renet-lite-causal"]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", PRESETS)
def test_the_network_turns_with_its_phasor(name, dtype, build, features):
    assert_equivariant(build(name, dtype).forward_spectrum, *features(40, 2, dtype), tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", PRESETS)
def test_the_network_with_its_front_end_turns_with_the_spectrum(name, dtype, build, spectrum):
    assert_equivariant(build(name, dtype).forward_pair, None, spectrum(40, 2, dtype), tolerance=TOLERANCE[dtype])


@pytest.mark.parametrize("name", PRESETS)
def test_polarity_of_a_waveform(name, build, waveform):
    model, signal = build(name), waveform(16000, batch=2)
    with torch.no_grad():
        one, two = model(signal), model(-signal)
    assert one.abs().max() > 1e-4
    assert (one + two).norm() <= 1e-6 * one.norm()


class TestViolators:
    """The network's tolerance is tight enough to see a small fault in one layer deep inside."""

    FAULTS = {
        "complex bias": lambda phase: phase + 1e-2,
        "split activation": lambda phase: torch.where(phase > 0, phase, 0.9 * phase),
        "real affine": lambda phase: phase * torch.tensor([1.0, 0.99], dtype=phase.dtype).view(1, 2, 1, 1, 1),
    }

    @staticmethod
    def error(model, features):
        return equivariance_error(model.forward_spectrum, *features(20, dtype=torch.float64), rotation=0.9)

    def test_without_one(self, build, features):
        assert self.error(build("tiny", torch.float64), features) < 1e-12

    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize(
        "place", ["stem", "encoder", "convolutions.0", "time_blocks.0", "band_blocks.0", "decoder"]
    )
    def test_with_one(self, place, fault, build, features):
        model = build("tiny", torch.float64)
        model.get_submodule(place).register_forward_hook(
            lambda module, inputs, outputs: (outputs[0], self.FAULTS[fault](outputs[1]))
        )
        assert self.error(model, features) > 1e-5


def test_each_input_matters_to_each_output(build, features):
    """Relative phase steers the magnitude and magnitude steers the phase, so invariance is not for want of looking."""
    model = build("tiny", torch.float64)
    magnitude, phasor = features(20, dtype=torch.float64)
    turned = rotate(phasor, 0.3)
    turned[..., 100:] = phasor[..., 100:]  # low against high frequencies
    with torch.no_grad():
        plain = model.forward_spectrum(magnitude, phasor)
        others = model.forward_spectrum(magnitude, turned), model.forward_spectrum(1.5 * magnitude, phasor)
    for other in others:
        for one, two in zip(plain, other, strict=True):
            assert (one - two).norm() > 1e-4 * one.norm()
