"""RENet once more, as one would write it down: complex64 tensors, and attentions of the two streams side by side.

The yardstick of benchmarks/published.py, and a second opinion on the equations: it gives what
`rephase.models.renet.RENet` gives (tests/benchmarks/test_complex_renet.py), with that network's weights in torch's
complex numbers.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, leaky_relu, linear, pad, silu

from rephase.layers import HADF, MPICM, DenseBlock
from rephase.models.renet import RENet
from rephase.signal.stft import istft, stft


class ComplexRENet(nn.Module):
    """The network of `RENet`, with weights of its own.

    Args:
        network: whose sizes and weights it takes.
    """

    def __init__(self, network: RENet) -> None:
        super().__init__()
        self.config = network.config
        encoder, decoder = network.encoder, network.decoder
        self.first, self.encoder_dense, self.down = _MPICM(encoder.first), _Dense(encoder.dense), _MPICM(encoder.down)
        self.hadfs = nn.ModuleList(_HADF(hadf) for hadf in network.bottleneck)
        self.decoder_dense, self.up = _Dense(decoder.dense), _MPICM(decoder.up)
        self.magnitude_out = _Conv(decoder.magnitude_out)
        self.phase_out = _Conv(decoder.phase_out)

    def forward(self, waveform: Tensor) -> Tensor:
        """[batch, time] → [batch, time]."""
        config = self.config
        lengths = {"n_fft": config.n_fft, "hop_length": config.hop_length, "win_length": config.win_length}
        level = (waveform.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        m, phasor = self.enhance(stft(waveform / level, **lengths).mT)
        return level * istft((m ** (1 / config.compression) * phasor).mT, length=waveform.shape[-1], **lengths)

    def enhance(self, spectrum: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, frames, freqs], complex → compressed magnitude and complex phasor."""
        config = self.config
        power = spectrum.abs().square()
        m = (power + 1e-10) ** (config.compression / 2)
        z = spectrum / (power + 1e-10).sqrt()
        m, z = self.down(*self.encoder_dense(*self.first(m.unsqueeze(1), z.unsqueeze(1))))
        for hadf in self.hadfs:
            new_m, new_z = hadf(m, z)
            m, z = m + new_m, z + new_z
        m, z = self.up(*self.decoder_dense(m, z))
        m, z = torch.relu(self.magnitude_out(m))[:, 0], self.phase_out(z)[:, 0]
        return m, z / (z.abs().square() + 1e-12).sqrt()


def _complex(layer: nn.Module) -> nn.Parameter:
    return nn.Parameter(torch.complex(layer.weight_real.detach(), layer.weight_imaginary.detach()))


def _copy(parameter: Tensor | None) -> nn.Parameter | None:
    return None if parameter is None else nn.Parameter(parameter.detach().clone())


class _Conv(nn.Module):
    """A convolution of either stream, sub-pixel where the layer is."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.factor = getattr(layer, "factor", 1)
        layer = getattr(layer, "convolution", layer)
        self.geometry = layer.geometry
        self.weight = _complex(layer) if hasattr(layer, "weight_real") else _copy(layer.weight)
        self.bias = _copy(getattr(layer, "bias", None))

    def forward(self, x: Tensor) -> Tensor:
        geometry = self.geometry
        x = torch.conv2d(
            pad(x, geometry.padding), self.weight, self.bias, (1, geometry.stride), dilation=(geometry.dilation, 1)
        )
        return x.unflatten(1, (self.factor, -1)).movedim(1, -1).flatten(-2)


class _Norm(nn.Module):
    """x / √(mean |x|² + ε) · g + b."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.dimensions, self.eps = layer.dimensions, layer.eps
        self.gain, self.bias = _copy(layer.gain), _copy(getattr(layer, "bias", None))

    def forward(self, x: Tensor) -> Tensor:
        x = x / (x.abs().square().mean(self.dimensions, keepdim=True) + self.eps).sqrt() * self.gain
        return x if self.bias is None else x + self.bias


