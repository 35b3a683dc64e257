"""Which files belong together, and what is said of those that have no partner."""

import pytest

from rephase.evaluation.catalogue import EvaluationError
from rephase.evaluation.items import items_of_folders, items_of_list


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"RIFF")
    return folder


def by_name(items):
    return {item.name: item for item in items}


def test_mirrored_trees_match_whatever_the_extension(tmp_path):
    clean = touch(tmp_path / "clean", "a/1.wav", "a/2.flac", "b/1.wav")
    enhanced = touch(tmp_path / "enhanced", "a/1.flac", "a/2.enhanced.wav", "b/1.wav")
    items = by_name(items_of_folders(enhanced, clean))
    assert list(items) == ["a/1", "a/2", "b/1"]
    assert items["a/2"].estimate == enhanced / "a/2.enhanced.wav"
    assert items["b/1"].conditions == {"folder": "b"}
    assert not any(item.problem for item in items.values())


def test_a_flat_folder_matches_a_tree_by_names_that_are_there_once(tmp_path):
    clean = touch(tmp_path / "clean", "a/1.wav", "b/2.wav")
    enhanced = touch(tmp_path / "enhanced", "1.wav", "2.wav")
    assert [item.estimate for item in items_of_folders(enhanced, clean)] == [enhanced / "1.wav", enhanced / "2.wav"]
    twice = touch(tmp_path / "twice", "x/1.wav", "y/1.wav", "2.wav")
    items = by_name(items_of_folders(twice, clean))
    assert "no estimate of this name" in items["a/1"].problem  # which of both is not known
    assert items["b/2"].estimate == twice / "2.wav"


def test_every_file_without_a_partner_is_an_item_with_a_reason(tmp_path):
    clean = touch(tmp_path / "clean", "1.wav", "2.wav")
    enhanced = touch(tmp_path / "enhanced", "2.wav", "3.wav")
    noisy = touch(tmp_path / "noisy", "1.wav", "3.wav")
    items = by_name(items_of_folders(enhanced, clean, noisy))
    assert list(items) == ["1", "2", "3"]
    assert "no estimate of this name" in items["1"].problem
    assert "no degraded recording of this name" in items["2"].problem
    assert "no reference of this name" in items["3"].problem
    assert items["2"].conditions == {}  # all lie in one folder: no condition


def test_hidden_files_and_other_files_are_no_recordings(tmp_path):
    folder = touch(tmp_path / "enhanced", "1.wav", ".2.wav", ".hidden/3.wav", "notes.txt")
    assert [item.name for item in items_of_folders(folder)] == ["1"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [([], "no such folder"), (["notes.txt"], "no recording"), (["1.wav", "1.flac"], "the same name")],
)
def test_a_folder_that_can_not_be_matched_is_an_error(names, reason, tmp_path):
    touch(tmp_path / "enhanced", *names)
    with pytest.raises(EvaluationError, match=reason):
        items_of_folders(tmp_path / "enhanced")


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_names_files_and_conditions(tmp_path):
    touch(tmp_path, "c/1.wav", "n/1.wav", "e/1.wav")
    items = items_of_list(written(tmp_path / "l.csv", "clean,noisy,enhanced,snr_db,room\nc/1.wav,n/1.wav,e/1.wav,5,\n"))
    assert items[0].name == "1"
    assert items[0].reference == tmp_path / "c/1.wav"
    assert items[0].degraded == tmp_path / "n/1.wav"
    assert items[0].estimate == tmp_path / "e/1.wav"
    assert items[0].conditions == {"snr_db": "5"}
    assert not items[0].problem


def test_a_list_of_ids_finds_its_files_beside_it(tmp_path):
    touch(tmp_path, "denoise/clean/0.flac", "denoise/degraded/0.wav")
    path = written(tmp_path / "l.csv", "task,id,band_hz\ndenoise,0,4000\ndenoise,1,\n")
    first, second = items_of_list(path)
    assert first.name == "denoise/0"
    assert first.degraded == tmp_path / "denoise/degraded/0.wav"
    assert first.cut_off_hz == 4000
    assert first.conditions == {"task": "denoise", "band_hz": "4000"}
    assert "no reference file" in second.problem
    assert second.cut_off_hz is None


def test_a_list_takes_its_estimates_from_a_folder(tmp_path):
    touch(tmp_path, "denoise/clean/0.flac", "denoise/degraded/0.flac", "system/denoise/0.wav")
    path = written(tmp_path / "l.csv", "task,id\ndenoise,0\n")
    assert items_of_list(path, tmp_path / "system")[0].estimate == tmp_path / "system/denoise/0.wav"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "holds no items"),
        ("clean,noisy\n", "holds no items"),
        ("a,b\n1,2\n", "names no files"),
        ("id\n0\n0\n", "two items are called 0"),
        ("name,clean\n../x,c.wav\n", "can't be called"),
        ('clean\n""\n', "names no file"),
    ],
)
def test_a_list_that_can_not_be_read_is_an_error(text, reason, tmp_path):
    with pytest.raises(EvaluationError, match=reason):
        items_of_list(written(tmp_path / "l.csv", text))
    with pytest.raises(EvaluationError, match="there is no such list of items"):
        items_of_list(tmp_path / "no.csv")


def test_an_id_is_a_name_and_no_pattern(tmp_path):
    touch(tmp_path / "clean", "talk[1].flac", "talk1.flac", "talk.other.wav", "talk.wav")
    touch(tmp_path / "degraded", "talk[1].flac", "talk1.flac", "talk.other.wav", "talk.wav")
    (tmp_path / "list.csv").write_text("id\ntalk[1]\ntalk\n")
    found = items_of_list(tmp_path / "list.csv")
    assert [item.reference.name for item in found] == ["talk[1].flac", "talk.wav"]
    for bad in ("/etc/passwd", "../talk"):
        (tmp_path / "list.csv").write_text(f"id\n{bad}\n")
        with pytest.raises(EvaluationError, match="an id can't be"):
            items_of_list(tmp_path / "list.csv")
