"""What is kept beside the sound, and what becomes of files that hold nothing else."""

import os
import stat
from itertools import pairwise

import av
import numpy as np
import pytest
import soundfile

from rephase.audio.files import audio_info, read_blocks
from rephase.errors import AudioFileError, OutputError

from .conftest import Sound, copied, film, offset_seconds, sounds_of, speech

TAGS = {"title": "Tälk", "artist": "Somebody", "comment": "at home", "date": "2024"}


def seen(path):
    """Everything that a container says about its streams, with the marks of the programs that wrote it left out."""
    with av.open(str(path)) as container:
        streams = [
            (
                stream.type,
                stream.codec_context.codec.canonical_name if stream.codec_context else None,
                stream.disposition,
                {k.lower(): v for k, v in stream.metadata.items() if k.lower() in ("language", "title", "filename")},
            )
            for stream in container.streams
        ]
        chapters = [(float(c["start"] * c["time_base"]), c["metadata"]) for c in container.chapters()]
        tags = {key.lower(): value for key, value in container.metadata.items()}
        attachments = [stream.data for stream in container.streams.attachments]
    return streams, chapters, tags, attachments


def test_a_phone_video_keeps_all_but_its_noise(tmp_path, untouched):
    source = film(
        tmp_path / "a.mp4", Sound("aac", 48000, "stereo", language="eng"), video="libx264", subtitles="mov_text",
        chapters=True, tags=TAGS,
    )  # fmt: skip
    assert untouched(source, tmp_path / "b.mp4").notices == []
    assert copied(tmp_path / "b.mp4") == copied(source)
    (before, chapters, tags, _), (after, new_chapters, new_tags, _) = seen(source), seen(tmp_path / "b.mp4")
    assert after == before
    assert new_chapters == chapters
    assert len(chapters) == 2
    assert new_tags["comment"].startswith("at home | rephase ")
    assert {k: new_tags[k] for k in ("title", "artist", "date")} == {k: tags[k] for k in ("title", "artist", "date")}


def two_tracks(path):
    return film(
        path,
        Sound("libopus", 48000, language="eng", title="Voice"),
        Sound("flac", 16000, language="deu", clip="hallway", sample_format="s16"),
        subtitles="subrip", chapters=True, font=True, tags=TAGS,
    )  # fmt: skip


def test_two_tracks_subtitles_chapters_and_a_font(tmp_path, untouched):
    source = two_tracks(tmp_path / "a.mkv")
    assert untouched(source, tmp_path / "b.mkv").notices == []
    before, after = seen(source), seen(tmp_path / "b.mkv")
    assert [one[0] for one in before[0]] == ["video", "audio", "audio", "subtitle", "attachment"]
    assert after[0] == before[0]
    assert after[1] == before[1]
    assert after[3] == before[3] == [b"letters"]
    assert copied(tmp_path / "b.mkv") == copied(source)
    for one, other in zip(sounds_of(source), sounds_of(tmp_path / "b.mkv"), strict=True):
        assert abs(offset_seconds(one, other)) <= 1e-3


def test_one_track_alone_leaves_the_others_untouched(tmp_path, identity_model):
    from rephase.enhancer import Enhancer

    source = two_tracks(tmp_path / "a.mkv")
    enhancer = Enhancer.from_pretrained(identity_model)
    enhancer.enhance_file(source, tmp_path / "b.mkv", track=2, strength=0.0)

    def packets(path):
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(container.streams.audio[0])]

    assert packets(tmp_path / "b.mkv") == packets(source)
    enhancer.enhance_file(source, tmp_path / "c.mkv", track=1, strength=0.0)
    assert packets(tmp_path / "c.mkv") != packets(source)
    report = enhancer.enhance_file(source, tmp_path / "b.wav", track=2, strength=0.0)
    assert report.notices == []
    np.testing.assert_array_equal(soundfile.read(tmp_path / "b.wav", dtype="float32")[0], [*sounds_of(source)][1][2][0])
    with pytest.raises(AudioFileError, match=r"there is no audio track 3; .*a\.mkv; it has 2"):
        enhancer.enhance_file(source, tmp_path / "d.mkv", track=3)


def test_only_the_first_track_fits_into_a_wav(tmp_path, untouched):
    report = untouched(two_tracks(tmp_path / "a.mkv"), tmp_path / "b.wav")
    assert report.notices == ["audio track 1 of 2 is in the result, which holds no more; for another: --track N"]


def test_what_a_container_cannot_hold_is_said(tmp_path, untouched):
    source = film(tmp_path / "a.mp4", Sound("aac", 44100), video="libx264", subtitles="mov_text")
    assert untouched(source, tmp_path / "b.mkv").notices == [
        "stream 2 (subtitle, mov_text) is left out: the container can't hold it"
    ]
    with pytest.raises(OutputError, match=r"\.webm can't hold video in h264; .*\.mkv"):
        untouched(source, tmp_path / "b.webm")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mkv"]


