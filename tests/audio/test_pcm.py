import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from rephase.audio.pcm import OF_WAV, SAMPLE_TYPES, PcmFormat, read_pcm, read_wav_header, wav_header
from rephase.errors import AudioFileError


class Trickle(io.RawIOBase):
    """A pipe: not seekable, and never more than a few bytes at once."""

    def __init__(self, content, sizes=(1, 7, 100, 3)):
        self._content, self._sizes, self._turn = io.BytesIO(content), sizes, 0

    def readable(self):
        return True

    def read(self, size=-1):
        self._turn += 1
        few = self._sizes[self._turn % len(self._sizes)]
        return self._content.read(few if size < 0 else min(size, few))


@pytest.mark.parametrize("sample", SAMPLE_TYPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_bytes_become_samples_and_the_same_bytes_again(sample, channels):
    pcm = PcmFormat(16000, channels, sample)
    content = np.random.default_rng(0).bytes(pcm.frame_bytes * 500)
    if SAMPLE_TYPES[sample].is_float:
        content = np.random.default_rng(0).standard_normal(500 * channels).astype(SAMPLE_TYPES[sample].dtype).tobytes()
    block = pcm.decoded(content)
    assert block.shape == (channels, 500)
    assert pcm.encoded(block) == content
    if not SAMPLE_TYPES[sample].is_float:
        assert np.abs(block).max() <= 1


@pytest.mark.parametrize(("sample", "subtype"), [("s16le", "PCM_16"), ("s24le", "PCM_24"), ("f32le", "FLOAT")])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_stream_is_what_libsndfile_writes_and_reads(tmp_path, sample, subtype, channels):
    samples = np.random.default_rng(0).uniform(-1, 1, (1000, channels))
    soundfile.write(tmp_path / "a.wav", samples, 44100, subtype=subtype)
    content = (tmp_path / "a.wav").read_bytes()
    stream = Trickle(content)
    pcm, size = read_wav_header(stream)
    assert (pcm, size) == (PcmFormat(44100, channels, sample), 1000 * pcm.frame_bytes)
    block = np.concatenate(list(read_pcm(stream, pcm, size, 100)), axis=1)
    np.testing.assert_array_equal(block.T, soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)[0])
    (tmp_path / "b.wav").write_bytes(wav_header(pcm) + pcm.encoded(block))
    again, rate = soundfile.read(tmp_path / "b.wav", dtype="float32", always_2d=True)
    assert rate == 44100
    np.testing.assert_array_equal(again, block.T)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000, 400])
def test_the_length_may_be_unknown(size):
    pcm = PcmFormat(16000, 1, "s16le")
    header = wav_header(pcm)[:-4] + struct.pack("<I", size)
    stream = io.BytesIO(header + bytes(1000) + b"LIST")
    found, known = read_wav_header(stream)
    assert (found, known) == (pcm, 400 if size == 400 else None)
    assert sum(block.shape[1] for block in read_pcm(stream, pcm, known, 50)) == (200 if size == 400 else 502)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_however_it_trickles_the_samples_are_the_same(sizes):
    pcm = PcmFormat(16000, 2, "s24le")
    content = np.random.default_rng(0).bytes(6 * 300 + 5)  # a frame that was cut off
    notices: list[str] = []
    blocks = list(read_pcm(Trickle(content, sizes), pcm, None, 100, notices=notices))
    assert notices == ["the last 5 bytes are left out: a sample of 2 channels (s24le) has 6 bytes"]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), pcm.decoded(content[: 6 * 300]))
    assert max(block.shape[1] for block in blocks) <= 101


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "nothing came through the pipe"),
        (b"RIFF", "the pipe ended within its header"),
        (b"ID3\x03" + bytes(100), "is no WAV"),
        (b"RIFF\xff\xff\xff\xffWAVEdata\x00\x00\x00\x00", "doesn't say what its samples are"),
        (b"RIFF\xff\xff\xff\xffWAVEjunk\xff\xff\xff\xff" + bytes(100), "is damaged"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt \x02\x00\x00\x00\x01\x00", "is damaged"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 2, 1, 16000, 1, 1, 4), "isn't plain"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 0, 16000, 1, 1, 16), "0 channels"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 1, 1, 10, 1, 1, 16), "sample rate must be"),
    ],
)
def test_what_is_no_wav_is_one_line(content, reason):
    with pytest.raises(AudioFileError, match=reason) as caught:
        read_wav_header(io.BytesIO(content))
    assert "\n" not in str(caught.value)


def test_headers_name_what_they_can():
    for sample in OF_WAV:
        assert read_wav_header(io.BytesIO(wav_header(PcmFormat(8000, 2, sample))))[0].sample == sample
