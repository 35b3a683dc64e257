import os

import numpy as np
import pytest
import soundfile

from rephase.audio.files import audio_info, read_blocks
from rephase.errors import AudioFileError


def integers(bits, frames=3000, channels=2):
    """Every kind of sample there is in an integer format, full scale included."""
    samples = np.random.default_rng(bits).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (frames, channels))
    samples[0], samples[1], samples[2] = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, 0
    return (samples << (32 - bits)).astype(np.int32)


@pytest.mark.parametrize(
    ("file_format", "subtype", "bits"),
    [
        ("WAV", "PCM_U8", 8), ("WAV", "PCM_16", 16), ("WAV", "PCM_24", 24), ("WAV", "PCM_32", 32),
        ("AIFF", "PCM_S8", 8),
        ("FLAC", "PCM_16", 16), ("FLAC", "PCM_24", 24), ("CAF", "ALAC_16", 16), ("W64", "PCM_24", 24),
        ("RF64", "PCM_16", 16),
    ],
)  # fmt: skip
def test_integers_are_read_exactly(tmp_path, file_format, subtype, bits):
    path, samples = tmp_path / "recording.bin", integers(bits)
    soundfile.write(path, samples, 44100, subtype=subtype, format=file_format)
    info = audio_info(path)
    assert (info.format, info.subtype, info.sample_rate, info.channels, info.frames) == (
        file_format, subtype, 44100, 2, 3000,
    )  # fmt: skip
    assert info.seconds == pytest.approx(3000 / 44100)
    blocks = list(read_blocks(info, block_frames=700))
    assert [block.shape[1] for block in blocks] == [700, 700, 700, 700, 200]
    assert {block.dtype for block in blocks} == {info.dtype}
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1).T * 2.0**31, samples)


@pytest.mark.parametrize(("subtype", "dtype"), [("FLOAT", np.float32), ("DOUBLE", np.float64)])
def test_floats_are_read_exactly(tmp_path, subtype, dtype):
    samples = np.random.default_rng(0).standard_normal((1000, 1)).astype(dtype) * 100
    soundfile.write(tmp_path / "a.wav", samples, 8000, subtype=subtype)
    blocks = list(read_blocks(audio_info(tmp_path / "a.wav")))
    assert blocks[0].dtype == dtype
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1).T, samples)


@pytest.mark.parametrize("name", ["a.ogg", "a.mp3", "a.opus"])
def test_lossy_codecs_are_read(tmp_path, name):
    samples = 0.3 * np.sin(np.arange(48000) / 20)
    soundfile.write(tmp_path / name, samples, 48000, **({"format": "OGG", "subtype": "OPUS"} if "opus" in name else {}))
    (block,) = read_blocks(audio_info(tmp_path / name))
    assert block.shape == (1, 48000)
    assert np.abs(block[0, 1000:-1000] - samples[1000:-1000]).mean() < 0.05


def test_the_blocks_are_about_a_second(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(20000), 8000)
    assert [block.shape[1] for block in read_blocks(audio_info(tmp_path / "a.wav"))] == [8000, 8000, 4000]


def bad_file(folder, kind):
    path = folder / f"{kind}.wav"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("dear diary,\ntoday I recorded nothing\n")
    elif kind == "no samples":
        soundfile.write(path, np.zeros(0), 16000)
    elif kind == "slow":
        soundfile.write(path, np.zeros(100), 1000)
    elif kind == "many":
        soundfile.write(path, np.zeros((10, 65)), 16000)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "headerless":
        path = folder / "headerless.raw"
        path.write_bytes(b"1234" * 100)
    elif kind == "zero byte":
        path = folder / "a\0b.wav"
    elif kind == "long name":
        path = folder / ("a" * 300 + ".wav")
    elif kind == "loop":
        path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "there is no such file"),
        ("empty", "the file is empty"),
        ("text", "this is no audio file"),
        ("no samples", "the recording has no samples"),
        ("slow", "sample rate must be 4000 to 768000 Hz, got 1000"),
        ("many", "at most 64 channels can be enhanced, got 65"),
        ("folder", "this is a folder, not a recording; .*; name the recordings in it$"),
        ("pipe", "this is no regular file"),
        ("headerless", "it has no header"),
        ("zero byte", "zero byte"),
        ("long name", "can't read it"),
        ("loop", "can't read it"),
    ],
)
def test_what_is_no_recording_is_said_in_one_line(tmp_path, kind, reason):
    path = bad_file(tmp_path, kind)
    with pytest.raises(AudioFileError, match=reason) as caught:
        audio_info(path)
    what, where, to_do = str(caught.value).split("; ")
    assert str(path) in where or "zero byte" in what
    assert len(to_do) > 8
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(10), 16000)
    (tmp_path / "a.wav").chmod(0)
    with pytest.raises(AudioFileError, match=r"Permission denied.*check its name and permissions"):
        audio_info(tmp_path / "a.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_damaged_samples_are_found_with_their_time(tmp_path, value):
    samples = np.zeros((30000, 2), np.float32)
    samples[20000, 1] = value
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(AudioFileError, match=r"at 1\.250 s, full scale is 1; .*a\.wav; "):
        list(read_blocks(audio_info(tmp_path / "a.wav")))


def test_what_is_left_of_a_truncated_wav_is_read(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(48000), 16000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:40044])
    assert sum(block.shape[1] for block in read_blocks(audio_info(path))) == 20000


def test_how_much_a_truncated_wav_lacks_is_known(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((16000, 2)), 16000, subtype="PCM_24")
    assert audio_info(path).cut_off == 0
    os.truncate(path, path.stat().st_size - 6 * 4000)
    info = audio_info(path)
    assert (info.frames, info.cut_off) == (12000, 4000)


def test_a_wav_of_more_than_two_gigabytes_may_lack_some_too(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(16000), 16000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[40:44] = (3_000_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    assert audio_info(path).frames + audio_info(path).cut_off == 1_500_000_000


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_wav_whose_header_was_never_finished_is_read_to_its_end(tmp_path, size):
    """What a recorder that lost its power leaves, and what programs write into pipes."""
    path, samples = tmp_path / "a.wav", integers(16)
    soundfile.write(path, samples, 16000, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    assert content[36:40] == b"data"
    content[4:8] = content[40:44] = size.to_bytes(4, "little")
    path.write_bytes(content)
    info = audio_info(path)
    assert (info.channels, info.sample_rate, info.frames, info.cut_off) == (2, 16000, 3000, 0)
    np.testing.assert_array_equal(np.concatenate(list(read_blocks(info)), axis=1).T * 2.0**31, samples)


def test_a_truncated_flac_is_said_to_be_damaged(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 48000), 16000)
    path.write_bytes(path.read_bytes()[:40000])
    with pytest.raises(AudioFileError, match=r"decoding fails at \d\.\d+ s .*the file is damaged"):
        list(read_blocks(audio_info(path)))


def test_a_file_that_changes_is_not_read_as_another(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(100), 16000)
    info = audio_info(path)
    soundfile.write(path, np.zeros((100, 2)), 16000)
    with pytest.raises(AudioFileError, match="the file changed"):
        list(read_blocks(info))
