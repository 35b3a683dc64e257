import os
import resource
import stat

import numpy as np
import pytest
import soundfile

from rephase.audio.files import audio_info, read_blocks
from rephase.audio.formats import AudioFormat
from rephase.audio.writer import AudioWriter, check_target
from rephase.errors import OutputError

PCM_16 = AudioFormat("WAV", "PCM_16")


def tone(frames, channels=1, dtype=np.float32):
    return (0.4 * np.sin(np.arange(frames * channels) / 9)).reshape(channels, frames).astype(dtype)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("file_format", "subtype", "bits"),
    [("WAV", "PCM_U8", 8), ("WAV", "PCM_16", 16), ("FLAC", "PCM_24", 24), ("WAV", "PCM_32", 32), ("WAV", "ALAW", 13)],
)
def test_what_was_read_is_written_bit_for_bit(tmp_path, file_format, subtype, bits):
    samples = np.random.default_rng(0).integers(-(2**31), 2**31, (5000, 2)) >> (32 - bits) << (32 - bits)
    soundfile.write(tmp_path / "in.bin", samples.astype(np.int32), 16000, subtype=subtype, format=file_format)
    info = audio_info(tmp_path / "in.bin")
    with AudioWriter(tmp_path / "out.bin", 16000, 2, AudioFormat(file_format, subtype)) as writer:
        for block in read_blocks(info, block_frames=999):
            writer.write(block)
    before, after = (soundfile.read(tmp_path / name, dtype="int32")[0] for name in ("in.bin", "out.bin"))
    np.testing.assert_array_equal(after, before)


def test_integers_are_the_nearest_ones(tmp_path):
    with AudioWriter(tmp_path / "a.wav", 16000, 1, PCM_16) as writer:
        writer.write(np.array([[0.6, -0.6, 1.4, 40000.0, -40000.0]], np.float32) / 32768)
    np.testing.assert_array_equal(soundfile.read(tmp_path / "a.wav", dtype="int16")[0], [1, -1, 1, 32767, -32768])


@pytest.mark.parametrize(
    ("name", "file_format", "subtype"),
    [
        ("a.ogg", "OGG", "VORBIS"),
        ("a.opus", "OGG", "OPUS"),
        ("a.mp3", "MP3", "MPEG_LAYER_III"),
        ("a.wav", "WAV", "FLOAT"),
    ],
)
@pytest.mark.parametrize("frames", [1, 1151, 50_000])
def test_every_codec_keeps_the_length(tmp_path, name, file_format, subtype, frames):
    with AudioWriter(tmp_path / name, 48000, 2, AudioFormat(file_format, subtype)) as writer:
        for start in range(0, frames, 7000):
            writer.write(tone(frames, 2)[:, start : start + 7000])
    assert audio_info(tmp_path / name).frames == frames


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_after_an_error(tmp_path, error):
    (tmp_path / "a.wav").write_bytes(b"precious")

    def interrupted():
        with AudioWriter(tmp_path / "a.wav", 16000, 1, PCM_16) as writer:
            writer.write(tone(1000))
            assert len(names(tmp_path)) == 2
            raise error

    with pytest.raises(error):
        interrupted()
    assert names(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"precious"


@pytest.mark.parametrize("target", ["a.wav", "a.flac", "a.ogg"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, target):
    kinds = {".wav": PCM_16, ".flac": AudioFormat("FLAC", "PCM_16"), ".ogg": AudioFormat("OGG", "VORBIS")}
    noise = np.random.default_rng(0).uniform(-1, 1, (1, 160_000)).astype(np.float32)

    def too_much():
        with AudioWriter(tmp_path / target, 16000, 1, kinds[(tmp_path / target).suffix]) as writer:
            for start in range(0, 160_000, 16_000):
                writer.write(noise[:, start : start + 16_000])

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"can't write the output .*disk.*free space") as caught:
            too_much()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []


def test_results_get_the_permissions_of_new_files(tmp_path):
    (tmp_path / "plain").touch()
    with AudioWriter(tmp_path / "a.wav", 16000, 1, PCM_16) as writer:
        writer.write(tone(10))
    mode = stat.S_IMODE((tmp_path / "a.wav").stat().st_mode)
    assert mode == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.wav").symlink_to(tmp_path / "real" / "a.wav")
    with AudioWriter(tmp_path / "link.wav", 16000, 1, PCM_16) as writer:
        writer.write(tone(10))
    assert (tmp_path / "link.wav").is_symlink()
    assert names(tmp_path / "real") == ["a.wav"]


def test_a_loop_of_links_is_said(tmp_path):
    (tmp_path / "a.wav").symlink_to(tmp_path / "a.wav")
    with pytest.raises(OutputError, match="can't write the output"):
        AudioWriter(tmp_path / "a.wav", 16000, 1, PCM_16)
    assert names(tmp_path) == ["a.wav"]


def test_names_of_255_bytes_work(tmp_path):
    name = "ä" * 120 + "\n🎙.flac"
    assert len(os.fsencode(name)) <= 255
    with AudioWriter(tmp_path / name, 16000, 1, AudioFormat("FLAC", "PCM_16")) as writer:
        writer.write(tone(10))
    assert names(tmp_path) == [name]


def test_what_a_container_refuses_is_said(tmp_path):
    with pytest.raises(OutputError, match="can't write MP3 with MPEG_LAYER_III, 1 channels, 96000 Hz"):
        AudioWriter(tmp_path / "a.mp3", 96000, 1, AudioFormat("MP3", "MPEG_LAYER_III"))
    assert names(tmp_path) == []


@pytest.fixture
def source(tmp_path):
    soundfile.write(tmp_path / "in.wav", np.zeros(10), 16000)
    return tmp_path / "in.wav"


def test_a_good_target_is_no_error(source, tmp_path):
    check_target(tmp_path / "out.wav", source, overwrite=False)
    (tmp_path / "out.wav").touch()
    check_target(tmp_path / "out.wav", source, overwrite=True)


def _target(folder, kind):
    source, target = folder / "in.wav", folder / "out.wav"
    if kind == "exists":
        target.touch()
    elif kind == "folder":
        target.mkdir()
    elif kind == "no folder":
        target = folder / "no" / "out.wav"
    elif kind == "folder is a file":
        target = source / "out.wav"
    elif kind == "input":
        target = folder / "." / "in.wav"
    elif kind == "symlink":
        target.symlink_to(source)
    elif kind == "hard link":
        target.hardlink_to(source)
    elif kind == "pipe":
        os.mkfifo(target)
    elif kind == "long name":
        target = folder / ("a" * 300 + ".wav")
    return target


@pytest.mark.parametrize(
    ("kind", "overwrite", "reason"),
    [
        ("exists", False, "exists already; .*--overwrite .*overwrite=True"),
        ("folder", True, "the output is a folder"),
        ("no folder", True, "the output folder doesn't exist; .*mkdir -p"),
        ("folder is a file", True, "the output folder doesn't exist"),
        ("input", True, "the output is the input itself"),
        ("symlink", True, "the output is the input itself"),
        ("hard link", True, "the output is the input itself"),
        ("pipe", True, "the output is no regular file"),
        ("long name", True, "can't write there"),
    ],
)
def test_targets_that_cannot_be_are_refused(source, tmp_path, kind, overwrite, reason):
    with pytest.raises(OutputError, match=reason) as caught:
        check_target(_target(tmp_path, kind), source, overwrite=overwrite)
    assert str(caught.value).count("; ") == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(source, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="no permission"):
        check_target(tmp_path / "closed" / "out.wav", source, overwrite=False)
