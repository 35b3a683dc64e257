import numpy as np
import pytest
import soundfile

from rephase.audio.formats import AudioFormat
from rephase.audio.id3 import copied_tag, new_tag
from rephase.audio.writer import AudioWriter

MADE_BY = "rephase 0.2.0 renet-lite"


def mp3(path, tag, samples=None):
    noise = np.random.default_rng(0).standard_normal(16000) / 20 if samples is None else samples
    soundfile.write(path, noise, 16000, format="MP3")
    path.write_bytes(tag + path.read_bytes())
    return path


def tag_of(*frames, version=3, flags=0):
    body = b"".join(
        letters + (size(content, 8) if version == 3 else size(content, 7)) + bytes(2) + content
        for letters, content in frames
    )
    return b"ID3" + bytes([version, 0, flags]) + size(body, 7) + body


def size(content, bits):
    return bytes(len(content) >> shift & (1 << bits) - 1 for shift in (3 * bits, 2 * bits, bits, 0))


def written(path, **keywords):
    samples = np.random.default_rng(1).standard_normal((1, 16000)).astype(np.float32) / 20
    with AudioWriter(path, 16000, 1, AudioFormat("MP3", "MPEG_LAYER_III"), **keywords) as writer:
        writer.write(samples)
    return soundfile.SoundFile(path)


@pytest.mark.parametrize("version", [3, 4])
def test_a_tag_goes_along_whole_with_its_picture(tmp_path, version):
    picture = b"\x00image/png\x00\x03\x00" + np.random.default_rng(0).bytes(40_000)
    tag = tag_of((b"TIT2", b"\x01" + "Tälk 日本".encode("utf-16")), (b"APIC", picture), version=version)
    source = mp3(tmp_path / "a.mp3", tag)
    sound = written(tmp_path / "b.mp3", like=source, tags={"software": MADE_BY})
    assert sound.title == "Tälk 日本"
    assert sound.frames == 16000
    content = (tmp_path / "b.mp3").read_bytes()
    assert tag[10:] in content
    assert MADE_BY.encode() in content
    again = written(tmp_path / "c.mp3", like=tmp_path / "b.mp3", tags={"software": MADE_BY})
    assert again.frames == 16000
    assert (tmp_path / "c.mp3").read_bytes().count(MADE_BY.encode()) == 1


def test_a_tag_is_made_from_names(tmp_path):
    tags = {"title": "Tälk 日本", "artist": "x" * 50, "comment": "at home", "software": MADE_BY, "tracknumber": "3"}
    sound = written(tmp_path / "b.mp3", tags=tags)
    assert (sound.title, sound.artist, sound.comment, sound.tracknumber) == ("Tälk 日本", "x" * 50, "at home", "3")
    assert sound.frames == 16000


@pytest.mark.parametrize("tag", [b"", b"ID3\x03\x00\x00\xff\xff\xff\xff", b"ID3\x03\x00\x00\x7f\x7f\x7f\x7f", b"ID3"])
def test_a_tag_that_is_none_is_not_copied(tmp_path, tag):
    (tmp_path / "a.mp3").write_bytes(tag + b"\xff\xfb")
    assert copied_tag(tmp_path / "a.mp3", MADE_BY) is None


def test_a_tag_that_is_not_understood_is_copied_as_it_is(tmp_path):
    tag = tag_of((b"TIT2", b"\x00Talk"), flags=0x80)
    assert copied_tag(mp3(tmp_path / "a.mp3", tag), MADE_BY) == tag


def test_nothing_to_say():
    assert new_tag({}) == b""
