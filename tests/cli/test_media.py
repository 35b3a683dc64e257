"""Videos and other media files on the command line: one file, a folder, and what they are."""

import json

import av
import pytest

from ..audio.media.conftest import Sound, copied, film


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "recordings"
    root.mkdir()
    film(root / "holiday.mp4", Sound("aac", 44100, language="eng"), chapters=True, tags={"title": "Holiday"})
    film(root / "memo.m4a", Sound("aac", 44100), video="")
    film(root / "two.mkv", Sound("libopus", 48000), Sound("flac", 16000, clip="hallway"))
    film(root / "silent.mp4")
    return root


def test_a_film_is_enhanced_beside_its_input(rephase, folder):
    outcome = rephase("enhance", folder / "holiday.mp4")
    assert (outcome.code, outcome.err) == (0, "")
    assert "holiday.enhanced.mp4  (3." in outcome.out
    assert copied(folder / "holiday.enhanced.mp4") == copied(folder / "holiday.mp4")
    with av.open(str(folder / "holiday.enhanced.mp4")) as container:
        assert container.metadata["comment"].startswith("rephase ")
        assert container.metadata["comment"].endswith(" renet-lite")


def test_a_folder_of_films_goes_on_where_it_was(rephase, folder, tmp_path, identity_model):
    arguments = ("enhance", folder, "-o", tmp_path / "out", "--model", identity_model)
    first = rephase(*arguments, "--report", tmp_path / "report.json")
    assert first.code == 1
    assert first.out.startswith("3 enhanced (9.")
    assert "silent.mp4" in first.err
    assert "there is no sound in it" in first.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        ".rephase.jsonl", "holiday.mp4", "memo.m4a", "two.mkv",
    ]  # fmt: skip
    assert json.loads((tmp_path / "report.json").read_text())["settings"]["track"] is None
    assert "3 done before" in rephase(*arguments).out
    assert rephase(*arguments, "--track", "1").out.startswith("3 enhanced"), "other settings, another result"


def test_format_names_the_container(rephase, folder, tmp_path, identity_model):
    model = ("--model", identity_model)
    assert rephase("enhance", folder / "memo.m4a", "--format", "flac", *model).code == 0
    assert (folder / "memo.enhanced.flac").is_file()
    (folder / "silent.mp4").unlink()
    assert rephase("enhance", folder, "-o", tmp_path / "out", "--format", ".M4A", *model).code == 0
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir() if path.suffix != ".jsonl") == [".m4a"] * 3
    outcome = rephase("enhance", folder / "memo.m4a", "--format", "docx", *model)
    assert outcome.code == 2
    assert ".docx" in outcome.error


def test_a_track_that_is_not_there(rephase, folder, identity_model):
    outcome = rephase("enhance", folder / "two.mkv", "--track", "3", "--model", identity_model)
    assert outcome.code == 2
    assert "there is no audio track 3" in outcome.error


def test_info_lists_streams_and_measures_each_track(rephase, folder):
    outcome = rephase("info", folder / "two.mkv", folder / "holiday.mp4")
    assert outcome.code == 0
    for words in (
        "stream 0  video: mpeg4, 64 x 48, 25 frames/s",
        "stream 1  audio: opus, 48000 Hz, mono",
        "audio track  2 of 2",
        "format  MKV, flac, PCM_16",
        "format  MP4, aac",
        "chapters  2",
        "title  Holiday",
        "44100 Hz, mono",
        ", eng",
    ):
        assert words in outcome.out, words
    assert outcome.out.count("dBFS") == 6
