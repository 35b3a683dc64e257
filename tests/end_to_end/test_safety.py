"""Inputs and places that bite: each ends in one line and exit code 2, and nothing is lost."""

import ctypes
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.skipif(os.name != "posix", reason="FIFOs, devices and limits are POSIX")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def command(*arguments, **options):
    line = [sys.executable, "-m", "rephase", "enhance", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False, **options)


def check_refused(done, *words):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("rephase: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


@pytest.fixture
def recording(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    soundfile.write(folder / "talk.wav", 0.1 * np.sin(np.arange(32000) / 9), 16000)
    return folder / "talk.wav"


@pytest.mark.parametrize(
    ("name", "word"),
    [("/dev/zero", "no regular file"), ("/dev/null", "no regular file"), ("/dev/stdin", "no regular file"),
     ("/proc/self/mem", ""), ("/proc/cpuinfo", ""), ("/sys", "folder")],
)  # fmt: skip
def test_devices_and_the_like_are_no_recordings(name, word, identity_model, tmp_path):
    if not Path(name).exists():
        pytest.skip("not on this system")
    arguments = (name, "-o", f"{tmp_path}/", "--model", identity_model)
    check_refused(command(*arguments, stdin=subprocess.PIPE), word)
    assert names(tmp_path) == []


def test_a_fifo_is_no_recording_and_nobody_waits_for_it(tmp_path, identity_model):
    os.mkfifo(tmp_path / "talk.wav")
    check_refused(command(tmp_path / "talk.wav", "--model", identity_model), "no regular file")
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a" / "talk.wav")
    check_refused(
        command(tmp_path / "a", "-o", tmp_path / "b", "--model", identity_model), "no recording in this folder"
    )


@pytest.mark.parametrize(
    "output", ["/dev/null", "/dev/full", "{folder}/pipe.wav", "{folder}/loop.wav", "{folder}/talk.wav/x.wav"]
)
def test_places_that_hold_no_result(recording, identity_model, output):
    folder = recording.parent
    os.mkfifo(folder / "pipe.wav")
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    before, content = names(folder), recording.read_bytes()
    check_refused(command(recording, "-o", output.format(folder=folder), "--model", identity_model))
    assert names(folder) == before
    assert recording.read_bytes() == content


def test_loops_of_links_end(recording, identity_model, tmp_path):
    folder = recording.parent
    (folder / "again").symlink_to(folder)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    (folder / "nowhere.wav").symlink_to(folder / "no such file")
    done = command(folder, "-o", tmp_path / "out", "--recursive", "--model", identity_model)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 enhanced")
    check_refused(command(folder / "loop.wav", "--model", identity_model), "loop.wav")


@pytest.mark.parametrize(
    "name",
    ["two\nlines.wav", "🎙️ 会議 é.wav", "-o.wav", " .wav", "a'b\"c;$(x)`.wav", "\x1b[2Jclear.wav", "x" * 251 + ".wav"],
)
def test_names_of_all_kinds(recording, identity_model, tmp_path, name):
    source = recording.rename(recording.with_name(name))
    done = command("--model", identity_model, "-o", tmp_path / "out.wav", "--", source)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert done.stdout.count("\n") == 1
    assert soundfile.info(tmp_path / "out.wav").frames == 32000
    (tmp_path / "out.wav").unlink()
    done = command(source.parent, "-o", tmp_path / "out", "--model", identity_model)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / name).is_file()
    assert "1 done before" in command(source.parent, "-o", tmp_path / "out", "--model", identity_model).stdout


def test_a_name_with_no_room_for_ours_says_so(recording, identity_model):
    source = recording.rename(recording.with_name("x" * 251 + ".wav"))
    check_refused(command(source, "--model", identity_model), "File name too long", "choose another name")
    assert names(source.parent) == [source.name]


def test_a_full_disk_loses_nothing(recording, identity_model, tmp_path):
    folder = recording.parent
    soundfile.write(folder / "long.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 200_000), 16000)

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    check_refused(command(folder / "long.wav", "--model", identity_model, preexec_fn=small), "free space")
    assert names(folder) == ["long.wav", "talk.wav"]
    done = command(folder, "-o", tmp_path / "out", "--model", identity_model, preexec_fn=small)
    assert done.returncode == 1
    assert "1 of 2 inputs failed" in done.stderr
    assert [name for name in names(tmp_path / "out") if not name.startswith(".rephase.jsonl")] == ["talk.wav"]
    assert command(folder, "-o", tmp_path / "out", "--model", identity_model).returncode == 0


@pytest.mark.parametrize("name", ["talk.wav", "talk.mp3", "talk.m4a"])
@pytest.mark.parametrize("room", [0, 50, 1500])
def test_a_disk_that_is_full_from_the_start_or_soon_is_said(recording, identity_model, tmp_path, name, room):
    """Before the header, within it, and among the first samples: libraries in C tell each in their own way."""
    source = tmp_path / name
    tagged = ("-o", source, "--model", identity_model)
    assert command(recording, *tagged).returncode == 0, "so that it has tags, which are written first"

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    (tmp_path / "out").mkdir()
    done = command(source, "-o", tmp_path / "out" / name, "--model", identity_model, preexec_fn=full)
    check_refused(done, "can't write the output", "free space", name)
    assert names(tmp_path / "out") == []


def test_a_full_disk_for_the_ledger_or_the_report_is_said(recording, identity_model, tmp_path):
    def tiny():
        resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))

    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".rephase.jsonl").write_text("x" * 70_000)
    arguments = (recording.parent, "-o", tmp_path / "out", "--model", identity_model)
    done = command(*arguments, preexec_fn=tiny)
    assert done.returncode == 2
    assert "can't write the ledger" in done.stderr
    assert names(tmp_path / "out") == [".rephase.jsonl"], "what no ledger knows would be in the way of a rerun"
    (tmp_path / "out" / ".rephase.jsonl").write_text("")
    assert command(*arguments).returncode == 0


