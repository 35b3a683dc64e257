"""What is known of an audio track of a media file."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class MediaTrack:
    """Where an audio track lies in a media file, and how it is coded there.

    Attributes:
        stream: its index among all streams of the file.
        number: its number among the audio tracks, from 1.
        of: how many audio tracks there are.
        demuxer: ffmpeg's name of what reads the file, such as `mov,mp4,m4a,3gp,3g2,mj2`.
        codec: ffmpeg's name of the codec, such as `aac`.
        profile: of the codec, such as `HE-AAC`; empty if there is none.
        layout: of the channels, as ffmpeg names it, such as `5.1(side)`.
        sample_format: what its decoder gives, as ffmpeg names it, such as `fltp`.
        bit_rate: bits a second; 0 if unknown.
        start: time of the first sample on the file's clock, s.
        origin: time on that clock at which the file begins, s.
        has_video: whether the file has moving pictures.
        exact: whether the file says how long it is; else its length is a guess.
    """

    stream: int
    number: int
    of: int
    demuxer: str
    codec: str
    profile: str
    layout: str
    sample_format: str
    bit_rate: int
    start: Fraction
    origin: Fraction
    has_video: bool
    exact: bool
