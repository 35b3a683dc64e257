"""What works here, what is missing, and the command that brings it: facts for a bug report, each of them tried out.

No check may break another, or the report: what fails is a line of it. So nothing but Python's own is imported above.
"""

import importlib
import importlib.metadata
import io
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rephase import __version__

PACKAGES = ("numpy", "soundfile", "soxr", "onnxruntime", "onnxruntime-gpu", "typer", "av", "torch", "safetensors")
NEEDED = ("numpy", "soundfile", "soxr", "onnxruntime", "typer")
# What a format stands for in PyAV: container, encoder, rate.
MEDIA_FORMATS = {
    "M4A, MP4, MOV (AAC)": ("mp4", "aac", 44100), "ALAC": ("mp4", "alac", 44100),
    "MKV (FLAC)": ("matroska", "flac", 44100), "WEBM (Opus)": ("webm", "libopus", 48000),
    "WMA, WMV": ("asf", "wmav2", 44100), "AVI, FLV (MP3)": ("avi", "libmp3lame", 44100),
    "TS, MPG (MP2)": ("mpegts", "mp2", 48000), "AC3": ("matroska", "ac3", 48000),
    "AMR": ("amr", "libopencore_amrnb", 8000),
}  # fmt: skip
READ_ONLY = {"AMR-WB": "amrwb", "WMA Pro": "wmapro", "Monkey's Audio": "ape", "DTS": "dca", "HE-AAC": "aac"}


@dataclass(frozen=True)
class Finding:
    """A line of the report.

    Attributes:
        topic: what it is about.
        words: what was found.
    """

    topic: str
    words: str


def examine() -> Iterator[Finding]:
    """Looks at everything that enhancing needs.

    Yields:
        Findings, as they are made; the proof comes last.
    """
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "rephase": _self,
        "system": _system,
        "packages": _packages,
        "ffmpeg": _ffmpeg,
        "runtimes": _runtimes,
        "models": _models,
        "formats": _formats,
        "media": _media_formats,
        "missing": _missing,
        "proof": _proof,
    }
    for topic, check in checks.items():
        try:
            for words in check():
                yield Finding(topic, " ".join(words.split()))
        except Exception as error:  # noqa: BLE001 - a report on what is broken must not break
            yield Finding(topic, " ".join(f"FAILS: {type(error).__name__}: {error}".split()))


def _self() -> Iterator[str]:
    yield __version__


def _system() -> Iterator[str]:
    from rephase.runtimes.cores import available_cores

    yield f"{platform.python_implementation()} {platform.python_version()}, {platform.platform()}, {platform.machine()}"
    yield f"{available_cores()} of {os.cpu_count()} cores"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[str]:
    found = [f"{package} {version}" for package in PACKAGES if (version := _version(package))]
    yield ", ".join(found)
    import soundfile

    yield f"libsndfile {soundfile.__libsndfile_version__}"


def _ffmpeg() -> Iterator[str]:
    from rephase.audio.media.library import load_av

    if _version("av") is None:
        return
    av = load_av()
    versions = ", ".join(f"{name} {'.'.join(map(str, version))}" for name, version in av.library_versions.items())
    yield f"{getattr(av, 'ffmpeg_version_info', 'of PyAV')}: {versions}"


def _runtimes() -> Iterator[str]:
    import onnxruntime

    providers = [name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers()]
    yield f"onnx on {', '.join(providers)}"
    if _version("torch") is None:
        return
    torch = importlib.import_module("torch")
    devices = ["CPU", *(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))]
    devices += ["MPS"] if torch.backends.mps.is_available() else []
    yield f"torch {torch.__version__} on {', '.join(devices)}"


def _models() -> Iterator[str]:
    from rephase.weights import list_models

    for model in list_models():
        if model.has_weights:
            sizes = [len(model.verified_bytes(name)) for name in sorted(model.files)]
            yield f"{model.name} {model.version}: {sum(sizes) / 1e6:.1f} MB in {len(sizes)} files, hashes right"


