"""One way from any recording to the samples that a network trains on: mono, one sample rate, 16-bit integers.

Whoever converts a corpus with another resampler trains and is scored on other data: so there is one here, and it is
fixed.

1. Samples are read as the file holds them (libsndfile, else ffmpeg's libraries), full scale ±1.
2. Channels are averaged.
3. soxr at its quality VHQ converts the rate (`rephase.audio.resample`): linear phase, delay taken out, and
   M = ceil(N · rate_out / rate_in) samples. Equal rates are not touched.
4. Samples are rounded to the nearest of 16 bits without dither, and limited to full scale.

A recording that is mono, at the rate and of 16 bits keeps its samples bit for bit.
"""

import io
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Int16

from rephase.audio.files import AudioInfo, audio_info, read_blocks
from rephase.audio.resample import QUALITY, Resampler, resampled_length
from rephase.audio.waveform import whole_numbers
from rephase.data.errors import CorpusError

SHORTEST_SECONDS = 0.1  # less is a click or a slip of whoever cut it: a loop of it would be a tone
CONVERSION = f"channels averaged, soxr {QUALITY}, ceil(N * rate_out / rate_in) samples, rounded to 16 bits, no dither"


def decoded(path: Path, sample_rate: int, shortest_seconds: float = SHORTEST_SECONDS) -> Int16[np.ndarray, " time"]:
    """All samples of a recording, converted as the module says.

    Args:
        path: of the recording.
        sample_rate: Hz, of the result.
        shortest_seconds: recordings that are shorter are refused.

    Returns:
        Full scale ±32768.

    Raises:
        AudioFileError: If it is missing, can't be read to its end, or a sample is NaN or infinite.
        CorpusError: If it is too short.
    """
    return converted(audio_info(path), sample_rate, shortest_seconds)


def converted(
    info: AudioInfo, sample_rate: int, shortest_seconds: float = SHORTEST_SECONDS
) -> Int16[np.ndarray, " time"]:
    """As `decoded`, for a recording whose description is known.

    Args:
        info: from `audio_info`.
        sample_rate: Hz, of the result.
        shortest_seconds: recordings that are shorter are refused.

    Returns:
        Full scale ±32768.

    Raises:
        AudioFileError: If it can't be read to its end, or a sample is NaN or infinite.
        CorpusError: If it is too short.
    """
    resampler = Resampler(info.sample_rate, sample_rate, 1, info.dtype)
    # Averaging before or after the conversion is the same, and before it is cheaper.
    blocks = [
        resampler.push(block if len(block) == 1 else block.mean(axis=0, keepdims=True)) for block in read_blocks(info)
    ]
    samples = whole_numbers(np.concatenate([*blocks, resampler.flush()], axis=1)[0], 16).astype(np.int16)
    if len(samples) < shortest_seconds * sample_rate:
        raise CorpusError(
            f"a recording lasts {len(samples) / sample_rate:.3f} s, less than {shortest_seconds:g} s; {info.path}; "
            "leave it out"
        )
    return samples


def as_flac(samples: Int16[np.ndarray, " time"], sample_rate: int) -> bytes:
    """Samples as a FLAC file of 16 bits.

    Args:
        samples: full scale ±32768.
        sample_rate: Hz.

    Returns:
        The content of the file.
    """
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def converted_length(info: AudioInfo, sample_rate: int) -> int:
    """How many samples `converted` gives, as far as the file's header tells.

    Args:
        info: from `audio_info`.
        sample_rate: Hz, of the result.

    Returns:
        Samples.
    """
    return resampled_length(info.frames, info.sample_rate, sample_rate)
