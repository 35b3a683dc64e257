"""A codec changes the sound and neither its length nor where it lies in time."""

import numpy as np
import pytest
import soundfile

from rephase.degradations.codec import CODECS, through_codec


@pytest.fixture(scope="module")
def speech(example_audio):
    return soundfile.read(example_audio / "dishes-0db.clean.flac", dtype="float32")[0]


@pytest.mark.parametrize("length", [1600, 15999, 32000])
@pytest.mark.parametrize("kbps", [12.0, 48.0])
@pytest.mark.parametrize("codec", CODECS)
def test_it_is_aligned_to_the_sample(speech, codec, kbps, length):
    clean = speech[12000 : 12000 + length]
    coded = through_codec(clean, codec=codec, kbps=kbps, sample_rate=16000)
    assert coded.shape == clean.shape
    assert coded.dtype == np.float32
    spectra = [np.fft.rfft(each, 1 << 17) for each in (coded, clean)]
    correlation = np.fft.irfft(spectra[0] * spectra[1].conj())
    assert np.argmax(correlation) == 0


@pytest.mark.parametrize("codec", CODECS)
def test_fewer_bits_change_more_and_the_same_bits_the_same(speech, codec):
    clean = speech[:32000]
    errors = []
    for kbps in (12.0, 64.0):
        coded = through_codec(clean, codec=codec, kbps=kbps, sample_rate=16000)
        assert np.array_equal(coded, through_codec(clean, codec=codec, kbps=kbps, sample_rate=16000))
        errors.append(np.mean((coded - clean) ** 2) / np.mean(clean**2))
    assert 0.3 > errors[0] > 3 * errors[1] > 0


def test_an_unknown_codec_is_named():
    with pytest.raises(ValueError, match="codec must be one of opus, mp3; got 'aac'"):
        through_codec(np.zeros(100, np.float32), codec="aac", kbps=32.0, sample_rate=16000)
