"""Speech played faster or slower, as a tape would: tempo and pitch change together.

`size` samples are brought to `length` by their spectrum: the DFT is cut off, or zeros are added, at its upper end and
turned back with the new length, so that

    y(m) = x(m · size / length),   speed = size / length

for every frequency that both rates can hold, exactly. The crop counts as periodic.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def source_size(length: int, percent: int) -> int:
    """How many samples of speech a crop of another speed takes: whole percents keep the DFTs' sizes easy.

    Args:
        length: of the crop, samples.
        percent: speed; 110 is a tenth faster.
    """
    return max(1, round(length * percent / 100))


def change_speed(
    waveform: Float[Tensor, "batch longest"], percents: Sequence[int], length: int
) -> Float[Tensor, "batch time"]:
    """Plays each item at its own speed.

    Args:
        waveform: each item's first `source_size` samples count; there must be as many of them.
        percents: speed of each item, in whole percents; 100 leaves it as it is.
        length: of the result, samples.

    Raises:
        ValueError: If the waveform is too short.

    >>> change_speed(torch.tensor([[1.0, -1.0, 1.0, -1.0]]), [100], 4)
    tensor([[ 1., -1.,  1., -1.]])
    """
    longest = max(source_size(length, percent) for percent in percents)
    if waveform.shape[-1] < longest:
        raise ValueError(
            f"waveform must have at least {longest} samples for these speeds; got {waveform.shape[-1]}. "
            "Take a longer crop."
        )
    result = waveform[:, :length].clone()
    if result.shape[-1] < length:
        result = torch.nn.functional.pad(result, (0, length - result.shape[-1]))
    for percent in sorted({percent for percent in percents if source_size(length, percent) != length}):
        rows = torch.tensor([row for row, each in enumerate(percents) if each == percent], device=waveform.device)
        result[rows] = _resized(waveform[rows, : source_size(length, percent)], length)
    return result


def _resized(waveform: Tensor, length: int) -> Tensor:
    size = waveform.shape[-1]
    spectrum = torch.fft.rfft(waveform) * (length / size)
    shared = min(size, length)
    if shared % 2 == 0:  # the bin at the lower Nyquist frequency stands for two, ±, in the longer of both
        spectrum[:, shared // 2] *= 2.0 if length < size else 0.5
    return torch.fft.irfft(spectrum[:, : shared // 2 + 1], n=length)
