"""How an audio track is written again: as it was where that can be, else in the nearest way.

Codec, layout of channels, sample format and bit rate follow the recording. Nothing
here is believed: an encoder is taken when it opens with the very settings that the track would have.
"""

import contextlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from rephase.audio.files import INTEGER_BITS, AudioInfo
from rephase.audio.media.containers import Container
from rephase.audio.media.library import load_av, words_of
from rephase.errors import OutputError

# Encoders that have another name than their codec.
ENCODER_OF = {
    "mp3": ("libmp3lame",), "opus": ("libopus",), "amr_nb": ("libopencore_amrnb",), "vorbis": ("libvorbis",),
    "wmapro": ("wmav2",), "wmav1": ("wmav1", "wmav2"), "wmavoice": ("wmav2",), "wmalossless": (),
}  # fmt: skip
CODEC_OF_SUBTYPE = {
    "PCM_S8": "pcm_s8", "PCM_U8": "pcm_u8", "PCM_16": "pcm_s16le", "PCM_24": "pcm_s24le", "PCM_32": "pcm_s32le",
    "FLOAT": "pcm_f32le", "DOUBLE": "pcm_f64le", "ULAW": "pcm_mulaw", "ALAW": "pcm_alaw", "MPEG_LAYER_III": "mp3",
    "MPEG_LAYER_II": "mp2", "VORBIS": "vorbis", "OPUS": "opus", "ALAC_16": "alac", "ALAC_24": "alac",
}  # fmt: skip
LAYOUTS = {
    1: ("mono",), 2: ("stereo",), 3: ("3.0", "2.1"), 4: ("4.0", "quad"), 5: ("5.0",), 6: ("5.1", "5.1(side)"),
    7: ("6.1",), 8: ("7.1",),
}  # fmt: skip
BITS_PER_CHANNEL = {  # a second, where there is no bit rate to follow: none of these takes anything from speech
    "aac": 96_000, "mp3": 96_000, "opus": 64_000, "mp2": 128_000, "ac3": 128_000, "eac3": 96_000, "wmav2": 96_000,
    "wmav1": 96_000, "amr_nb": 12_200,
}  # fmt: skip
LEAST_BITS = {"HE-AAC": 48_000, "HE-AACv2": 32_000}  # a channel: these profiles do with less than our encoder
MPEG_LAYER_2 = tuple(1000 * kbits for kbits in (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384))
AC3 = tuple(
    1000 * kbits for kbits in (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
)
STEPS = {"mp2": MPEG_LAYER_2, "ac3": AC3}  # encoders that take these bit rates only
RATES = {"amr_nb": [8000]}  # encoders that open at any rate and then take these alone
REAL_DELAY = {"libopencore_amrnb": 40}  # samples; measured, the encoder itself says 50
BITS_OF_CODEC = {"alac": 24, "flac": 24}  # of samples in s32; what lies below is not kept


@dataclass(frozen=True)
class MediaFormat:
    """How an audio track is written.

    Attributes:
        container: the muxer.
        encoder: ffmpeg's name of it.
        codec: ffmpeg's name of the codec.
        sample_format: that the encoder takes.
        layout: of the channels.
        sample_rate: Hz.
        bit_rate: bits a second; 0 leaves it to the encoder.
        bits: of an integer sample; None for floats and lossy codecs.
        has_headroom: whether samples beyond full scale survive.
        notice: what the user should know about the choice, in one line; may be empty.
    """

    container: Container
    encoder: str
    codec: str
    sample_format: str
    layout: str
    sample_rate: int
    bit_rate: int = 0
    bits: int | None = None
    has_headroom: bool = False
    notice: str = ""

    @property
    def words(self) -> str:
        """Container and codec."""
        return f"{self.container.muxer} {self.codec}"

    @property
    def lossy_codec(self) -> str:
        """The codec, where it is a lossy one; else empty."""
        return self.codec if self.bits is None and not self.has_headroom else ""

    @property
    def top(self) -> float:
        """The largest sample that fits where there is no headroom."""
        return 1 - 2.0 ** (1 - self.bits) if self.bits else 1.0


def has_encoder(name: str) -> bool:
    """Whether PyAV's ffmpeg has an encoder.

    Args:
        name: ffmpeg's name of it.

    Returns:
        True if it is there.
    """
    try:
        load_av().codec.Codec(name, "w")
    except (ImportError, ValueError, LookupError):
        return False
    return True


def choose_media_format(
    source: AudioInfo, container: Container, target: Path, sample_rate: int, *, rate_asked_for: bool = False
) -> MediaFormat:
    """Chooses how to write an audio track.

    Args:
        source: the recording's track.
        container: of the result.
        target: where the result goes.
        sample_rate: of the result, Hz; where the codec can't hold it, the next higher rate that it holds is taken.
        rate_asked_for: whether the user chose that rate; another is refused then.

    Returns:
        The recording's own codec if there is an encoder for it and the container holds it, else the container's best.

    Raises:
        OutputError: if none of the container's codecs holds this rate or number of channels.
    """
    own = _own_codec(source)
    reasons = []
    for encoder in dict.fromkeys([*_own_encoders(own, source, container), *container.codecs]):
        if not has_encoder(encoder):
            continue
        codec = load_av().codec.Codec(encoder, "w")
        rate = _nearest_rate(codec, sample_rate)
        if rate != sample_rate and rate_asked_for:
            reasons.append(f"{codec.canonical_name} can't hold {sample_rate} Hz")
            continue
        if not _holds(container, codec):
            continue
        found = _opens(source, container, codec, rate)
        if isinstance(found, str):
            reasons.append(found)
            continue
        notices = []
        if codec.canonical_name != own and not _was_chosen(source, target):
            notices.append(f"written with {codec.canonical_name}, because there is no way to write {own} here")
        if rate != sample_rate:
            notices.append(f"written at {rate} Hz, because {codec.canonical_name} can't hold {sample_rate} Hz")
        return MediaFormat(**found, notice="; ".join(notices))
    reason = [*reasons, "no encoder"][0]
    raise OutputError(
        f"can't write {source.channels} channels at {sample_rate} Hz there ({reason}); {target}; "
        f"choose a .mka or .wav target, or another output rate"
    )


def _own_codec(source: AudioInfo) -> str:
    if source.media is not None:
        return source.media.codec
    return CODEC_OF_SUBTYPE.get(source.subtype, source.subtype.lower())


def _was_chosen(source: AudioInfo, target: Path) -> bool:
    """Whether the user named another kind of file, and so another codec."""
    return target.suffix.lower() != source.path.suffix.lower() and _encodable(_own_codec(source))


def _encodable(codec: str) -> bool:
    return any(has_encoder(encoder) for encoder in ENCODER_OF.get(codec, (codec,)))


def _own_encoders(codec: str, source: AudioInfo, container: Container) -> tuple[str, ...]:
    """Encoders of the recording's own codec.

    Plain PCM in MP4 and its like is something that few players know: it goes there only if it was there already.
    """
    if container.keeps and codec not in container.keeps:
        return ()
    if codec.startswith("pcm_") and container.muxer in ("mp4", "3gp", "3g2", "flv", "mpegts"):
        there = source.media is not None and container.muxer in source.media.demuxer.split(",")
        if not there or source.path.suffix.lower() == ".mov":
            return ()
    return ENCODER_OF.get(codec, (codec,))


def _holds(container: Container, codec: Any) -> bool:
    if container.holds:
        return codec.canonical_name in container.holds
    return codec.name in supported_codecs(container.muxer)


def supported_codecs(muxer: str) -> set[str]:
    """What a muxer takes.

    Args:
        muxer: ffmpeg's name of it.

    Returns:
        Names of encoders and decoders of the codecs that it takes.
    """
    import io

    with contextlib.closing(load_av().open(io.BytesIO(), "w", format=muxer)) as output:
        return set(output.supported_codecs)


def _nearest_rate(codec: Any, sample_rate: int) -> int:
    rates = RATES.get(codec.canonical_name) or codec.audio_rates
    if not rates or sample_rate in rates:
        return sample_rate
    return min((rate for rate in rates if rate > sample_rate), default=max(rates))


def _opens(source: AudioInfo, container: Container, codec: Any, rate: int) -> dict[str, Any] | str:
    """The settings with which an encoder opens; else why none do."""
    av = load_av()
    reason = "no encoder"
    for layout in _layouts(source):
        for sample_format in _sample_formats(source, codec):
            for bit_rate in _bit_rates(source, codec):
                settings = {
                    "container": container, "encoder": codec.name, "codec": codec.canonical_name,
                    "sample_format": sample_format, "layout": layout, "sample_rate": rate, "bit_rate": bit_rate,
                    "bits": _bits(codec.canonical_name, sample_format, codec.lossless),
                    "has_headroom": codec.lossless and sample_format.removesuffix("p") in ("flt", "dbl"),
                }  # fmt: skip
                try:
                    configured(codec.name, layout, sample_format, rate, bit_rate).open()
                except (av.error.FFmpegError, ValueError) as error:
                    reason = f"{codec.canonical_name}: {words_of(error)}"
                else:
                    return settings
    return reason


def configured(encoder: str, layout: str, sample_format: str, rate: int, bit_rate: int, context: Any = None) -> Any:
    """An encoder with its settings, not yet opened.

    Args:
        encoder: ffmpeg's name of it.
        layout: of the channels.
        sample_format: ffmpeg's name.
        rate: Hz.
        bit_rate: bits a second; 0 leaves it to the encoder.
        context: of a stream of an output; a new one by default.

    Returns:
        The codec context.
    """
    context = context or load_av().CodecContext.create(encoder, "w")
    context.layout, context.format, context.sample_rate = layout, sample_format, rate
    context.time_base = Fraction(1, rate)
    if bit_rate:
        context.bit_rate = bit_rate
    # One thread: the model has the cores. Experimental: vorbis, where nothing better is there.
    context.options = {"strict": "experimental"}
    context.thread_count = 1
    return context


def _layouts(source: AudioInfo) -> list[str]:
    usual = LAYOUTS.get(source.channels, (f"{source.channels}C",))
    own = source.media.layout if source.media is not None else ""
    known = [own] if own and not own.endswith("channels") else []
    return list(dict.fromkeys([*known, *usual]))


def _sample_formats(source: AudioInfo, codec: Any) -> list[str]:
    offered = [sample_format.name for sample_format in codec.audio_formats or []]
    if not codec.lossless:
        order = ["fltp", "flt", "s16p", "s16", "s32p", "s32"]
    elif source.subtype == "DOUBLE":
        order = ["dbl", "dblp", "flt", "fltp", "s32", "s32p", "s16", "s16p"]
    elif source.subtype == "FLOAT":
        order = ["flt", "fltp", "s32", "s32p", "s16", "s16p"]
    elif INTEGER_BITS.get(source.subtype, 16) > 16:
        order = ["s32", "s32p", "s16", "s16p"]
    elif source.subtype in ("PCM_U8", "PCM_S8"):
        order = ["u8", "u8p", "s16", "s16p", "s32", "s32p"]
    else:
        order = ["s16", "s16p", "s32", "s32p"]
    return [sample_format for sample_format in order if sample_format in offered] or offered


def _bits(codec: str, sample_format: str, lossless: bool) -> int | None:
    plain = sample_format.removesuffix("p")
    if not lossless or plain in ("flt", "dbl"):
        return None
    if codec in ("pcm_alaw", "pcm_mulaw"):
        return 16
    if plain == "s32":
        return 24 if codec.startswith(("pcm_s24", "pcm_u24")) else BITS_OF_CODEC.get(codec, 32)
    return {"u8": 8, "s16": 16}[plain]


def _bit_rates(source: AudioInfo, codec: Any) -> list[int]:
    """Bit rates to try, the best first."""
    if codec.lossless or codec.canonical_name == "wavpack":
        return [0]
    per_channel = BITS_PER_CHANNEL.get(codec.canonical_name, 96_000)
    wanted = per_channel * source.channels
    track = source.media
    if track is not None and track.codec == codec.canonical_name and track.bit_rate:
        wanted = max(track.bit_rate, LEAST_BITS.get(track.profile, 0) * source.channels)
    steps = STEPS.get(codec.canonical_name)
    if steps:
        wanted = min(steps, key=lambda step: abs(step - wanted))
    return [wanted, per_channel * source.channels, per_channel, 0]
