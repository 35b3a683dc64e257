"""Files come out of their pieces as they went in, or not at all."""

import json
import random

import pytest


@pytest.fixture
def parcel(tmp_path):
    """Files of 0, 1 and several pieces, of which one ends exactly where a piece does."""
    from pieces import cut, write_manifest

    random.seed(0)
    contents = {"empty": b"", "a/small.txt": b"small", "a/even": random.randbytes(3000), "big": random.randbytes(2500)}
    folder = tmp_path / "parcel"
    (tmp_path / "big").write_bytes(contents["big"])
    given = contents | {"big": tmp_path / "big"}
    files = {name: cut(given[name], name, folder, 1000) for name in given}
    write_manifest(folder, files, kind="test")
    return folder, contents


def test_no_piece_is_larger_than_asked_and_all_are_there(parcel):
    folder, _ = parcel
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    assert sizes.pop("manifest.json")
    assert sizes == {
        "empty": 0, "a/small.txt": 5, "a/even.000": 1000, "a/even.001": 1000, "a/even.002": 1000,
        "big.000": 1000, "big.001": 1000, "big.002": 500,
    }  # fmt: skip


def test_files_come_out_as_they_went_in(parcel, tmp_path):
    from pieces import join

    folder, contents = parcel
    for _ in range(2):  # what is whole already stays
        join(folder, tmp_path / "out")
        found = {p.relative_to(tmp_path / "out").as_posix(): p for p in (tmp_path / "out").rglob("*") if p.is_file()}
        assert {name: path.read_bytes() for name, path in found.items()} == contents
    (tmp_path / "out" / "big").write_bytes(b"other")
    join(folder, tmp_path / "out")
    assert (tmp_path / "out" / "big").read_bytes() == contents["big"]


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda path: path.unlink(), r"a piece is missing; .*big\.001; copy the folder once more"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), r"a piece is damaged: .*big\.001; copy it once"),
        (lambda path: path.write_bytes(b""), r"a piece is damaged: .*big\.001"),
    ],
)
def test_a_harmed_piece_is_named_and_nothing_of_its_file_is_left(parcel, tmp_path, harm, message):
    from pieces import PieceError, join

    folder, _ = parcel
    harm(folder / "big.001")
    with pytest.raises(PieceError, match=message):
        join(folder, tmp_path / "out")
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith("big")]


def test_a_manifest_can_not_write_outside_of_its_folder(parcel, tmp_path):
    from pieces import PieceError, join

    folder, _ = parcel
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["../escaped"] = manifest["files"].pop("big")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(PieceError, match=r"a file lies outside of its folder \(\.\./escaped\)"):
        join(folder, tmp_path / "out")
    (folder / "manifest.json").write_text("{")
    with pytest.raises(PieceError, match=r"the manifest is damaged .*copy the folder once more"):
        join(folder, tmp_path / "out")
