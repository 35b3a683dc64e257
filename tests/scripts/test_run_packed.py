"""What a packed run goes on from, and what it leaves."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys

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


def test_an_output_of_another_pack_is_refused_by_a_run_that_goes_on_in_its_own_folder_too(packed, tmp_path):
    from pieces import PieceError

    out = delivered(packed, tmp_path / "out", b"delivered", id="a", began_with=None)
    reached = json.loads((out / "manifest.json").read_text())["files"]["checkpoints/last.ckpt"]["sha256"]
    put(packed.RUN, b"own")
    with pytest.raises(PieceError, match=r"the output folder holds what another pack left"):
        packed.take_up(out, {"id": "b", "began_with": "another"})
    assert taken(packed, out, id="b", began_with=reached) == b"own"


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
        packed.check_target({"target": ["2.7", "Plan9", "pdp11"], "missing_metrics": [], "there": []})


def test_a_package_that_was_said_to_be_there_is_looked_for(packed):
    from pieces import PieceError

    here = [f"{sys.version_info.major}.{sys.version_info.minor}", platform.system(), platform.machine()]
    manifest = {"target": here, "missing_metrics": [], "there": ["pip", "no-such-package"]}
    with pytest.raises(PieceError, match=r"no-such-package was said to be here and isn't; .*without --there"):
        packed.check_target(manifest)


class Killed(BaseException):
    """What a test ends a delivery with."""


def ended_at(step, action):
    """Runs an action, but ends it before that line of `deliver`; whether it got there."""
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == step:
                raise Killed
        return trace

    before = sys.gettrace()
    sys.settrace(lambda frame, *_: trace if frame.f_code.co_name == "deliver" else None)
    try:
        action()
    except Killed:
        return True
    finally:
        sys.settrace(before)
    return False


def test_whenever_a_delivery_ends_the_output_is_whole(packed, tmp_path):
    from pieces import join

    put(packed.RUN, b"0123456789")
    out, manifest, step, seen = tmp_path / "out", {"id": "a", "began_with": None}, 0, []
    reached = True
    while reached:
        step += 1
        shutil.rmtree(out, ignore_errors=True)
        for content in (b"0123456789", b"abcdefgh"):
            (packed.RUN / "checkpoints" / "last.ckpt").write_bytes(content)
            if content == b"0123456789":
                packed.deliver(out, 4, manifest)
            else:
                reached = ended_at(step, lambda: packed.deliver(out, 4, manifest))
        join(out, tmp_path / f"joined-{step}")  # checks every piece
        seen.append((tmp_path / f"joined-{step}" / "checkpoints" / "last.ckpt").read_bytes())
        packed.deliver(out, 4, manifest)
        files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
        assert files >= {"manifest.json", "experiment.yaml", "checkpoints/last.ckpt.000", "checkpoints/last.ckpt.001"}
        assert not [folder for folder in packed.HOLDING if (out / folder).exists()]
    assert len(seen) > 20
    assert seen == sorted(seen), "the earlier one, and from some line on the new one"
    assert set(seen) == {b"0123456789", b"abcdefgh"}


def test_a_delivery_is_not_disturbed_by_signals(packed, tmp_path, monkeypatch):
    cut, came = packed.cut, []

    def disturbed(*arguments):
        for number in packed.ENDING_SIGNALS:
            os.kill(os.getpid(), number)
        return cut(*arguments)

    monkeypatch.setattr(packed, "cut", disturbed)
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in packed.ENDING_SIGNALS}
    try:
        delivered(packed, tmp_path / "out", b"0123", id="a", began_with=None)
        assert came == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert came == [signal.SIGTERM], "it listens again"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_run_that_does_not_end_is_ended_and_delivered(scripts, tmp_path):
    from pieces import cut, join, write_manifest

    pack, out = tmp_path / "pack", tmp_path / "out"
    stubborn = (
        b"import os, pathlib, signal, time\n"
        b"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        b"pathlib.Path('process').write_text(str(os.getpid()))\n"
        b"time.sleep(600)\n"
    )
    contents = {"code/rephase/__init__.py": b"", "code/rephase/__main__.py": stubborn, "experiment.yaml": b"home"}
    files = {name: cut(content, name, pack / "pieces", 1000) for name, content in contents.items()}
    here = [f"{sys.version_info.major}.{sys.version_info.minor}", platform.system(), platform.machine()]
    write_manifest(pack, files, id="a", began_with=None, missing_metrics=[], there=[], target=here, changes=[])
    shutil.copy(scripts / "run_packed.py", pack / "run.py")
    shutil.copy(scripts / "pieces.py", pack / "pieces.py")
    (pack / "libraries").mkdir()
    (pack / "libraries" / ".installed").touch()  # no wheels are needed
    put(pack / "run", b"reached")
    command = [sys.executable, pack / "run.py", "--max-minutes", "0.1", "--finish-minutes", "0.04", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: the run was not done in time and was ended"), done.stderr
    assert "Traceback" not in done.stderr
    join(out, tmp_path / "joined")
    assert (tmp_path / "joined" / "checkpoints" / "last.ckpt").read_bytes() == b"reached"
    with pytest.raises(ProcessLookupError):
        os.kill(int((pack / "work" / "process").read_text()), 0)


def test_a_run_needs_time_for_its_end(packed, monkeypatch):
    from pieces import PieceError

    monkeypatch.setattr(sys, "argv", ["run.py", "--max-minutes", "25", "--finish-minutes", "0"])
    with pytest.raises(PieceError, match=r"finish_minutes must be more than 0; got 0\. Try"):
        packed.main()
