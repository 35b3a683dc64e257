"""Speech through a lossy codec and back, with libsndfile: Opus as calls use it, MP3 as archives do.

Both decoders take the encoder's delay out, as the file tells it, so each sample stays where it was: the test finds the
largest correlation at a shift of 0 for each codec, rate and length. It runs on the CPU, one item after the other.
"""

import io

import numpy as np
import soundfile
from jaxtyping import Float32

from rephase.audio.bit_rates import compression_level

CODECS = {"opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III")}


def through_codec(
    waveform: Float32[np.ndarray, " time"], *, codec: str, kbps: float, sample_rate: int
) -> Float32[np.ndarray, " time"]:
    """Encodes and decodes a waveform.

    Args:
        waveform: full scale ±1.
        codec: `opus` or `mp3`.
        kbps: bit rate, kbit/s; the encoders take it as an average.
        sample_rate: Hz; one that the codec knows, such as 16000.

    Returns:
        As many samples, none of them shifted.

    Raises:
        ValueError: If the codec is unknown.
    """
    if codec not in CODECS:
        raise ValueError(f"codec must be one of {', '.join(CODECS)}; got {codec!r}. Try codec='opus'.")
    container, subtype = CODECS[codec]
    file = io.BytesIO()
    with soundfile.SoundFile(
        file,
        "w",
        sample_rate,
        1,
        subtype,
        format=container,
        compression_level=compression_level(subtype, 1000 * kbps, sample_rate, 1),
        bitrate_mode="AVERAGE" if codec == "mp3" else None,
    ) as sound:
        sound.write(waveform)
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32")
    return np.pad(decoded, (0, max(0, len(waveform) - len(decoded))))[: len(waveform)]
