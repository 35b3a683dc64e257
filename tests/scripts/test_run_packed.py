"""What a packed run goes on from, and what it leaves."""

import json

import pytest


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """A pack with the checkpoint `packed`, that is not run."""
    import run_packed

    monkeypatch.setattr(run_packed, "WORK", tmp_path / "pack" / "work")
    monkeypatch.setattr(run_packed, "RUN", tmp_path / "pack" / "run")
    put(run_packed.WORK / "run", b"packed")
    (run_packed.WORK / "experiment.yaml").write_text("home")
    return run_packed


def put(run, content):
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").write_bytes(content)
    (run / "experiment.yaml").write_text("there")


def delivered(run_packed, folder, content, **manifest):
    """An output folder, left by a run of a pack with that manifest."""
    put(run_packed.RUN, content)
    run_packed.deliver(folder, 4, manifest)
    for path in sorted(run_packed.RUN.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run_packed.RUN.rmdir()
    return folder


def taken(run_packed, out, **manifest):
    run_packed.take_up(out, manifest)
    return (run_packed.RUN / "checkpoints" / "last.ckpt").read_bytes()


def test_without_an_output_it_goes_on_from_what_was_packed(packed, tmp_path):
    assert taken(packed, tmp_path / "none", id="a", began_with=None) == b"packed"


def test_its_own_folder_comes_first(packed, tmp_path):
    out = delivered(packed, tmp_path / "out", b"delivered", id="a", began_with=None)
    put(packed.RUN, b"own")
    assert taken(packed, out, id="a", began_with=None) == b"own"


def test_then_its_own_output(packed, tmp_path):
    out = delivered(packed, tmp_path / "out", b"delivered", id="a", began_with=None)
    assert taken(packed, out, id="a", began_with=None) == b"delivered"
    assert (packed.RUN / "experiment.yaml").read_text() == "home", "as it is called at home"


def test_a_pack_that_goes_on_from_an_output_may_write_to_it_again(packed, tmp_path):
    out = delivered(packed, tmp_path / "out", b"delivered", id="a", began_with=None)
    reached = json.loads((out / "manifest.json").read_text())["files"]["checkpoints/last.ckpt"]["sha256"]
    assert taken(packed, out, id="b", began_with=reached) == b"packed"


def test_an_output_of_another_pack_is_refused(packed, tmp_path):
    from pieces import PieceError

    out = delivered(packed, tmp_path / "out", b"delivered", id="a", began_with=None)
    for manifest in ({"id": "b", "began_with": None}, {"id": "b", "began_with": "another"}):
        with pytest.raises(PieceError, match=r"the output folder holds what another pack left; .*name another one"):
            packed.take_up(out, manifest)


def test_an_output_is_replaced_whole(packed, tmp_path):
    out = delivered(packed, tmp_path / "out", b"0123456789", id="a", began_with=None)
    pieces = {"checkpoints/last.ckpt.000", "checkpoints/last.ckpt.001", "checkpoints/last.ckpt.002"}
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {"manifest.json", "experiment.yaml", *pieces}
    delivered(packed, out, b"0123", id="a", began_with=None)
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert files == {"manifest.json", "experiment.yaml", "checkpoints/last.ckpt"}


def test_another_machine_is_told_from_the_right_one(packed):
    from pieces import PieceError

    with pytest.raises(
        PieceError, match=r"the wheels in this pack are for Python 2\.7 Plan9 pdp11, here is .*--python"
    ):
        packed.check_target({"target": ["2.7", "Plan9", "pdp11"], "missing_metrics": []})
