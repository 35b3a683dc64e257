"""How many bits a second a lossy recording takes, and which setting of libsndfile's encoders gives about as many.

libsndfile has one knob, the compression level from 0 (large) to 1 (small). For MP3 it is linear in the bit rate, 320 to
32 kbit/s (160 to 8 below 32 kHz), of which LAME takes the nearest that exists; for Opus too, 256 to 6 kbit/s a channel;
for Vorbis it is 1 − quality / 10, and libvorbis names a rate for each quality (two channels at 44.1 kHz).
"""

from pathlib import Path

import numpy as np

VORBIS_KBITS = (64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 500)  # for qualities 0 to 10
LARGEST_LEVEL = 0.999  # 1 is refused by the encoder of MP3


def bit_rate(path: Path, seconds: float) -> float:
    """Bits a second of a lossy recording, its ID3 tag (which may hold pictures) left out.

    Args:
        path: of the recording.
        seconds: how long it is.

    Returns:
        Bits a second, averaged over the file.
    """
    with path.open("rb") as file:
        start = file.read(10)
        size = file.seek(0, 2)
    if start[:3] == b"ID3" and len(start) == 10:
        size -= 10 + sum(byte << shift for byte, shift in zip(start[6:], (21, 14, 7, 0)))
    return max(size, 0) * 8 / seconds


def compression_level(subtype: str, bits: float, sample_rate: int, channels: int) -> float | None:
    """The setting of an encoder that gives about as many bits a second.

    Args:
        subtype: codec, as libsndfile names it.
        bits: a second, wanted.
        sample_rate: Hz.
        channels: how many.

    Returns:
        0 to 1; None where the codec has no such setting.

    Example:
        >>> round(320 - compression_level("MPEG_LAYER_III", 128e3, 44100, 2) * 288)
        128
    """
    if subtype == "MPEG_LAYER_III":
        most, least = (320e3, 32e3) if sample_rate >= 32_000 else (160e3, 8e3)
        level = (most - bits) / (most - least)
    elif subtype == "OPUS":
        level = (256e3 - bits / channels) / 250e3
    elif subtype == "VORBIS":
        at_44100_stereo = bits / 1000 * 2 / channels * 44_100 / sample_rate
        level = 1 - float(np.interp(at_44100_stereo, VORBIS_KBITS, np.arange(11) / 10))
    else:
        return None
    return min(max(level, 0.0), LARGEST_LEVEL)
