"""The parts of renet-lite: its outputs' ranges, its budget, its weights in a file, and that it learns."""

import torch
from torch import nn

from rephase.models.presets import RENET_LITE
from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig
from rephase.signal.real_pair import modulus, unit
from rephase.testing import randomise_parameters

TINY = RENetLiteConfig(
    stem_channels=(8, 4), channels=(8, 4), heads=2, blocks=1, dilations=(1, 2), lookback_frames=6, lookahead_frames=8
)


def test_the_output_phasor_has_modulus_one_and_the_magnitude_is_not_negative():
    model = randomise_parameters(RENetLite(TINY))
    with torch.no_grad():
        magnitude, phasor = model.forward_spectrum(torch.rand(2, 20, 257), unit(torch.randn(2, 2, 20, 257)))
    assert magnitude.min() >= 0
    torch.testing.assert_close(modulus(phasor, 0.0), torch.ones_like(magnitude), rtol=0, atol=1e-4)


def test_every_parameter_takes_part():
    model = randomise_parameters(RENetLite(TINY))
    model(0.05 * torch.randn(1, 8000)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_rest_that_is_off_can_come_back():
    """With a ReLU it had no gradient once it was below 0 everywhere, and a missing band could never be learned."""
    model = RENetLite(TINY)
    last = model.magnitude_out.convolution
    with torch.no_grad():
        last.weight[1::3], last.bias[1::3] = 0.0, -1.0
    magnitude, _ = model.forward_spectrum(torch.zeros(1, 10, 257), unit(torch.randn(1, 2, 10, 257)))
    magnitude.sum().backward()
    assert (last.bias.grad[1::3] > 1).all()


def test_the_default_keeps_within_its_budget():
    """At most half a million parameters, all real, and nothing recurrent."""
    model = RENetLite(RENET_LITE)
    assert sum(parameter.numel() for parameter in model.parameters()) <= 500_000
    assert not any(parameter.is_complex() for parameter in model.parameters())
    assert not any(isinstance(module, nn.RNNBase) for module in model.modules())


def test_one_batch_is_learnt_by_heart():
    """Two chords in noise: what is left of the noise falls below a fifth."""
    time = torch.arange(4096) / 16000
    tones = ((220, 900, 2500), (310, 1400))
    clean = 0.03 * torch.stack([sum(torch.sin(6.2832 * f * time + f) for f in chord) for chord in tones])
    noise = 0.01 * torch.randn_like(clean)
    model = RENetLite(TINY)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-2)
    losses = []
    for _ in range(100):
        loss = (model(clean + noise) - clean).square().mean() / noise.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] > 1
    assert losses[-1] < 0.2, losses[::10]
