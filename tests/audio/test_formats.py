from pathlib import Path

import pytest

from rephase.audio.files import AudioInfo
from rephase.audio.formats import AudioFormat, choose_format
from rephase.errors import OutputError


def recording(file_format="WAV", subtype="PCM_16", sample_rate=48000, channels=2, frames=48000):
    return AudioInfo(Path("talk.wav"), file_format, subtype, sample_rate, channels, frames)


@pytest.mark.parametrize(
    ("file_format", "subtype", "target"),
    [
        ("WAV", "PCM_U8", "a.wav"), ("WAV", "PCM_16", "a.WAV"), ("WAV", "DOUBLE", "a.wav"), ("WAV", "ULAW", "a.wav"),
        ("WAVEX", "PCM_24", "a.wav"), ("RF64", "PCM_16", "a.wav"), ("FLAC", "PCM_24", "a.flac"),
        ("OGG", "VORBIS", "a.ogg"), ("OGG", "OPUS", "a.opus"), ("OGG", "OPUS", "a.ogg"),
        ("MP3", "MPEG_LAYER_III", "a.mp3"), ("AIFF", "PCM_S8", "a.aiff"),
        ("CAF", "ALAC_24", "a.caf"), ("AU", "FLOAT", "a.au"),
    ],
)  # fmt: skip
def test_a_recordings_own_format_is_kept_without_a_word(file_format, subtype, target):
    chosen = choose_format(recording(file_format, subtype), Path(target), 48000)
    assert (chosen.format, chosen.subtype, chosen.notice) == (file_format, subtype, "")


@pytest.mark.parametrize(
    ("file_format", "subtype", "target", "expected", "notice"),
    [
        ("WAV", "PCM_24", "a.flac", ("FLAC", "PCM_24"), ""),
        ("WAV", "PCM_24", "a.caf", ("CAF", "PCM_24"), ""),
        ("WAV", "PCM_U8", "a.flac", ("FLAC", "PCM_16"), ""),
        ("CAF", "ALAC_16", "a.wav", ("WAV", "PCM_16"), ""),
        ("MP3", "MPEG_LAYER_III", "a.wav", ("WAV", "PCM_16"), ""),
        ("OGG", "OPUS", "a.flac", ("FLAC", "PCM_16"), ""),
        ("WAV", "FLOAT", "a.flac", ("FLAC", "PCM_24"), "FLAC can't be written with FLOAT"),
        ("WAV", "DOUBLE", "a.flac", ("FLAC", "PCM_24"), "PCM_24"),
        ("WAV", "PCM_32", "a.flac", ("FLAC", "PCM_24"), "PCM_24"),
        ("WAV", "PCM_16", "a.mp3", ("MP3", "MPEG_LAYER_III"), ""),
        ("WAV", "PCM_16", "a.ogg", ("OGG", "VORBIS"), ""),
        ("FLAC", "PCM_16", "a.opus", ("OGG", "OPUS"), ""),
        ("WAV", "GSM610", "a.wav", ("WAV", "PCM_16"), "can't be written with GSM610"),
        ("WAV", "IMA_ADPCM", "a.wav", ("WAV", "PCM_16"), "can't be written with IMA_ADPCM"),
    ],
)
def test_else_the_nearest_with_a_notice_where_something_is_lost_that_the_name_does_not_say(
    file_format, subtype, target, expected, notice
):
    chosen = choose_format(recording(file_format, subtype), Path(target), 48000)
    assert (chosen.format, chosen.subtype) == expected
    assert notice in chosen.notice
    assert bool(notice) == bool(chosen.notice)


def test_a_result_of_more_than_4_gb_becomes_rf64():
    chosen = choose_format(recording(subtype="FLOAT", frames=600_000_000), Path("a.wav"), 48000)
    assert (chosen.format, chosen.subtype) == ("RF64", "FLOAT")
    assert "4 GB" in chosen.notice


@pytest.mark.parametrize(
    ("target", "sample_rate", "channels", "reason"),
    [
        ("a.xyz", 48000, 2, r"can't write \.xyz; a\.xyz; choose a name that ends in one of \.wav"),
        ("a", 48000, 2, "a file without an extension; a; .* or a folder: a/"),
        ("a.mp3", 96000, 2, "MP3 can't hold 96000 Hz"),
        ("a.mp3", 48000, 6, "MP3 can't hold 6 channels, at most 2"),
        ("a.opus", 44100, 2, "Opus can't hold 44100 Hz"),
        ("a.flac", 48000, 9, "FLAC can't hold 9 channels"),
    ],
)
def test_what_a_container_cannot_hold_is_said(target, sample_rate, channels, reason):
    with pytest.raises(OutputError, match=reason):
        choose_format(recording(sample_rate=sample_rate, channels=channels), Path(target), sample_rate)


@pytest.mark.parametrize(
    ("subtype", "bits", "top", "headroom"),
    [("PCM_16", 16, 32767 / 32768, False), ("FLOAT", None, 1.0, True), ("VORBIS", None, 1.0, False)],
)
def test_what_fits(subtype, bits, top, headroom):
    chosen = AudioFormat("WAV", subtype)
    assert (chosen.bits, chosen.top, chosen.has_headroom) == (bits, top, headroom)
