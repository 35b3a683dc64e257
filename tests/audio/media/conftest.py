"""Small media files with real speech, made as cameras and phones make them, and ways to look at them again."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import pytest
import soundfile
import soxr

from rephase.audio.files import audio_tracks, read_blocks

EXAMPLES = Path(__file__).parents[3] / "examples" / "audio"
FRAMES_PER_SECOND = 25


class Sound(NamedTuple):
    """An audio track to be made."""

    codec: str = "aac"
    rate: int = 44100
    layout: str = "mono"
    start: float = 0.0  # s
    clip: str = "kitchen-0db"
    language: str = ""
    title: str = ""
    bit_rate: int = 0
    sample_format: str = ""
    skip: tuple[int, int] = (0, 0)  # packets that are lost: from, to


def speech(clip, rate, seconds=3.0):
    """[time] at some rate, out of a recording that ships here."""
    samples, own = soundfile.read(EXAMPLES / f"{clip}.degraded.flac", dtype="float32")
    return soxr.resample(samples, own, rate)[: round(rate * seconds)]


def film(path, *sounds, video="mpeg4", seconds=3.0, subtitles="", chapters=False, font=False, cover=False, tags=None):
    """Writes a media file with PyAV; times of all streams begin at 0, and tracks where they say."""
    output = av.open(str(path), "w", container_options={"strict": "experimental"})
    packets = []
    if video:
        picture = output.add_stream(video, rate=FRAMES_PER_SECOND)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        picture.codec_context.time_base = Fraction(1, FRAMES_PER_SECOND)
        if video in ("mpeg4", "libx264"):
            picture.codec_context.max_b_frames = 2
    streams = []
    for sound in sounds:
        stream = output.add_stream(sound.codec, rate=sound.rate)
        stream.codec_context.layout = sound.layout
        if sound.sample_format:
            stream.codec_context.format = sound.sample_format
        if sound.bit_rate:
            stream.codec_context.bit_rate = sound.bit_rate
        stream.metadata.update({k: v for k, v in (("language", sound.language), ("title", sound.title)) if v})
        streams.append(stream)
    text = None
    if subtitles:
        text = output.add_mux_stream(subtitles)
        text.time_base = Fraction(1, 1000)
        text.metadata["language"] = "fra"
    if font:
        output.add_attachment("font.ttf", "application/x-truetype-font", b"letters")
    if cover:
        art = output.add_stream("png", rate=1)
        art.width, art.height, art.pix_fmt, art.disposition = 16, 16, "rgb24", 1024
    if chapters:
        output.set_chapters(
            [
                {"id": 1, "start": 0, "end": 1200, "time_base": Fraction(1, 1000), "metadata": {"title": "Intro"}},
                {"id": 2, "start": 1200, "end": 3000, "time_base": Fraction(1, 1000), "metadata": {"title": "Rest"}},
            ]
        )
    output.metadata.update(tags or {})
    output.start_encoding()
    if video:
        for number in range(round(seconds * FRAMES_PER_SECOND)):
            image = np.full((48, 64, 3), number % 200, np.uint8)
            image[:, number % 64] = 255
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            packets += picture.encode(frame)
        packets += picture.encode(None)
    if cover:
        frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), 77, np.uint8), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1, 1)
        packets += [*art.encode(frame), *art.encode(None)]
    for sound, stream in zip(sounds, streams):
        encoded = encode(stream, spread(speech(sound.clip, sound.rate, seconds), sound.layout), sound)
        packets += [packet for number, packet in enumerate(encoded) if not sound.skip[0] <= number < sound.skip[1]]
    if text is not None:
        for start, words in ((500, b"Hello"), (1700, b"World")):
            packet = av.Packet(len(words).to_bytes(2, "big") + words if subtitles == "mov_text" else words)
            packet.stream, packet.pts, packet.dts, packet.duration = text, start, start, 600
            packet.time_base, packet.is_keyframe = Fraction(1, 1000), True
            packets.append(packet)
    packets = [packet for packet in packets if packet.size]
    packets.sort(key=lambda packet: (packet.dts or 0) * packet.time_base)
    output.mux(packets)
    output.close()
    return path


def spread(samples, layout):
    """One voice in several channels, each at a level of its own."""
    channels = av.AudioLayout(layout).nb_channels
    return np.stack([samples / (1 + channel) for channel in range(channels)])


def encode(stream, samples, sound):
    packets = []
    for first in range(0, samples.shape[1], 4096):
        block = samples[:, first : first + 4096]
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block.T).reshape(1, -1).astype(np.float32), format="flt", layout=sound.layout
        )
        frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
        frame.pts = round(sound.start * sound.rate) + first
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def copied(path):
    """Packets of all streams that hold no sound: kind, times in s, bytes, whether they are key frames."""
    with av.open(str(path)) as container:
        kinds = [(stream.type, []) for stream in container.streams]
        for packet in container.demux([s for s in container.streams if s.type in ("video", "subtitle")]):
            if packet.size:
                times = tuple(None if t is None else t * packet.time_base for t in (packet.pts, packet.dts))
                kinds[packet.stream_index][1].append((*times, bytes(packet), packet.is_keyframe))
        return [(kind, packets) for kind, packets in kinds if packets]


def sounds_of(path):
    """Each audio track: what it is, where it begins on the file's clock (s), and its samples."""
    for info in audio_tracks(path):
        yield info, float(info.media.start) if info.media else 0.0, np.concatenate(list(read_blocks(info)), axis=1)


def offset_seconds(before, after):
    """How much later the same sound is heard in another file, by the peak of the cross-correlation."""
    (_, start, x), (info, other_start, y) = before, after
    size = 1 << (x.shape[1] + y.shape[1]).bit_length()
    product = np.fft.irfft(np.fft.rfft(y[0], size) * np.conj(np.fft.rfft(x[0], size)), size)
    lag = int(np.argmax(product))
    lag -= size if lag > size // 2 else 0
    return other_start + lag / info.sample_rate - start


@pytest.fixture
def untouched(identity_model):
    """Runs a file through at strength 0."""
    from rephase.enhancer import Enhancer

    enhancer = Enhancer.from_pretrained(identity_model)
    return lambda source, target, **options: enhancer.enhance_file(source, target, **{"strength": 0.0} | options)
