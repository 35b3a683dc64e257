"""Media files that are broken, empty or something else: silence in place of damage, or one line."""

import builtins
import sys

import numpy as np
import pytest
import soundfile

from rephase.audio.files import audio_info, audio_tracks, read_blocks
from rephase.errors import AudioFileError, OutputError, RephaseError

from .conftest import Sound, film, sounds_of, speech


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_film_without_sound(tmp_path):
    film(tmp_path / "a.mp4")
    with pytest.raises(AudioFileError, match=r"there is no sound in it; .*a\.mp4"):
        audio_info(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.mp4", b"dear diary"),
        ("list.mp4", b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n"),
        ("list.wav", b"ffconcat version 1.0\nfile a.wav\n"),
        ("zeros.m4a", bytes(5000)),
        ("half.mp4", b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41\x00\x00\x00\x08moov"),
    ],
)
def test_what_is_no_recording_is_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioFileError) as caught:
        audio_info(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def without_av(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments, **keywords):
        if name == "av" or name.startswith("av."):
            raise ModuleNotFoundError("No module named 'av'", name="av")
        return real(name, *arguments, **keywords)

    for name in [name for name in sys.modules if name == "av" or name.startswith("av.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr(builtins, "__import__", refuse)


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch, untouched):
    film(tmp_path / "a.mp4", Sound())
    soundfile.write(tmp_path / "a.wav", speech("hallway", 16000), 16000)
    without_av(monkeypatch)
    with pytest.raises(AudioFileError, match=r"a\.mp4; .*pip install 'rephase\[media\]'"):
        audio_info(tmp_path / "a.mp4")
    with pytest.raises(OutputError, match=r"\.m4a is written with PyAV, .*pip install 'rephase\[media\]'"):
        untouched(tmp_path / "a.wav", tmp_path / "b.m4a")
    untouched(tmp_path / "a.wav", tmp_path / "b.wav")
    assert names(tmp_path) == ["a.mp4", "a.wav", "b.wav"]


def test_damage_in_the_middle_costs_what_is_damaged(tmp_path, untouched):
    source = film(tmp_path / "a.mkv", Sound("flac", 44100, sample_format="s16"))
    (before,) = sounds_of(source)
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    source.write_bytes(content)
    report = untouched(source, tmp_path / "b.mkv")
    (after,) = sounds_of(tmp_path / "b.mkv")
    assert report.notices
    assert after[2].shape[1] == pytest.approx(before[2].shape[1], abs=4700)
    np.testing.assert_array_equal(after[2][:, :40_000], before[2][:, :40_000])


def test_a_download_that_broke_off_gives_what_is_there(tmp_path, untouched):
    source = film(tmp_path / "a.mkv", Sound("aac", 44100))
    content = source.read_bytes()
    source.write_bytes(content[: len(content) * 2 // 3])
    report = untouched(source, tmp_path / "b.mkv")
    (after,) = sounds_of(tmp_path / "b.mkv")
    assert 1.5 < after[2].shape[1] / 44100 < 2.5
    assert any("could be read" in notice or "breaks off" in notice for notice in report.notices)


def test_a_full_disk_leaves_nothing(tmp_path, untouched):
    import resource

    source = film(tmp_path / "a.mov", Sound("pcm_s16le", 44100))
    before = names(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OutputError, match="can't write the output"):
            untouched(source, tmp_path / "b.mov")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == before


def test_an_interrupt_leaves_nothing(tmp_path, untouched):
    source = film(tmp_path / "a.mp4", Sound())
    before = names(tmp_path)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        untouched(source, tmp_path / "b.mp4", progress=interrupt)
    assert names(tmp_path) == before


def test_the_input_is_never_replaced(tmp_path, untouched):
    source = film(tmp_path / "a.mp4", Sound())
    content = source.read_bytes()
    with pytest.raises(OutputError, match="the output is the input itself"):
        untouched(source, source, overwrite=True)
    assert source.read_bytes() == content


def test_blocks_of_any_size_give_the_same_samples(tmp_path):
    (info,) = audio_tracks(film(tmp_path / "a.mp4", Sound()))
    whole = np.concatenate(list(read_blocks(info)), axis=1)
    pieces = list(read_blocks(info, block_frames=777))
    assert {piece.shape[1] for piece in pieces[:-1]} == {777}
    np.testing.assert_array_equal(np.concatenate(pieces, axis=1), whole)


def test_odd_names_are_files(tmp_path, untouched):
    for name in ("http:x.m4a", "a b%20'\n.m4a", "pipe:1.m4a", "ä🎤.m4a", "-.m4a"):
        source = film(tmp_path / "plain.m4a", Sound(), video="").rename(tmp_path / name)
        untouched(source, tmp_path / f"out {name}")
        assert next(iter(sounds_of(tmp_path / f"out {name}")))[2].size


def damaged(content, rng):
    """The bytes of a file with one of the faults that disks, cables and downloads leave."""
    content = bytearray(content)
    kind, place = rng.integers(5), int(rng.integers(len(content)))
    if kind == 0:
        for where in rng.integers(len(content), size=int(rng.choice([1, 10, 200]))):
            content[where] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del content[max(place, 16) :]
    elif kind == 2:
        del content[place : place + int(rng.integers(1, 5000))]
    elif kind == 3:
        for where in rng.integers(min(2000, len(content)), size=4):
            content[where] = int(rng.integers(256))
    else:
        content[place : place + 3000] = bytes(len(content[place : place + 3000]))
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "sound", "video"),
    [
        ("a.mp4", Sound("aac"), "libx264"),
        ("a.m4a", Sound("alac"), ""),
        ("a.mkv", Sound("libopus", 48000), "mpeg4"),
        ("a.ts", Sound("mp2", 48000), "mpeg2video"),
        ("a.flv", Sound("libmp3lame"), "flv"),
        ("a.avi", Sound("libmp3lame"), "mpeg4"),
        ("a.wma", Sound("wmav2", bit_rate=64_000), ""),
        ("a.amr", Sound("libopencore_amrnb", 8000), ""),
    ],
)
def test_damaged_files_give_a_whole_result_or_one_line(tmp_path, untouched, name, sound, video):
    content = film(tmp_path / name, sound, video=video).read_bytes()
    rng = np.random.default_rng(len(name + sound.codec))
    results = 0
    for number in range(10):
        source, target = tmp_path / f"{number}-{name}", tmp_path / f"out-{number}-{name}"
        source.write_bytes(damaged(content, rng))
        said = ""
        try:
            untouched(source, target)
        except RephaseError as error:
            said = str(error)
        assert "\n" not in said
        assert target.exists() == (not said)
        if not said:
            results += 1
            assert all(np.isfinite(samples).all() and samples.size for _, _, samples in sounds_of(target))
    assert results, "some of them can be mended"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".rephase-")]


@pytest.mark.parametrize("name", ["memo.m4a", "film.mp4", "film.mov"])
def test_a_film_whose_index_is_missing_is_said_to(tmp_path, name):
    """A camera writes its index at the end: where it dies, all sound is there and nobody knows where."""
    source = film(tmp_path / name, Sound("aac", 44100))
    content = source.read_bytes()
    source.write_bytes(content[: content.index(b"moov") - 4])
    with pytest.raises(AudioFileError, match=r"its index is missing.*; .*" + name):
        audio_info(source)