def test_an_input_that_vanishes_or_is_cut_while_it_is_read(identity_model, tmp_path):
    """Both end in a whole result or one line; the recording that is left is as it was left."""
    for what in ("vanishes", "is cut"):
        source, target = tmp_path / "long.wav", tmp_path / "out.wav"
        soundfile.write(source, np.zeros((16000 * 1200, 1), np.int16), 16000)
        process = subprocess.Popen(
            [sys.executable, "-m", "rephase", "enhance", source, "-o", target, "--model", identity_model],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".rephase-*")) and time.monotonic() < deadline:
            time.sleep(0.005)
        if what == "vanishes":
            source.unlink()
        else:
            os.truncate(source, 1_000_000)
        _, error = process.communicate(timeout=120)
        assert "Traceback" not in error
        if process.returncode == 0:
            frames = soundfile.info(target).frames
            assert frames == 16000 * 1200 or f"{frames / 16000:.3f} s could be read" in error
            target.unlink()
        else:
            assert (process.returncode, error.count("\n")) == (2, 1)
        source.unlink(missing_ok=True)
        assert names(tmp_path) == []


def test_a_recording_that_vanishes_before_its_turn_does_not_stop_the_others(tmp_path, identity_model):
    from rephase.batch import Settings, run
    from rephase.enhancer import Enhancer
    from rephase.folders import look_into

    (tmp_path / "in").mkdir()
    for number in range(3):
        soundfile.write(tmp_path / "in" / f"{number}.wav", np.zeros(160000), 16000)
    (tmp_path / "out").mkdir()
    enhancer = Enhancer.from_pretrained(identity_model)

    def vanish(done, total):  # told of the first recording, while the third one waits
        (tmp_path / "in" / "2.wav").unlink(missing_ok=True)

    jobs = look_into(tmp_path / "in", tmp_path / "out").jobs
    outcomes = run(jobs, enhancer, Settings.of(enhancer), workers=1, progress=vanish)
    status = {outcome.job.source.name: outcome.status for outcome in outcomes}
    assert status == {"0.wav": "enhanced", "1.wav": "enhanced", "2.wav": "failed"}


def without_roots_rights():
    """Root may write everywhere, by two capabilities; a program that is started without them may not."""
    prctl, drop = ctypes.CDLL(None).prctl, 24
    if os.geteuid() == 0 and (prctl(drop, 1, 0, 0, 0) or prctl(drop, 2, 0, 0, 0)):
        raise OSError("can't drop capabilities")


@pytest.mark.skipif(sys.platform != "linux" and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only(recording, identity_model):
    folder = recording.parent
    before = names(folder)
    folder.chmod(0o555)
    done = command(recording, "--model", identity_model, preexec_fn=without_roots_rights)
    folder.chmod(0o755)
    check_refused(done, "no permission to write into the output folder")
    assert names(folder) == before


@pytest.mark.skipif(sys.platform != "linux" and os.geteuid() == 0, reason="root may read everything")
def test_a_recording_and_a_folder_that_may_not_be_read(recording, identity_model, tmp_path):
    recording.chmod(0)
    done = command(recording, "--model", identity_model, preexec_fn=without_roots_rights)
    check_refused(done, "can't read it (Permission denied)")
    recording.chmod(0o644)
    recording.parent.chmod(0)
    arguments = (recording.parent, "-o", tmp_path / "out", "--model", identity_model)
    done = command(*arguments, preexec_fn=without_roots_rights)
    recording.parent.chmod(0o755)
    check_refused(done, "can't look into a folder (Permission denied)")
