"""What goes in comes out in its place: pictures to the byte, sound to the sample or the container's tick."""

import av
import numpy as np
import pytest

from .conftest import Sound, copied, encode, film, offset_seconds, sounds_of

TICK = {".mkv": 1e-3, ".webm": 1e-3, ".wmv": 1e-3, ".flv": 1e-3, ".ts": 1 / 90000, ".mpg": 1 / 90000}  # s


@pytest.mark.parametrize("start", [0.0, 0.5, 0.123])
@pytest.mark.parametrize(
    ("name", "codec", "rate", "video"),
    [
        ("a.mp4", "aac", 44100, "libx264"),
        ("a.mov", "aac", 48000, "mpeg4"),
        ("a.mp4", "ac3", 48000, "mpeg4"),
        ("a.mp4", "libmp3lame", 44100, "mpeg4"),
        ("a.3gp", "libopencore_amrnb", 8000, "mpeg4"),
        ("a.mkv", "libopus", 48000, "libx264"),
        ("a.mkv", "aac", 44100, "mpeg4"),
        ("a.webm", "libopus", 48000, "libvpx"),
        ("a.wmv", "wmav2", 44100, "wmv2"),
        ("a.flv", "libmp3lame", 44100, "flv"),
        ("a.ts", "mp2", 48000, "mpeg2video"),
        ("a.mpg", "mp2", 48000, "mpeg2video"),
    ],
)
def test_lossy_sound_stays_within_a_tick_of_its_picture(tmp_path, untouched, name, codec, rate, video, start):
    bit_rate = 64_000 if codec == "wmav2" else 0
    source = film(tmp_path / name, Sound(codec, rate, start=start, bit_rate=bit_rate), video=video)
    target = tmp_path / f"out{source.suffix}"
    assert untouched(source, target).notices == []
    (_, pictures), (_, copies) = *copied(source), *copied(target)
    assert [packet[2:] for packet in copies] == [packet[2:] for packet in pictures]
    if source.suffix == ".mpg":  # it stamps packs and not pictures: what lies between is guessed by its reader
        pictures, copies = pictures[:1], copies[:1]
    moved = {round(float(one[0] - other[0]), 9) for one, other in zip(copies, pictures)}
    assert len(moved) == 1, "all pictures move alike, if the container has no times before 0"
    (before,), (after,) = sounds_of(source), sounds_of(target)
    assert after[0].media.codec == before[0].media.codec
    tick = TICK.get(source.suffix, 1 / rate)
    assert abs(offset_seconds(before, after) - moved.pop()) <= tick + 1e-9
    assert after[2].shape[1] >= before[2].shape[1] - rate * 0.05, "nothing is lost at the end"


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.parametrize(
    ("name", "codec", "sample_format"),
    [("a.mov", "pcm_s16le", ""), ("a.mov", "pcm_s24le", ""), ("a.mp4", "alac", "s16p"), ("a.mp4", "alac", "s32p"),
     ("a.mp4", "flac", "s16"), ("a.mkv", "flac", "s32"), ("a.mkv", "pcm_f32le", ""), ("a.mkv", "pcm_s16be", ""),
     ("a.mkv", "wavpack", "s16p"), ("a.mkv", "pcm_f64le", "")],
)  # fmt: skip
def test_lossless_sound_comes_back_to_the_bit_and_to_the_sample(tmp_path, untouched, name, codec, sample_format, start):
    source = film(tmp_path / name, Sound(codec, 44100, "stereo", start, sample_format=sample_format))
    target = tmp_path / f"out{source.suffix}"
    assert untouched(source, target).notices == []
    (before,), (after,) = sounds_of(source), sounds_of(target)
    np.testing.assert_array_equal(after[2], before[2])
    assert after[1] == before[1]
    assert (after[0].subtype, after[0].media.codec) == (before[0].subtype, before[0].media.codec)
    assert copied(target) == copied(source)


def test_a_container_without_times_gets_the_place_of_the_sound_in_samples(tmp_path, untouched):
    """AVI: sound that begins late is preceded by silence, and the encoder's priming is made up for."""
    source = film(tmp_path / "late.mkv", Sound("aac", 44100, start=0.5))
    untouched(source, tmp_path / "out.avi")
    (before,), (after,) = sounds_of(source), sounds_of(tmp_path / "out.avi")
    assert abs(offset_seconds(before, after)) <= 1e-3
    untouched(source, tmp_path / "out.wav")
    (after,) = sounds_of(tmp_path / "out.wav")
    assert abs(offset_seconds(before, after)) <= 1e-3
    np.testing.assert_array_equal(after[2][:, : 44100 // 2 - 1100], 0)


@pytest.mark.parametrize("lost", [(10, 11), (8, 20), (0, 5)])
def test_gaps_become_silence_and_the_rest_stays_in_place(tmp_path, untouched, lost):
    whole = film(tmp_path / "whole.mp4", Sound("alac", 44100))
    source = film(tmp_path / "gap.mp4", Sound("alac", 44100, skip=lost))
    report = untouched(source, tmp_path / "out.mp4")
    ((_, _, truth),), ((_, start, samples),) = sounds_of(whole), sounds_of(tmp_path / "out.mp4")
    missing = slice(*(4096 * number for number in lost))
    truth[:, missing] = 0
    first = missing.stop if not lost[0] else 0
    ((_, source_start, _),) = sounds_of(source)
    assert start == source_start == pytest.approx(first / 44100, abs=1e-3)
    np.testing.assert_array_equal(samples, truth[:, first:])
    assert any("were missing and are silence now" in notice for notice in report.notices) == (lost[0] > 0)


@pytest.mark.slow
def test_an_hour_does_not_drift(tmp_path, untouched):
    seconds, rate = 3600, 8000
    clicks = np.zeros((1, seconds * rate), np.float32)
    rng = np.random.default_rng(0)
    click = rng.standard_normal(800).astype(np.float32) * 0.2
    places = [rate * second for second in range(5, seconds, 300)]
    for place in places:
        clicks[0, place : place + 800] = click
    with av.open(str(tmp_path / "a.mkv"), "w") as output:
        stream = output.add_stream("aac", rate=rate)
        stream.codec_context.layout = "mono"
        output.mux(encode(stream, clicks, Sound("aac", rate)))
    untouched(tmp_path / "a.mkv", tmp_path / "b.mkv")
    (before,), (after,) = sounds_of(tmp_path / "a.mkv"), sounds_of(tmp_path / "b.mkv")
    for place in places:
        near = slice(place - 2000, place + 3000)
        shift = offset_seconds((before[0], before[1], before[2][:, near]), (after[0], after[1], after[2][:, near]))
        assert abs(shift) <= 1e-3, place
