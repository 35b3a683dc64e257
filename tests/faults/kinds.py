"""Real files of every format, made in memory from real speech.

A format is a name, an extension and what makes a file of it; whoever can write more (PyAV) appends to `FORMATS`.
"""

import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

SPEECH = Path(__file__).parents[2] / "examples" / "audio" / "kitchen-0db.degraded.flac"
SUFFIXES = {
    "AIFF": "aiff", "AU": "au", "AVR": "avr", "CAF": "caf", "FLAC": "flac", "HTK": "htk", "IRCAM": "sf", "MAT4": "mat",
    "MAT5": "mat", "MP3": "mp3", "MPC2K": "snd", "NIST": "sph", "OGG": "ogg", "PAF": "paf", "PVF": "pvf",
    "RF64": "rf64", "SDS": "sds", "SVX": "svx", "VOC": "voc", "W64": "w64", "WAV": "wav", "WAVEX": "wav", "WVE": "wve",
    "XI": "xi",
}  # fmt: skip
NEITHER = {"RAW", "SD2"}  # no header; two files that belong together
MONO = {"HTK", "SVX", "XI", "WVE", "GSM610", "G721_32", "G723_24", "G723_40", "NMS_ADPCM_16", "NMS_ADPCM_24",
        "NMS_ADPCM_32", "VOX_ADPCM", "SDS", "DWVW_12", "DWVW_16", "DWVW_24"}  # fmt: skip


@dataclass(frozen=True)
class Format:
    """What kind of file.

    Attributes:
        name: of container and codec.
        suffix: without its dot.
        make: samples [time, channels] and a rate to the bytes of a file.
        channels: how many it holds.
        rate: Hz.
    """

    name: str
    suffix: str
    make: Callable[[np.ndarray, int], bytes]
    channels: int
    rate: int

    def file(self, seconds: float = 0.7) -> bytes:
        """Speech as a file."""
        samples = speech(self.rate, seconds)
        return self.make(np.stack([samples, 0.5 * samples][: self.channels], axis=1), self.rate)


@functools.cache
def speech(rate: int, seconds: float) -> np.ndarray:
    """A piece of a recording, at any rate: [time], played a little faster or slower where the rate is another."""
    samples, _ = soundfile.read(SPEECH, dtype="float64")
    return np.resize(samples[8000:], round(rate * seconds))


def with_libsndfile(samples: np.ndarray, rate: int, *, container: str, subtype: str) -> bytes:
    """A file that libsndfile writes."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()


@functools.cache
def of_libsndfile() -> list[Format]:
    """All formats that the installed libsndfile writes."""
    formats = []
    for container in sorted(soundfile.available_formats().keys() - NEITHER):
        for subtype in sorted(soundfile.available_subtypes(container)):
            channels = 1 if {container, subtype} & MONO else 2
            rate = 48000 if subtype == "OPUS" else 8000 if container == "WVE" else 16000
            make = functools.partial(with_libsndfile, container=container, subtype=subtype)
            made = Format(f"{container} {subtype}", SUFFIXES.get(container, "snd"), make, channels, rate)
            if _is_written(made):
                formats.append(made)
    return formats


def _is_written(made: Format) -> bool:
    """Whether libsndfile writes what it lists: it knows a few formats that it only reads."""
    try:
        return len(made.file(0.1)) > 0
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, AssertionError):
        return False


FORMATS: list[Callable[[], list[Format]]] = [of_libsndfile]


def formats() -> list[Format]:
    """Every format that can be made here."""
    return [made for source in FORMATS for made in source()]