def test_an_extension_that_lies_is_followed_by_the_result(tmp_path, untouched):
    source = film(tmp_path / "a.mp4", Sound("aac", 44100), video="libx264").rename(tmp_path / "a.avi")
    assert untouched(source, tmp_path / "b.avi").notices == []
    with av.open(str(tmp_path / "b.avi")) as container:
        assert "mp4" in container.format.name
    assert copied(tmp_path / "b.avi") == copied(source)


def test_recordings_that_were_joined_end_to_end_go_on(tmp_path, untouched):
    one = film(tmp_path / "one.ts", Sound("mp2", 48000), video="mpeg2video")
    other = film(tmp_path / "other.ts", Sound("mp2", 48000, clip="hallway"), video="mpeg2video")
    (tmp_path / "both.ts").write_bytes(one.read_bytes() + other.read_bytes())
    report = untouched(tmp_path / "both.ts", tmp_path / "out.ts")
    assert any("clock starts anew" in notice for notice in report.notices)
    (after,), (second,) = sounds_of(tmp_path / "out.ts"), sounds_of(other)
    assert after[2].shape[1] / 48000 == pytest.approx(6, abs=0.2)
    (_, pictures), (_, own) = copied(tmp_path / "out.ts")[0], copied(other)[0]
    assert len(pictures) == 2 * len(own)
    assert all(float(b[1] - a[1]) > 0.001 for a, b in pairwise(pictures)), "pictures keep their pace over the seam"
    tail = (after[0], after[1] + 3.0, after[2][:, 3 * 48000 :])
    sound_moved = offset_seconds(second, tail)
    assert sound_moved == pytest.approx(float(pictures[len(own)][0] - own[0][0]), abs=1e-3), "in sync after the seam"


def test_an_m4a_of_a_film_is_its_sound(tmp_path, untouched):
    source = film(tmp_path / "a.mp4", Sound("aac", 44100), chapters=True, tags=TAGS)
    untouched(source, tmp_path / "b.m4a")
    streams, chapters, tags, _ = seen(tmp_path / "b.m4a")
    assert [kind for kind, *_ in streams if kind != "data"] == ["audio"]
    assert len(chapters) == 2
    assert tags["title"] == "Tälk"
    assert tags["major_brand"] == "M4A "


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("a.m4a", Sound("aac", 44100, bit_rate=96_000)),
        ("a.m4a", Sound("alac", 44100, sample_format="s16p")),
        ("a.wma", Sound("wmav2", 44100, "stereo", bit_rate=128_000)),
        ("a.mka", Sound("libopus", 48000, "stereo", bit_rate=48_000)),
    ],
)
def test_sound_files_keep_codec_tags_and_about_their_bit_rate(tmp_path, untouched, name, sound):
    source = film(tmp_path / name, sound, video="", tags=TAGS)
    target = tmp_path / f"out{source.suffix}"
    assert untouched(source, target).notices == []
    (before,), (after,) = sounds_of(source), sounds_of(target)
    assert after[0].media.codec == before[0].media.codec
    assert (after[0].sample_rate, after[0].channels) == (before[0].sample_rate, before[0].channels)
    assert target.stat().st_size == pytest.approx(source.stat().st_size, rel=0.3)
    assert abs(offset_seconds(before, after)) <= 1e-3 + 1e-9
    tags = seen(target)[2]
    assert (tags["title"], tags["artist"]) == ("Tälk", "Somebody")
    assert "rephase " in tags["comment"]


def test_a_cover_goes_along(tmp_path, untouched):
    source = film(tmp_path / "a.mp4", Sound("aac", 44100), video="", cover=True, tags=TAGS)
    source = source.rename(tmp_path / "a.m4a")
    untouched(source, tmp_path / "b.m4a")
    assert seen(tmp_path / "b.m4a")[0] == seen(source)[0]
    assert [p[2] for p in copied(tmp_path / "b.m4a")[0][1]] == [p[2] for p in copied(source)[0][1]]


def test_amr_and_what_nobody_can_write(tmp_path, untouched):
    from rephase.audio.formats import target_suffix

    source = film(tmp_path / "a.amr", Sound("libopencore_amrnb", 8000), video="")
    assert target_suffix(source) == ".amr"
    assert untouched(source, tmp_path / "b.amr").notices == []
    (before,), (after,) = sounds_of(source), sounds_of(tmp_path / "b.amr")
    assert abs(offset_seconds(before, after)) <= 1 / 8000
    (tmp_path / "wide.amr").write_bytes(b"#!AMR-WB\n" + bytes(60))
    assert target_suffix(tmp_path / "wide.amr") == ".m4a"


def amr_wb(path):
    """Ten frames of AMR-WB at 6.6 kbit/s, which no encoder here makes; the bits are those of comfort noise."""
    rng = np.random.default_rng(0)
    path.write_bytes(b"#!AMR-WB\n" + b"".join(b"\x04" + rng.bytes(17) for _ in range(10)))
    return path


