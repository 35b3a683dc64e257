"""`kill -9` at any moment leaves whole results and nothing else under their names, and a rerun finishes the batch."""

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from rephase.audio.leftovers import UNFINISHED
from rephase.ledger import LEDGER

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
FRAMES = 200_000


@pytest.fixture
def recordings(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number, suffix in enumerate(6 * ["wav", "flac", "ogg", "mp3"]):
        noise = 0.1 * rng.standard_normal((FRAMES, 2))
        soundfile.write(folder / f"{number}.{suffix}", noise, 48000)
    return folder


def command(*arguments):
    return [sys.executable, "-m", "rephase", "enhance", *map(str, arguments)]


def results(folder):
    return {path.name: path for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else {}


def check_whole(folder):
    for name, path in results(folder).items():
        samples, rate = soundfile.read(path)
        assert (len(samples), rate) == (FRAMES, 48000), f"{name} is not whole"


def killed_after(arguments, folder, count, seconds):
    """Starts the command and kills it a moment after `count` results are there; its exit code if it was over before."""
    with subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and len(results(folder)) < count:
            time.sleep(0.002)
        time.sleep(seconds)
        if process.poll() is None:
            process.kill()
        return process.wait()


def test_killed_again_and_again_a_batch_is_finished(recordings, tmp_path, identity_model):
    out = tmp_path / "out"
    arguments = (recordings, "-o", out, "--model", identity_model, "--jobs", "2")
    rng, kills, seen = random.Random(0), 0, set()
    # Each run comes a little further than the one before; a moment less than it takes to write the next result.
    while killed_after(arguments, out, len(seen) + rng.randint(0, 4), rng.uniform(0, 0.05)) == -signal.SIGKILL:
        kills += 1
        check_whole(out)
        stamps = {(path.name, path.stat().st_mtime_ns) for path in results(out).values()}
        assert seen <= stamps, "what was done stays as it was"
        seen = stamps
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert kills >= 2
    assert len(results(out)) == 24
    check_whole(out)
    assert sorted(path.name for path in out.iterdir()) == sorted([LEDGER, *results(out)]), "leftovers are gone"


@pytest.mark.parametrize("moment", ["half written", "noted, not named", "named"])
def test_killed_at_the_worst_moments(recordings, tmp_path, identity_model, moment):
    """The process kills itself where a clock would have to be lucky."""
    hooks = {
        "half written": ("rephase.audio.writer.AudioWriter.write", 3),
        "noted, not named": ("pathlib.Path.replace", 1),
        "named": ("rephase.audio.safe_target._flush_folder", 2),  # of the second result
    }
    name, count = hooks[moment]
    module, _, attribute = name.rpartition(".")
    script = tmp_path / "killed.py"
    script.write_text(f"""
import os, signal, sys
from pkgutil import resolve_name
owner, calls = resolve_name({module!r}), []
original = getattr(owner, {attribute!r})
def dying(*arguments, **keywords):
    calls.append(1)
    if len(calls) == {count}:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments, **keywords)
setattr(owner, {attribute!r}, dying)
from rephase.cli import main
main()
""")
    out = tmp_path / "out"
    arguments = ["enhance", recordings, "-o", out, "--model", identity_model, "--jobs", "1"]
    died = subprocess.run([sys.executable, script, *arguments], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    check_whole(out)
    left = [path for path in out.iterdir() if UNFINISHED.match(path.name)]
    assert len(left) == (moment != "named")
    done = subprocess.run(command(*arguments[1:]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert ("removed an unfinished result" in done.stderr) == (moment != "named")
    assert len(results(out)) == 24
    check_whole(out)


def test_a_second_run_beside_the_first_leaves_its_files_alone(tmp_path, identity_model):
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "long.flac", np.zeros((48000 * 600, 1), np.int16), 48000)
    soundfile.write(tmp_path / "short.wav", np.zeros(100), 48000)
    out = tmp_path / "out"
    with subprocess.Popen(command(tmp_path / "in", "-o", out, "--model", identity_model)) as first:
        deadline = time.monotonic() + 60
        while not list(out.glob(".rephase-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        second = subprocess.run(
            command(tmp_path / "short.wav", "-o", f"{out}/", "--model", identity_model),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        was_running = first.poll() is None
        assert (second.returncode, second.stderr) == (0, "")
        assert first.wait(timeout=120) == 0
    assert was_running
    assert {path.name for path in out.iterdir()} == {LEDGER, "long.flac", "short.enhanced.wav"}
