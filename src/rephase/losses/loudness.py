"""Loudness disturbance: the audible difference of two waveforms by a model of hearing, as PESQ has it, differentiable.

Per frame and critical band, with P the intensity in the band (0 dB SPL = 1; the reference lies at 79 dB SPL) and P₀
the threshold in quiet (Terhardt, 1979), loudness is (Zwicker & Fastl)

    L = s (P₀ / 0.5)^γ max((0.5 + 0.5 P / P₀)^γ − 1, 0),      γ = 0.23, 1 sone a Bark at 40 dB SPL and 1 kHz

Differences within a dead zone of a quarter of the softer loudness are masked; what was added counts more than what
is missing, by a = ((P̂ + 50) / (P + 50))^1.2 (0 below 3, at most 12):

    d = max(|L̂ − L| − 0.25 min(L̂, L), 0),      loss = 0.1 D + 0.0309 A,
    D = Bark · √mean_bands d²,      A = Bark · mean_bands a d,      each averaged over frames

The form and its constants are those of ITU-T P.862, where 4.5 − loss is the raw score, without its alignment and
equalisation and with plain means over time. Half-Bark bands by Bark(f) = 6 asinh(f / 600) (Wang et al., 1992).
"""

import math
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from rephase.signal.stft import stft

N_FFT, HOP_LENGTH = 512, 256
BANDS = 40
REFERENCE_SPL_DB = 79.0
GAMMA = 0.23


@lru_cache(maxsize=4)
def _bands(sample_rate: int) -> tuple[Tensor, Tensor, float]:
    """Assignment of bins to bands [bands, freqs], threshold of each band [bands, 1], and the whole range in Bark."""
    with torch.inference_mode(False):
        freqs = torch.arange(N_FFT // 2 + 1, dtype=torch.float64) * sample_rate / N_FFT
        bark = 6 * torch.asinh(freqs / 600)
        index = (bark / bark[-1] * BANDS).long().clamp_max(BANDS - 1)
        assignment = torch.nn.functional.one_hot(index, BANDS).T.to(torch.float64)
        centre = (assignment @ freqs) / assignment.sum(1) / 1000
        centre = centre.clamp_min(0.05)
        quiet_db = 3.64 * centre**-0.8 - 6.5 * torch.exp(-0.6 * (centre - 3.3) ** 2) + 1e-3 * centre**4
        threshold = 10 ** (quiet_db.clamp_max(60) / 10)
        return assignment.float(), threshold.float().unsqueeze(-1), float(bark[-1])


def _loudness(power: Tensor, threshold: Tensor) -> Tensor:
    """Sone a Bark of intensities; 0 below the threshold."""
    at_40_db = (0.5 + 0.5 * 1e4 / 2.2) ** GAMMA - 1  # 1 kHz has its threshold at 2.2
    scale = 1 / ((2.2 / 0.5) ** GAMMA * at_40_db)
    return scale * (threshold / 0.5) ** GAMMA * torch.relu((0.5 + 0.5 * power / threshold) ** GAMMA - 1)


def loudness_loss(
    *,
    estimate: Float[Tensor, "batch time"],
    reference: Float[Tensor, "batch time"],
    sample_rate: int = 16000,
) -> Float[Tensor, ""]:
    """The mean disturbance of a batch; 0 for equal waveforms, and the same at every level of the pair.

    Args:
        estimate: enhanced waveform.
        reference: clean waveform; its mean power is set to 79 dB SPL, and the estimate is scaled with it.
        sample_rate: Hz.
    """
    assignment, threshold, barks = _bands(sample_rate)
    assignment, threshold = assignment.to(estimate.device), threshold.to(estimate.device)
    mean_power = reference.square().mean(-1).clamp_min(1e-9).repeat(2)
    spectra = stft(torch.cat([estimate, reference]), n_fft=N_FFT, hop_length=HOP_LENGTH, win_length=N_FFT)
    window_energy = 3 / 8 * N_FFT  # of a Hann window
    scale = 10 ** (REFERENCE_SPL_DB / 10) * 2 / (N_FFT * window_energy) / mean_power
    power = assignment @ (spectra.real.square() + spectra.imag.square()) * scale[:, None, None]
    ours, theirs = power.chunk(2)
    our_loudness, their_loudness = _loudness(power, threshold).chunk(2)
    masked = 0.25 * torch.minimum(our_loudness, their_loudness)
    disturbance = torch.relu((our_loudness - their_loudness).abs() - masked)
    added = ((ours + 50) / (theirs + 50)) ** 1.2
    added = torch.where(added < 3, torch.zeros_like(added), added.clamp_max(12))
    symmetric = (disturbance.square().mean(1) + 1e-12).sqrt() - math.sqrt(1e-12)
    asymmetric = (added * disturbance).mean(1)
    return barks * (0.1 * symmetric.mean() + 0.0309 * asymmetric.mean())