def _formats() -> Iterator[str]:
    from rephase.audio.formats import CONTAINERS

    works: list[str] = []
    fails: list[str] = []
    for container in dict.fromkeys(CONTAINERS.values()):
        (works if _round_trip(container) else fails).append(container)
    works += ["Opus"] if _round_trip("OGG", "OPUS") else []
    yield f"read and written: {', '.join(works)}"
    if fails:
        yield f"not in this libsndfile: {', '.join(fails)}: pip install --upgrade soundfile"


def _round_trip(container: str, subtype: str | None = None) -> bool:
    import numpy as np
    import soundfile

    tone = np.sin(np.arange(9600) / 7).astype(np.float32) / 4
    file = io.BytesIO()
    try:
        soundfile.write(file, tone, 48000, format=container, subtype=subtype)
        file.seek(0)
        return len(soundfile.read(file)[0]) == len(tone)
    except (soundfile.SoundFileError, RuntimeError, ValueError):
        return False


def _media_formats() -> Iterator[str]:
    from rephase.audio.media.library import EXTRA, has_av

    if not has_av():
        yield f"none: M4A, WMA, AMR and video need PyAV: {EXTRA}"
        return
    works = [name for name, how in MEDIA_FORMATS.items() if _media_round_trip(*how)]
    yield f"read and written: {', '.join(works)}"
    yield f"read: {', '.join(name for name, decoder in READ_ONLY.items() if _decodes(decoder))}"
    fails = [name for name in MEDIA_FORMATS if name not in works]
    if fails:
        yield f"not in this PyAV: {', '.join(fails)}; results get the nearest container"


def _media_round_trip(muxer: str, encoder: str, rate: int) -> bool:
    from rephase.audio.media.codecs import configured
    from rephase.audio.media.library import load_av

    av = load_av()
    file = io.BytesIO()
    try:
        with av.open(file, "w", format=muxer) as output:
            stream = output.add_stream(encoder, rate=rate)
            sample_format = stream.codec_context.codec.audio_formats[0].name
            configured(encoder, "mono", sample_format, rate, 64_000, stream.codec_context)
            frame = av.AudioFrame(format=sample_format, layout="mono", samples=rate // 4)
            frame.sample_rate, frame.pts = rate, 0
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            output.mux([*stream.encode(frame), *stream.encode(None)])
        file.seek(0)
        with av.open(file) as written:
            return sum(frame.samples for frame in written.decode(audio=0)) >= rate // 8
    except (av.error.FFmpegError, ValueError, LookupError):
        return False


def _decodes(decoder: str) -> bool:
    from rephase.audio.media.library import load_av

    try:
        load_av().codec.Codec(decoder, "r")
    except (ValueError, LookupError):
        return False
    return True


def _missing() -> Iterator[str]:
    for package in NEEDED:
        if _version(package) is None and not (package == "onnxruntime" and _version("onnxruntime-gpu")):
            yield f"{package}: install rephase again from its checkout"
    for package, extra, what in (
        ("av", "media", "video, M4A, WMA, AMR"),
        ("torch", "torch", "runtime torch and export"),
    ):
        if _version(package) is None:
            yield f"{what}: pip install 'rephase[{extra}]'"


def _proof() -> Iterator[str]:
    import numpy as np

    from rephase.enhancer import Enhancer

    enhancer = Enhancer.from_pretrained()
    rng = np.random.default_rng(0)
    time_s = np.arange(48_000) / 48_000
    voice = np.sin(2 * np.pi * 150 * time_s) * (1 + np.sin(2 * np.pi * 4 * time_s)) / 8
    noisy = (voice + 0.02 * rng.standard_normal(voice.size)).astype(np.float32)
    started = time.perf_counter()
    enhanced = enhancer.enhance(noisy, 48_000)
    seconds = time.perf_counter() - started
    if enhanced.shape != noisy.shape or not np.isfinite(enhanced).all() or np.array_equal(enhanced, noisy):
        yield "FAILS: the model gave something that can't be: install rephase again from its checkout"
        return
    where = f"{enhancer.runtime.name} ({enhancer.runtime.device})"
    yield f"{enhancer.model.name} on {where} enhanced 1 s of sound at 48 kHz in {seconds:.2f} s"
