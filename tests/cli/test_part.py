"""`--start` and `--end`: a part is enhanced, the rest stays bit for bit where the format allows it."""

import numpy as np
import pytest
import soundfile

from rephase.cli.times import seconds_of, spoken

SECONDS = 24


@pytest.fixture(scope="module")
def speech(example_audio):
    samples, _ = soundfile.read(example_audio / "dishes-0db.degraded.flac", dtype="float64")
    return np.resize(samples, SECONDS * 16000)


@pytest.mark.parametrize(
    ("name", "subtype", "dtype"),
    [("a.wav", "PCM_16", "int16"), ("a.wav", "PCM_24", "int32"), ("a.flac", "PCM_24", "int32"),
     ("a.wav", "FLOAT", "float32"), ("a.wav", "DOUBLE", "float64"), ("a.wav", "ALAW", "int16")],
)  # fmt: skip
def test_the_rest_stays_bit_for_bit(rephase, speech, tmp_path, name, subtype, dtype):
    loud = speech / np.abs(speech).max()  # so loud that enhancing may clip
    soundfile.write(tmp_path / name, np.stack([loud, 0.1 * loud], axis=1), 16000, subtype=subtype)
    outcome = rephase("enhance", tmp_path / name, "-o", tmp_path / f"out-{name}", "--start", "0:12", "--end", "14.5")
    assert outcome.code == 0
    before, after = (soundfile.read(tmp_path / n, dtype=dtype)[0] for n in (name, f"out-{name}"))
    assert after.shape == before.shape
    changed = np.flatnonzero((before != after).any(axis=1)) / 16000
    assert 12 <= changed.min() < 12.01
    assert 14.49 < changed.max() < 14.5
    assert outcome.err == ""


def test_the_part_is_about_what_it_is_in_the_whole(rephase, speech, tmp_path):
    soundfile.write(tmp_path / "a.wav", speech, 16000, subtype="FLOAT")
    assert rephase("enhance", tmp_path / "a.wav", "-o", tmp_path / "whole.wav").code == 0
    assert rephase("enhance", tmp_path / "a.wav", "-o", tmp_path / "part.wav", "--start", "15", "--end", "20").code == 0
    whole, part = (soundfile.read(tmp_path / name)[0] for name in ("whole.wav", "part.wav"))
    inner = slice(round(15.1 * 16000), round(19.9 * 16000))
    error = np.sum((whole - part)[inner] ** 2) / np.sum(whole[inner] ** 2)
    assert 10 * np.log10(error) < -60


def test_no_click_at_the_edges(rephase, speech, tmp_path):
    """The step from one sample to the next is never larger at an edge than elsewhere."""
    soundfile.write(tmp_path / "a.wav", speech, 16000, subtype="FLOAT")
    rephase("enhance", tmp_path / "a.wav", "-o", tmp_path / "b.wav", "--start", "11.3", "--end", "13.7")
    after = soundfile.read(tmp_path / "b.wav")[0]
    second = np.abs(np.diff(after, 2))  # a step lies far above what speech and noise have there
    for edge in (11.3, 13.7):
        at = round(edge * 16000)
        near, around = second[at - 80 : at + 80], second[at - 4000 : at + 4000]
        assert near.max() <= around.max()
        assert np.mean(near**2) < 8 * np.mean(around**2)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.ogg", [], "the rest is not enhanced, but encoded again: VORBIS is lossy"),
        ("a.wav", ["--output-rate", "22050"], "the rest is not enhanced, but converted from 16000 to 22050 Hz"),
    ],
)
def test_where_the_rest_changes_it_is_said(rephase, speech, tmp_path, identity_model, name, options, words):
    soundfile.write(tmp_path / name, speech, 16000)
    outcome = rephase("enhance", tmp_path / name, "--model", identity_model, "--start", "2", "--end", "3", *options)
    assert outcome.code == 0
    assert words in outcome.err
    assert rephase("enhance", tmp_path / name, "--model", identity_model, "--overwrite", *options).err == ""


def test_a_start_beyond_the_end_is_one_line(rephase, speech, tmp_path, identity_model):
    soundfile.write(tmp_path / "a.wav", speech, 16000)
    outcome = rephase("enhance", tmp_path / "a.wav", "--model", identity_model, "--start", "1:00")
    assert outcome.code == 2
    assert "the part begins at 60 s, but the recording ends at 24.000 s" in outcome.error
    assert not (tmp_path / "a.enhanced.wav").exists()


def test_the_part_counts_among_the_settings(rephase, speech, tmp_path, identity_model):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", speech, 16000)
    arguments = ["enhance", tmp_path / "in", "-o", tmp_path / "out", "--model", identity_model]
    for options, expected in [
        (["--end", "3"], "1 enhanced"), (["--end", "0:03"], "1 done before"), (["--end", "4"], "1 enhanced"),
        (["--start", "1", "--end", "4"], "1 enhanced"), ([], "1 enhanced"),
    ]:  # fmt: skip
        assert expected in rephase(*arguments, *options).out


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "nan", "1e3", "1:", "12s"])
def test_what_is_no_time_is_refused(text):
    import typer

    with pytest.raises(typer.BadParameter, match="must be seconds or h:m:s"):
        seconds_of(text, "--start")


@pytest.mark.parametrize("text", ["1:99", "1:60", "0:60:00", "1:02:60.5", "1:75:00"])
def test_what_runs_over_after_a_colon_is_refused(text):
    import typer

    with pytest.raises(typer.BadParameter, match=f"minutes and seconds after a colon must be below 60, got '{text}'"):
        seconds_of(text, "--end")


def test_times_and_durations():
    assert [seconds_of(text, "") for text in ("0", "7.25", "1:30", "100:00", "2:00:00.5")] == [
        0,
        7.25,
        90,
        6000,
        7200.5,
    ]
    assert [spoken(value) for value in (0.0, 59.0, 600.0, 7200.0)] == [
        "under 1 s",
        "about 59 s",
        "about 10 min",
        "about 2.0 h",
    ]
