"""Which of ffmpeg's muxers writes a file of some extension, and what its containers can say about time.

A lossy encoder begins with some samples of its own (priming). `signals`: the container says how many, and players leave
them out. `stamps`: it doesn't, but each packet has its time, so the priming simply lies before the start. `counts`: it
has no times at all, packet n is heard after packet n − 1; there the encoder starts that many samples into the track, so
that the priming takes the place of the track's first 5 to 25 ms and all the rest is in time.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Clock = Literal["signals", "stamps", "counts"]


@dataclass(frozen=True)
class Container:
    """A muxer of ffmpeg.

    Attributes:
        muxer: its name.
        clock: what it says about time.
        codecs: what a track is written with where the recording's own codec can't be kept, the best first; names of
            ffmpeg's encoders.
        holds: codecs that it takes, for muxers that don't say it themselves.
        keeps: the recording's codec is kept if it is one of these; any if empty.
        options: of the muxer.
        several: whether it holds more than one track.
        sound_only: whether its files are for sound, so that nobody expects moving pictures in them.
    """

    muxer: str
    clock: Clock
    codecs: tuple[str, ...]
    holds: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    options: tuple[tuple[str, str], ...] = ()
    several: bool = True
    sound_only: bool = False


def _raw(muxer: str, encoder: str) -> Container:
    """One track and nothing else."""
    return Container(muxer, "counts", (encoder,), several=False, sound_only=True)


_M4A = Container(
    "mp4", "signals", ("aac", "alac"), keeps=frozenset({"aac", "alac", "ac3", "eac3"}), options=(("brand", "M4A "),),
    sound_only=True,
)  # fmt: skip
_MP4 = Container("mp4", "signals", ("aac", "alac"))
_MOV = Container("mov", "signals", ("aac", "pcm_s16le"))
_MKV = Container("matroska", "signals", ("aac", "flac"))
_MKA = Container("matroska", "signals", ("aac", "flac"), sound_only=True)
_WMA = Container(
    "asf", "stamps", ("wmav2", "aac"), keeps=frozenset({"wmav1", "wmav2", "wmapro", "wmavoice"}), sound_only=True
)
_ASF = Container("asf", "stamps", ("wmav2", "aac"))
_MPEGTS = Container(
    "mpegts", "stamps", ("aac", "mp2"),
    holds=frozenset({"aac", "mp2", "mp3", "ac3", "eac3", "opus", "h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4",
                     "dvb_subtitle", "vc1", "dirac"}),
)  # fmt: skip
_MPEG = Container(
    "vob", "stamps", ("mp2", "ac3"),
    holds=frozenset({"mp2", "ac3", "mp1", "mp3", "pcm_dvd", "pcm_s16be", "mpeg1video", "mpeg2video", "h264",
                     "dvd_subtitle"}),
)  # fmt: skip
CONTAINER_OF = {
    ".mp4": _MP4, ".m4v": _MP4, ".f4v": _MP4, ".m4a": _M4A, ".m4b": _M4A, ".mov": _MOV, ".qt": _MOV,
    ".3gp": Container("3gp", "signals", ("aac", "libopencore_amrnb")),
    ".3g2": Container("3g2", "signals", ("aac", "libopencore_amrnb")),
    ".mkv": _MKV, ".mka": _MKA, ".webm": Container("webm", "signals", ("libopus", "vorbis")),
    ".wma": _WMA, ".wmv": _ASF, ".asf": _ASF,
    ".avi": Container("avi", "counts", ("libmp3lame", "pcm_s16le")),
    ".ts": _MPEGTS, ".mts": _MPEGTS, ".m2ts": _MPEGTS, ".m2t": _MPEGTS, ".mpg": _MPEG, ".mpeg": _MPEG, ".vob": _MPEG,
    ".flv": Container("flv", "stamps", ("aac", "libmp3lame")),
    ".mxf": Container("mxf", "counts", ("pcm_s16le", "pcm_s24le")),
    ".aac": _raw("adts", "aac"), ".ac3": _raw("ac3", "ac3"), ".eac3": _raw("eac3", "eac3"), ".mp2": _raw("mp2", "mp2"),
    ".amr": _raw("amr", "libopencore_amrnb"), ".wv": _raw("wv", "wavpack"), ".tta": _raw("tta", "tta"),
}  # fmt: skip
OF_DEMUXER = {
    "mov": _MP4, "matroska": _MKV, "asf": _ASF, "mpegts": _MPEGTS, "mpeg": _MPEG, "avi": CONTAINER_OF[".avi"],
    "flv": CONTAINER_OF[".flv"],
}  # fmt: skip
# What nobody can write goes to the nearest of its kind: lossless to FLAC, lossy to AAC, video to Matroska.
NEAREST_SUFFIX = {
    ".ape": ".flac", ".shn": ".flac", ".ofr": ".flac", ".tak": ".flac", ".mlp": ".flac", ".thd": ".flac",
    ".dsf": ".flac", ".dff": ".flac", ".awb": ".m4a", ".dts": ".m4a", ".mpc": ".m4a", ".ra": ".m4a", ".oma": ".m4a",
    ".aa3": ".m4a", ".qcp": ".m4a", ".mp1": ".mp2", ".weba": ".webm", ".spx": ".ogg", ".rm": ".mkv", ".rmvb": ".mkv",
    ".ogm": ".mkv", ".ogv": ".mkv", ".divx": ".avi", ".nut": ".mkv", ".dv": ".mkv", ".wtv": ".mkv", ".3gpp": ".3gp",
}  # fmt: skip
MEDIA_SUFFIXES = CONTAINER_OF.keys() | NEAREST_SUFFIX.keys()


def container_of(target: Path) -> Container | None:
    """The muxer for a file name.

    Args:
        target: where a result goes.

    Returns:
        The muxer that its extension stands for, or None.
    """
    return CONTAINER_OF.get(target.suffix.lower())


def true_container(container: Container, demuxer: str) -> Container:
    """The muxer for a result that has its recording's extension, which may lie about what the recording is.

    Args:
        container: that the extension stands for.
        demuxer: ffmpeg's name of what reads the recording.

    Returns:
        The same, or that of the recording's own kind.
    """
    families = set(demuxer.split(","))
    alike = {"vob": "mpeg", "adts": "aac", "mp2": "mp3"}.get(container.muxer, container.muxer)
    if alike in families:
        return container
    return next((muxer for name, muxer in OF_DEMUXER.items() if name in families), container)


def media_suffix(source: Path) -> str | None:
    """The extension for a result that is named after its recording.

    Args:
        source: the recording.

    Returns:
        Its own if that stands for a container that can be written with the recording's codec, else the nearest; None
        if it is no extension of a media file.

    Example:
        >>> media_suffix(Path("talk.MOV")), media_suffix(Path("talk.ape")), media_suffix(Path("talk.txt"))
        ('.MOV', '.flac', None)
    """
    suffix = source.suffix.lower()
    if suffix == ".amr" and not _is_narrow_band(source):
        return ".m4a"  # nobody has an encoder for AMR-WB
    if suffix in CONTAINER_OF:
        return source.suffix
    return NEAREST_SUFFIX.get(suffix)


def _is_narrow_band(source: Path) -> bool:
    """Whether a file begins as AMR-NB does, for which there is an encoder here."""
    from rephase.audio.media.codecs import has_encoder

    try:
        with source.open("rb") as file:
            narrow = file.read(6) == b"#!AMR\n"
    except OSError:
        narrow = True  # reading it will say what is wrong
    return narrow and has_encoder("libopencore_amrnb")