def test_amr_wb_becomes_m4a_with_a_notice(tmp_path, untouched):
    report = untouched(amr_wb(tmp_path / "a.awb"), tmp_path / "a.m4a")
    assert "written with aac, because there is no way to write amr_wb here" in report.notices
    (after,) = sounds_of(tmp_path / "a.m4a")
    assert after[0].sample_rate == 16000


@pytest.mark.parametrize(
    ("name", "codec", "layout"), [("a.mkv", "ac3", "5.1(side)"), ("a.mp4", "aac", "5.1"), ("a.mkv", "flac", "5.1")]
)
def test_six_channels_keep_their_order(tmp_path, untouched, name, codec, layout):
    source = film(tmp_path / name, Sound(codec, 48000, layout, bit_rate=384_000))
    target = tmp_path / f"out{source.suffix}"
    untouched(source, target)
    (before,), (after,) = sounds_of(source), sounds_of(target)
    assert after[0].media.layout == before[0].media.layout
    levels = [np.sqrt(np.mean(sound[2] ** 2, axis=1)) for sound in (before, after)]
    # an encoder keeps only the lowest 120 Hz of the fourth channel
    np.testing.assert_allclose(np.delete(levels[1], 3), np.delete(levels[0], 3), rtol=0.05)
    untouched(source, tmp_path / "b.wav")
    (wav,) = sounds_of(tmp_path / "b.wav")
    np.testing.assert_allclose(np.sqrt(np.mean(wav[2] ** 2, axis=1)), levels[0], rtol=0.05, atol=1e-4)


def test_wav_variants_that_libsndfile_refuses(tmp_path, untouched):
    source = film(tmp_path / "a.wav", Sound("pcm_s64le", 16000), video="")
    with pytest.raises(soundfile.SoundFileError):
        soundfile.info(source)
    untouched(source, tmp_path / "b.wav")
    (before,), (after,) = sounds_of(source), sounds_of(tmp_path / "b.wav")
    np.testing.assert_array_equal(after[2], before[2])


def test_a_recording_of_libsndfile_becomes_a_media_file(tmp_path, untouched):
    soundfile.write(tmp_path / "a.wav", speech("hallway", 44100), 44100)
    for name, codec, rate in [("b.m4a", "aac", 44100), ("b.mkv", "pcm_s16le", 44100), ("b.webm", "opus", 48000)]:
        report = untouched(tmp_path / "a.wav", tmp_path / name)
        (before,), (after,) = sounds_of(tmp_path / "a.wav"), sounds_of(tmp_path / name)
        assert (after[0].media.codec, after[0].sample_rate) == (codec, rate)
        assert bool(report.notices) == (rate != 44100)
    with pytest.raises(OutputError, match="opus can't hold 44100 Hz"):
        untouched(tmp_path / "a.wav", tmp_path / "c.webm", output_rate=44100)
    del before


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.wav"])
def test_tags_of_plain_recordings_are_kept_and_say_what_made_them(tmp_path, untouched, name):
    with soundfile.SoundFile(tmp_path / name, "w", 48000, 1) as sound:
        sound.title, sound.artist, sound.comment = "Tälk", "Somebody", "at home"
        sound.write(speech("hallway", 48000))
    untouched(tmp_path / name, tmp_path / f"out-{name}")
    with soundfile.SoundFile(tmp_path / f"out-{name}") as sound:
        tags = sound.copy_metadata()
    assert (tags["title"], tags["artist"]) == ("Tälk", "Somebody")
    assert tags["comment"].startswith("at home")
    assert "rephase " in tags.get("software", tags["comment"])
    assert (tmp_path / f"out-{name}").stat().st_size == pytest.approx((tmp_path / name).stat().st_size, rel=0.1)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")
@pytest.mark.parametrize("name", ["a.wav", "a.m4a"])
def test_permissions_and_times_are_those_of_the_recording(tmp_path, untouched, name):
    if name == "a.wav":
        soundfile.write(tmp_path / name, speech("hallway", 16000), 16000)
    else:
        film(tmp_path / name, Sound(), video="")
    (tmp_path / name).chmod(0o640)
    os.utime(tmp_path / name, (10**9, 10**9))
    untouched(tmp_path / name, tmp_path / f"out-{name}")
    status = (tmp_path / f"out-{name}").stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert status.st_mtime == 10**9


@pytest.mark.parametrize("name", ["talk.m4a", "talk.mp4", "talk.mov"])
def test_what_fills_the_last_packet_of_an_mp4_is_no_sound(untouched, tmp_path, name):
    """AAC comes in packets of 1024 samples, and the file says to the sample where the sound ends."""
    rate, seconds = 44100, 2.0  # 86.1 packets
    soundfile.write(tmp_path / "talk.wav", speech("kitchen-0db", rate, seconds), rate)
    untouched(tmp_path / "talk.wav", tmp_path / name)
    info = audio_info(tmp_path / name)
    blocks = list(read_blocks(info, 1000))
    assert info.frames == sum(block.shape[1] for block in blocks) == rate * seconds
    assert {block.shape[1] for block in blocks[:-1]} == {1000}
