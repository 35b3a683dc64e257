"""Which container and sample format a result gets: the recording's own where it can be written, else the nearest."""

from dataclasses import dataclass
from pathlib import Path

import soundfile

from rephase.audio.bit_rates import bit_rate, compression_level
from rephase.audio.files import INTEGER_BITS, AudioInfo
from rephase.errors import OutputError

CONTAINERS = {
    ".wav": "WAV", ".wave": "WAV", ".w64": "W64", ".rf64": "RF64", ".aif": "AIFF", ".aiff": "AIFF", ".aifc": "AIFF",
    ".caf": "CAF", ".flac": "FLAC", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".mp3": "MP3", ".au": "AU",
    ".snd": "AU",
}  # fmt: skip
SAME_FILE_TYPE = {"WAVEX": "WAV", "RF64": "WAV"}  # variants that share an extension
FLOATS = {"FLOAT": 32, "DOUBLE": 64}
LOSSY_SUBTYPES = {"VORBIS", "OPUS", "MPEG_LAYER_III"}
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)  # Hz
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # Hz
LARGEST_WAV = 4_000_000_000  # bytes; sizes in its header have 32 bits


@dataclass(frozen=True)
class AudioFormat:
    """How samples are stored.

    Attributes:
        format: container, as libsndfile names it.
        subtype: sample format or codec.
        notice: what the user should know about the choice, in one line; empty if the recording's own was kept.
        compression_level: of lossy codecs, 0 (large) to 1 (small); the encoder's own choice if None.
    """

    format: str
    subtype: str
    notice: str = ""
    compression_level: float | None = None

    @property
    def bitrate_mode(self) -> str | None:
        """How libsndfile spends bits where it asks; only its MP3 encoder does."""
        # Average and not constant: at low constant rates the frame that tells the encoder's delay finds no place.
        return "AVERAGE" if self.subtype == "MPEG_LAYER_III" and self.compression_level is not None else None

    @property
    def bits(self) -> int | None:
        """Bits of an integer sample; None if samples are written as floats."""
        return INTEGER_BITS.get(self.subtype)

    @property
    def words(self) -> str:
        """Container and codec."""
        return f"{self.format} {self.subtype}"

    @property
    def lossy_codec(self) -> str:
        """The codec, where it is a lossy one; else empty."""
        return self.subtype if self.subtype in LOSSY_SUBTYPES else ""

    @property
    def has_headroom(self) -> bool:
        """Whether samples beyond full scale survive."""
        return self.subtype in FLOATS

    @property
    def top(self) -> float:
        """The largest sample that fits where there is no headroom: 1 − 2^(1−b) for integers of b bits."""
        return 1 - 2.0 ** (1 - self.bits) if self.bits else 1.0


def target_suffix(source: Path) -> str:
    """The extension for a result that is named after its recording.

    Args:
        source: the recording's file name.

    Returns:
        Its own extension if that stands for a container that can be written, else the nearest that can.

    Example:
        >>> target_suffix(Path("talk.MP3")), target_suffix(Path("talk.voc"))
        ('.MP3', '.wav')
    """
    if source.suffix.lower() in CONTAINERS:
        return source.suffix
    from rephase.audio.media.containers import media_suffix
    from rephase.audio.media.library import has_av

    return (media_suffix(source) if has_av() else None) or ".wav"


def choose_format(source: AudioInfo, target: Path, sample_rate: int) -> AudioFormat:
    """Chooses how to write a result.

    Args:
        source: the recording.
        target: where the result goes; its extension names the container.
        sample_rate: of the result, Hz.

    Returns:
        The recording's own format if the container is the same and it can be written, else the one that keeps most.

    Raises:
        OutputError: if the extension stands for no container that can be written, or that can't hold this rate or
            number of channels.
    """
    container = CONTAINERS.get(target.suffix.lower())
    if container is None:
        raise OutputError(
            f"can't write {target.suffix or 'a file without an extension'}; {target}; "
            f"choose a name that ends in one of {' '.join(CONTAINERS)} .m4a .aac .wma .mp4 .mov .mkv .webm"
            + ("" if target.suffix else f", or a folder: {target}/")
        )
    if container == SAME_FILE_TYPE.get(source.format):
        container = source.format
    subtype = _nearest_subtype(source, container, target)
    _check_capacity(container, subtype, target, sample_rate, source.channels)
    notice = ""
    asked_for = container != source.format and subtype in LOSSY_SUBTYPES  # who names an MP3 knows what that is
    if subtype != source.subtype and not asked_for and (container == source.format or _loses(source.subtype, subtype)):
        notice = f"samples are written as {subtype}, because {container} can't be written with {source.subtype}"
    if container in ("WAV", "WAVEX") and source.seconds * sample_rate * source.channels * _bytes(subtype) > LARGEST_WAV:
        container, notice = "RF64", "written as RF64, because a plain WAV file ends at 4 GB"
    level = None
    if subtype == source.subtype and subtype in LOSSY_SUBTYPES and source.seconds and source.path.is_file():
        bits = bit_rate(source.path, source.seconds)
        level = compression_level(subtype, bits, sample_rate, source.channels)
    return AudioFormat(container, subtype, notice, level)


def _nearest_subtype(source: AudioInfo, container: str, target: Path) -> str:
    if target.suffix.lower() == ".opus":
        return "OPUS"
    lossy_elsewhere = source.subtype in LOSSY_SUBTYPES and container != source.format  # MP3 in a WAV: few can read it
    wanted = [] if lossy_elsewhere else [source.subtype]
    if source.subtype in FLOATS:
        wanted += ["FLOAT", "PCM_24"]
    elif INTEGER_BITS.get(source.subtype, 16) > 24:
        wanted += ["PCM_32", "PCM_24"]
    elif INTEGER_BITS.get(source.subtype, 16) > 16:
        wanted += ["PCM_24", "PCM_32"]
    known = INTEGER_BITS.keys() | FLOATS | LOSSY_SUBTYPES  # telephone codecs change the length or can't be written
    for subtype in [*wanted, "PCM_16"]:
        if subtype in known and soundfile.check_format(container, subtype):
            return subtype
    return soundfile.default_subtype(container)


def _loses(before: str, after: str) -> bool:
    """Whether a lossless sample format is replaced by another with less in it."""
    if before not in FLOATS and before not in INTEGER_BITS:
        return False
    bits = INTEGER_BITS | {"FLOAT": 33, "DOUBLE": 65}
    return bits[after] < bits[before]


def _check_capacity(container: str, subtype: str, target: Path, sample_rate: int, channels: int) -> None:
    if container == "MP3":
        holds_rate, most, what = sample_rate in MP3_RATES, 2, "MP3"
    elif subtype == "OPUS":
        holds_rate, most, what = sample_rate in OPUS_RATES, 255, "Opus"
    elif container == "FLAC":
        holds_rate, most, what = sample_rate <= 655_350, 8, "FLAC"
    elif container == "OGG":
        holds_rate, most, what = sample_rate <= 200_000, 255, "OGG"
    else:
        return
    if not holds_rate:
        raise OutputError(f"{what} can't hold {sample_rate} Hz; {target}; choose a .wav target or another output rate")
    if channels > most:
        raise OutputError(f"{what} can't hold {channels} channels, at most {most}; {target}; choose a .wav target")


def _bytes(subtype: str) -> int:
    return -(-(INTEGER_BITS | FLOATS).get(subtype, 16) // 8)
