"""Folders: which files are recordings, which are results of an earlier run, and what belongs where."""

import json
import os
import shutil
from pathlib import Path

import pytest

from rephase.errors import AudioFileError, OutputError
from rephase.folders import look_into
from rephase.ledger import LEDGER, entry_name


@pytest.fixture
def tree(tmp_path):
    """A folder with three recordings, two in folders below, and things that are none; nothing is opened here."""
    root = tmp_path / "recordings"
    names = ("a.wav", "b.flac", "c.MP3", "monday/c.ogg", "monday/late/a.wav", ".hidden/d.wav", "notes.txt", ".d.wav")
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def targets(found, folder):
    return [str(job.target.relative_to(folder)) for job in found.jobs]


def test_a_folder_without_those_below(tree, tmp_path):
    found = look_into(tree, tmp_path / "out")
    assert targets(found, tmp_path / "out") == ["a.wav", "b.flac", "c.MP3"]
    assert found.below == tree / "monday"
    (tree / "monday" / "c.ogg").rename(tree / "monday" / "c.txt")
    assert look_into(tree, tmp_path / "out").below is None


def test_a_whole_tree_is_mirrored(tree, tmp_path):
    found = look_into(tree, tmp_path / "out", recursive=True)
    assert targets(found, tmp_path / "out") == ["a.wav", "b.flac", "c.MP3", "monday/c.ogg", "monday/late/a.wav"]
    assert all(job.source.relative_to(tree) == job.target.relative_to(tmp_path / "out") for job in found.jobs)
    assert (found.results, found.below) == ([], None)


def test_the_output_inside_the_tree_holds_no_recordings(tree):
    out = tree / "cleaned"
    shutil.copytree(tree / "monday", out / "monday")
    found = look_into(tree, out, recursive=True)
    assert all("cleaned" not in str(job.source) for job in found.jobs)
    assert found.results == []


def test_a_result_beside_its_recording_is_left_out(tree, tmp_path):
    for name in ("a.enhanced.wav", "c.enhanced.flac", "mine.enhanced.wav"):  # of the last there is no recording
        (tree / name).write_bytes(b"x")
    found = look_into(tree, tmp_path / "out")
    assert targets(found, tmp_path / "out") == ["a.wav", "b.flac", "c.MP3", "mine.enhanced.wav"]
    assert found.results == [tree / "a.enhanced.wav", tree / "c.enhanced.flac"]


def test_what_a_ledger_below_names_is_left_out(tree, tmp_path):
    made = [tree / "monday" / "c.ogg", tree / "monday" / "late" / "a.wav"]
    lines = [json.dumps({"target": str(path.relative_to(tree / "monday"))}) for path in made]
    (tree / "monday" / LEDGER).write_text("\n".join(lines))
    (tree / "monday" / "new.wav").write_bytes(b"x")
    found = look_into(tree, tmp_path / "out", recursive=True)
    assert targets(found, tmp_path / "out") == ["a.wav", "b.flac", "c.MP3", "monday/new.wav"]
    assert found.results == made
    again = look_into(tree / "monday", tmp_path / "out", recursive=True)  # named itself, it is what is wanted
    assert len(again.jobs) == 3


def test_folders_below_that_recursive_would_not_take_are_no_hint(tree, tmp_path):
    (tree / "monday" / "c.ogg").unlink()
    (tree / "cleaned").mkdir()
    (tree / "cleaned" / "a.wav").write_bytes(b"x")
    assert look_into(tree, tmp_path / "out").below == tree / "cleaned"
    (tree / "cleaned" / LEDGER).write_text(json.dumps({"target": "a.wav"}))
    assert look_into(tree, tmp_path / "out").below is None, "an earlier run made it"
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.wav").write_bytes(b"x")
    (tree / "link").symlink_to(tmp_path / "elsewhere")
    assert look_into(tree, tmp_path / "out").below is None, "links are not followed"


def test_a_folder_below_that_cannot_be_looked_into_is_no_fault(tree, tmp_path, monkeypatch):
    look = Path.iterdir

    def refuse(path):
        if path.name == "monday":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = look_into(tree, tmp_path / "out")
    assert (len(found.jobs), found.below) == (3, None)


@pytest.mark.skipif(os.name != "posix", reason="names of any bytes are POSIX")
def test_a_result_whose_name_is_no_utf_8_is_known_again(tree, tmp_path):
    result = tree / "monday" / os.fsdecode(b"caf\xe9.wav")
    result.write_bytes(b"x")
    (tree / "monday" / LEDGER).write_text(json.dumps({"target": entry_name(tree / "monday", result)}))
    assert look_into(tree, tmp_path / "out", recursive=True).results == [result]


def test_a_folder_of_nothing_but_results_says_so(tree, tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    shutil.copytree(tree / "monday" / "late", folder / "cleaned")
    (folder / "cleaned" / LEDGER).write_text(json.dumps({"target": "a.wav"}))
    with pytest.raises(AudioFileError, match="was made by an earlier run"):
        look_into(folder, tmp_path / "out", recursive=True)


def test_a_loop_of_links_ends(tree, tmp_path):
    (tree / "monday" / "again").symlink_to(tree)
    assert len(look_into(tree, tmp_path / "out", recursive=True).jobs) == 5


def test_what_cannot_be_is_refused(tree, tmp_path):
    with pytest.raises(OutputError, match="the output is the input folder itself"):
        look_into(tree, tree.parent / "recordings")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(AudioFileError, match=r"no recording in this folder; .*empty; .*--recursive"):
        look_into(empty, tmp_path / "out")
    (tree / "a.voc").write_bytes(b"x")  # its result would be a.wav
    with pytest.raises(OutputError, match=r"a\.voc and .*a\.wav would become one file"):
        look_into(tree, tmp_path / "out")