class _Gate(nn.Module):
    """3σ(s (W x + b))."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.weight, self.bias, self.slope = _copy(layer.weight), _copy(layer.bias), _copy(layer.slope)

    def forward(self, x: Tensor) -> Tensor:
        return 3 * torch.sigmoid(self.slope * torch.conv2d(x, self.weight, self.bias))


class _MPICM(nn.Module):
    def __init__(self, layer: MPICM) -> None:
        super().__init__()
        self.m_conv, self.z_conv = _Conv(layer.magnitude_convolution), _Conv(layer.phase_convolution)
        self.m_norm, self.z_norm = _Norm(layer.magnitude_norm), _Norm(layer.phase_norm)
        self.gated = layer.gated
        if self.gated:
            self.m_gate, self.z_gate = _Gate(layer.magnitude_gate), _Gate(layer.phase_gate)

    def forward(self, m: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        m, z = silu(self.m_norm(self.m_conv(m))), self.z_norm(self.z_conv(z))
        if not self.gated:
            return m, z
        return m * self.m_gate((z.abs().square() + 1e-12).sqrt()), z * self.z_gate(m)


class _Dense(nn.Module):
    def __init__(self, block: DenseBlock) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_MPICM(layer) for layer in block.layers)

    def forward(self, m: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        seen_m, seen_z = m, z
        for layer in self.layers:
            m, z = layer(seen_m, seen_z)
            seen_m, seen_z = torch.cat([m, seen_m], 1), torch.cat([z, seen_z], 1)
        return m, z


class _HADF(nn.Module):
    def __init__(self, hadf: HADF) -> None:
        super().__init__()
        self.axis = hadf.axis
        self.norms = nn.ModuleList(
            _Norm(norm)
            for norm in (
                hadf.magnitude_norm, hadf.phase_norm, hadf.magnitude_ffn_norm, hadf.phase_ffn_norm,
                hadf.magnitude_last_norm, hadf.phase_last_norm,
            )
        )  # fmt: skip
        attention = hadf.attention
        self.heads = attention.heads
        self.products = attention.head_channels[0] + 2 * attention.head_channels[1]
        self.m_in, self.z_in = _copy(attention.magnitude_in.weight), _complex(attention.phase_in)
        self.m_out, self.m_bias = _copy(attention.magnitude_out.weight), _copy(attention.magnitude_out.bias)
        self.z_out = _complex(attention.phase_out)
        ffn = hadf.magnitude_ffn
        self.gru = nn.GRU(ffn.recurrence.input_size, ffn.recurrence.hidden_size, batch_first=True, bidirectional=True)
        self.gru.load_state_dict(ffn.recurrence.state_dict())
        self.slope, self.dropout = ffn.activation.negative_slope, ffn.dropout.p
        self.contract, self.contract_bias = _copy(ffn.contract.weight), _copy(ffn.contract.bias)
        ffn = hadf.phase_ffn
        self.expand = nn.Parameter(_complex(ffn.expand).detach().squeeze(2))
        backwards = _complex(ffn.contract).detach().squeeze(2).flip(-1).transpose(0, 1)
        self.z_contract = nn.Parameter(backwards.contiguous())
        self.layer_norm, self.layer_bias = _copy(ffn.norm.weight), _copy(ffn.norm.bias)

    def forward(self, m: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        if self.axis == "frames":
            m, z = m.mT, z.mT
        new_m, new_z = self._attention(self.norms[0](m), self.norms[1](z))
        m, z = m + new_m, z + new_z
        m = self.norms[4](m + self._recurrent(self.norms[2](m)))
        z = self.norms[5](z + self._convolutional(self.norms[3](z)))
        return (m.mT, z.mT) if self.axis == "frames" else (m, z)

    def _attention(self, m: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """One softmax of two scores, and each stream mixed on its own; rows are [batch, frames, heads, freqs, dim]."""
        heads = (3, self.heads, -1)
        q, k, v = linear(m.movedim(1, -1), self.m_in).unflatten(-1, heads).permute(3, 0, 1, 4, 2, 5)
        cq, ck, cv = linear(z.movedim(1, -1), self.z_in).unflatten(-1, heads).permute(3, 0, 1, 4, 2, 5)
        score = (cq @ ck.mH).real + q @ k.mT
        shares = (score / self.products**0.5).softmax(-1)
        mixed, turned = shares @ v, shares.to(cv.dtype) @ cv
        return (
            linear(mixed.transpose(2, 3).flatten(-2), self.m_out, self.m_bias).movedim(-1, 1),
            linear(turned.transpose(2, 3).flatten(-2), self.z_out).movedim(-1, 1),
        )

    def _recurrent(self, m: Tensor) -> Tensor:
        states, _ = self.gru(m.permute(0, 2, 3, 1).flatten(0, 1))
        states = torch.dropout(leaky_relu(states, self.slope), self.dropout, self.training)
        mixed = linear(states, self.contract, self.contract_bias)
        return mixed.unflatten(0, (m.shape[0], -1)).permute(0, 3, 1, 2)

    def _convolutional(self, z: Tensor) -> Tensor:
        rows, cut = z.transpose(1, 2).flatten(0, 1), self.expand.shape[-1] - 1
        value, control = torch.conv1d(pad(rows, (cut, cut)), self.expand).chunk(2, dim=1)
        modulus = (control.abs().square() + 1e-12).sqrt().mT
        gate = silu(layer_norm(modulus, self.layer_norm.shape, self.layer_norm, self.layer_bias)).mT
        whole = torch.conv_transpose1d(value * gate, self.z_contract)
        return whole[..., cut:-cut].unflatten(0, (z.shape[0], -1)).transpose(1, 2)
