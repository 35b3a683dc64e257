"""Files that are whole and yet odd: samples that are no numbers, sizes at the edge, headers that claim a year."""

import io
import struct
from collections.abc import Iterator

import numpy as np
import soundfile
from kinds import speech

RATE = 16000
YEAR = 365 * 86400  # s


def waveforms() -> Iterator[tuple[str, str, bytes]]:
    """Name, extension and content of files with odd samples."""
    second = speech(RATE, 1.0).astype(np.float32)
    odd = {
        "one NaN": _with(second, np.nan), "all NaN": np.full(RATE, np.nan), "one Inf": _with(second, np.inf),
        "one -Inf": _with(second, -np.inf), "one 1e30": _with(second, 1e30), "all 1e30": np.full(RATE, 1e30),
        "at 1e9": 1e9 * second, "at 1e-9": 1e-9 * second, "denormal": np.full(RATE, 1e-42),
        "DC 1": np.ones(RATE), "DC 0.5 and speech": np.clip(0.5 + 0.5 * second, -1, 1), "one sample": np.array([0.5]),
        "two samples": np.array([0.5, -0.5]), "one zero": np.zeros(1), "all zero": np.zeros(RATE),
        "square, full scale": np.sign(np.sin(np.arange(RATE) / 9) + 1e-9),
        "alternating, full scale": np.where(np.arange(RATE) % 2, 1.0, -1.0), "white noise, full scale": _noise(RATE),
        "infrasound 2 Hz": np.sin(2 * np.pi * 2 * np.arange(RATE) / RATE),
        "a click in silence": _with(np.zeros(RATE), 1),
        "zero but the last": _with(np.zeros(RATE), 0.1, -1),
    }  # fmt: skip
    for name, samples in odd.items():
        for container, subtype, suffix in (("WAV", "FLOAT", "wav"), ("WAV", "DOUBLE", "wav"), ("AU", "FLOAT", "au")):
            yield f"{name}, {subtype}", suffix, _file(samples, RATE, container, subtype)
        if np.abs(samples).max() <= 1:  # false for NaN as well
            for container, subtype in (
                ("WAV", "PCM_16"),
                ("FLAC", "PCM_24"),
                ("OGG", "VORBIS"),
                ("MP3", "MPEG_LAYER_III"),
            ):
                suffix = container.lower()
                yield f"{name}, {subtype}", suffix, _file(samples, RATE, container, subtype)
    for rate in (1, 3999, 4000, 7919, 11025, 44100, 192000, 768000, 768001, 2**31 - 1):
        yield f"at {rate} Hz", "wav", _file(second, rate, "WAV", "PCM_16")
    for channels in (1, 3, 6, 8, 64, 65, 255, 1024):
        many = np.repeat(second[:4000, None], channels, axis=1)
        yield f"{channels} channels", "wav", _file(many, RATE, "WAV", "PCM_16")


def no_audio() -> Iterator[tuple[str, str, bytes]]:
    """Name, extension and content of what is no audio file at all."""
    rng = np.random.default_rng(0)
    for suffix in ("wav", "flac", "mp3", "ogg", "aiff", "m4a", "raw", "txt", "caf"):
        yield "nothing", suffix, b""
        yield "one byte", suffix, b"R"
        yield "text", suffix, b"dear diary,\ntoday I recorded nothing\n" * 20
        yield "zeros", suffix, bytes(4096)
        yield "random bytes", suffix, rng.bytes(5000)
    for magic in (b"RIFF", b"fLaC", b"OggS", b"FORM", b"caff", b"ID3\x04", b"\xff\xfb\x90\x00", b".snd", b"RF64"):
        yield "a magic word and random bytes", "wav", magic + rng.bytes(3000)
        yield "a magic word alone", "wav", magic


def claims() -> Iterator[tuple[str, str, bytes]]:
    """Name, extension and content of files of a kilobyte that claim a year."""
    samples = speech(8000, 0.05)
    content = bytearray(_file(samples, 8000, "WAV", "PCM_16"))
    content[4:8] = content[40:44] = struct.pack("<I", 0xFFFFFFF0)
    yield "WAV claims 3 days", "wav", bytes(content)
    content = bytearray(_file(samples, 8000, "AU", "PCM_16"))
    content[8:12] = struct.pack(">I", 0xFFFFFFF0)
    yield "AU claims 3 days", "au", bytes(content)
    content = bytearray(_file(samples, 8000, "W64", "PCM_16"))
    at = content.index(bytes.fromhex("64617461f3acd311"))
    content[at + 16 : at + 24] = struct.pack("<Q", YEAR * 16000)
    yield "W64 claims a year", "w64", bytes(content)
    content = bytearray(_file(samples, 8000, "RF64", "PCM_16"))
    at = content.index(b"ds64")
    content[at + 8 : at + 32] = struct.pack("<QQQ", YEAR * 16000 + 72, YEAR * 16000, YEAR * 8000)
    yield "RF64 claims a year", "rf64", bytes(content)
    content = bytearray(_file(samples, 8000, "CAF", "PCM_16"))
    at = content.index(b"data")
    content[at + 4 : at + 12] = struct.pack(">Q", YEAR * 16000)
    yield "CAF claims a year", "caf", bytes(content)
    content = bytearray(_file(samples, 8000, "FLAC", "PCM_16"))
    content[18:26] = (int.from_bytes(content[18:26], "big") | (1 << 36) - 1).to_bytes(8, "big")
    yield "FLAC claims 99 days", "flac", bytes(content)
    content = bytearray(_file(samples, 8000, "MP3", "MPEG_LAYER_III"))
    at = max(content.find(b"Xing"), content.find(b"Info"))
    content[at + 8 : at + 12] = struct.pack(">I", 0x7FFFFFFF)
    yield "MP3 claims 5 years", "mp3", bytes(content)
    for suffix, subtype in (("ogg", "VORBIS"), ("opus", "OPUS")):
        content = bytearray(_file(samples, 8000, "OGG", subtype))
        at = content.rindex(b"OggS")
        content[at + 6 : at + 14], content[at + 22 : at + 26] = struct.pack("<Q", YEAR * 48000), bytes(4)
        content[at + 22 : at + 26] = struct.pack("<I", _ogg_checksum(content[at:]))
        yield f"{subtype} claims a year", suffix, bytes(content)


def _file(samples: np.ndarray, rate: int, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()


def _with(samples: np.ndarray, value: float, at: int = 8000) -> np.ndarray:
    changed = samples.copy()
    changed[at] = value
    return changed


def _noise(length: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, length)


def _ogg_checksum(page: bytes) -> int:
    """RFC 3533: CRC-32 with the polynomial 04c11db7, not reflected."""
    checksum = 0
    for byte in page:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum >> 31 else 0)) & 0xFFFFFFFF
    return checksum
