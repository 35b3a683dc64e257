"""A band limited by a resampler: down to a lower rate and back, as telephones and careless software do it.

Done in the frequency domain of the whole crop, in three steps: the resampler's low-pass filter g; what is still above
the new Nyquist frequency f_c = rate / 2 folds back below it, as it does when samples are left out,

    Y(f) = Σ_k X(f + k · rate) g(f + k · rate),   |f| ≤ f_c

and nothing is left above f_c. For a rate that divides the sample rate this is decimation to the sample. Filters:

    brick    passes up to 0.92–0.99 f_c, nothing from f_c on: soxr and whatever else is good
    gentle   begins to fall at 0.5–0.8 f_c: old telephones, cheap converters
    alias    passes f_c, and is down only at 1.1–1.6 f_c: what lies there comes back below f_c, mirrored
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

STOP_DB = -100.0
KINDS = ("brick", "gentle", "alias")
# For each kind: range of the end of the pass band, and of the start of the stop band, in units of f_c.
PASS, STOP = ((0.92, 0.99), (0.5, 0.8), (0.95, 1.05)), ((1.0, 1.0), (1.0, 1.0), (1.1, 1.6))


def filter_db(
    kind: Int64[Tensor, " batch"],
    drawn: Float[Tensor, "2 batch"],
    cutoff_hz: Float[Tensor, " batch"],
    freqs: Float[Tensor, " freqs"],
) -> Float[Tensor, "batch freqs"]:
    """Low-pass filters of resamplers.

    Args:
        kind: 0 `brick`, 1 `gentle`, 2 `alias`.
        drawn: numbers in 0 … 1: where the pass band ends and the stop band starts, within the kind's ranges.
        cutoff_hz: f_c, Hz.
        freqs: where to evaluate them, Hz.

    Returns:
        dB: 0 in the pass band, −100 in the stop band, half a cosine between.
    """
    ranges = torch.tensor([PASS, STOP], dtype=drawn.dtype, device=drawn.device)[:, kind]
    start, end = (ranges[..., 0] + (ranges[..., 1] - ranges[..., 0]) * drawn) * cutoff_hz
    way = ((freqs - start.unsqueeze(-1)) / (end - start).unsqueeze(-1)).clamp(0.0, 1.0)
    return STOP_DB * (0.5 - 0.5 * torch.cos(torch.pi * way))


def resample_and_back(
    waveform: Float[Tensor, "batch time"],
    filters_db: Float[Tensor, "batch freqs"],
    cutoff_hz: Float[Tensor, " batch"],
    *,
    sample_rate: int,
) -> Float[Tensor, "batch time"]:
    """Filters, folds at the cut-off, and leaves nothing above.

    Args:
        waveform: counts as periodic.
        filters_db: gains at the frequencies of an rfft of the same length (time // 2 + 1 of them), dB.
        cutoff_hz: Nyquist frequency of the lower rate, Hz; it is rounded to half a bin.
        sample_rate: Hz.
    """
    length = waveform.shape[-1]
    spectrum = torch.fft.rfft(waveform) * 10 ** (filters_db / 20)
    bins = torch.arange(spectrum.shape[-1], device=waveform.device)
    # Bins a period of the spectrum has at the lower rate; one at least.
    period = (2 * cutoff_hz * length / sample_rate).round().long().clamp(1, length).unsqueeze(-1)
    place = (bins + period // 2) % period - period // 2  # −period / 2 … period / 2
    folded = torch.where(place < 0, spectrum.conj(), spectrum)
    # What falls on 0 Hz or on f_c meets its own mirror image there; the bin at the upper Nyquist frequency has none,
    # and that at f_c stands for two in the longer DFT.
    on_zero, on_edge = (place == 0) & (bins > 0), (2 * place.abs() == period) & (period < length)
    share = torch.where(2 * bins == length, 0.5, 1.0)
    share = torch.where(on_zero, 2 * share, torch.where(on_edge, share, 1.0))
    folded = torch.where(on_zero | on_edge, torch.complex(folded.real * share, torch.zeros_like(folded.real)), folded)
    pair = torch.view_as_real(folded.resolve_conj())
    index = place.abs().unsqueeze(-1).expand(pair.shape)
    below = torch.zeros_like(pair).scatter_add(1, index, pair)
    return torch.fft.irfft(torch.view_as_complex(below), n=length)
