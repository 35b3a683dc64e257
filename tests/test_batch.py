"""Runs over folders: what is done again and what is not, and that a stop or a fault loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rephase.batch import Settings, run
from rephase.enhancer import Enhancer
from rephase.folders import look_into
from rephase.ledger import LEDGER, Ledger


@pytest.fixture
def tree(tmp_path, example_audio):
    """A folder with three recordings, a broken one, one in a folder below, and things that are none."""
    root = tmp_path / "recordings"
    (root / "monday" / "late").mkdir(parents=True)
    (root / ".hidden").mkdir()
    samples, rate = soundfile.read(example_audio / "hallway.degraded.flac", dtype="int16")
    for name in ("a.wav", "b.flac", "monday/c.ogg", "monday/late/a.wav", ".hidden/d.wav"):
        soundfile.write(root / name, samples[:16000], rate)
    (root / "broken.wav").write_bytes(b"RIFF and nothing more")
    (root / "notes.txt").write_text("dear diary")
    (root / ".rephase-1234.wav").write_bytes(b"left by a machine that went down")
    return root


@pytest.fixture
def identity(identity_model):
    return Enhancer.from_pretrained(identity_model)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def jobs_in(*folders, **options):
    return look_into(*folders, **options).jobs


def statuses(outcomes, tree):
    return {str(outcome.job.source.relative_to(tree)): outcome.status for outcome in outcomes}


@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_and_its_repetition(tree, tmp_path, identity, workers):
    out = tmp_path / "out"
    jobs = jobs_in(tree, out, recursive=True)
    settings = Settings.of(identity)
    out.mkdir()
    told = []
    first = list(
        run(
            jobs,
            identity,
            settings,
            ledger=Ledger(out, asdict(settings)),
            workers=workers,
            progress=lambda *t: told.append(t),
        )
    )
    assert statuses(first, tree) == {
        "a.wav": "enhanced", "b.flac": "enhanced", "broken.wav": "failed", "monday/c.ogg": "enhanced",
        "monday/late/a.wav": "enhanced",
    }  # fmt: skip
    assert files(out) == [LEDGER, "a.wav", "b.flac", "monday/c.ogg", "monday/late/a.wav"]
    assert told[-1] == (4.0, 4.0)
    assert all(one[0] <= two[0] for one, two in pairwise(told)), "the bar never goes back"
    before = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    again = list(run(jobs, identity, settings, ledger=Ledger(out, asdict(settings)), workers=workers))
    assert sorted(outcome.status for outcome in again) == ["failed", *4 * ["skipped"]]
    assert {name: (out / name).stat().st_mtime_ns for name in files(out)} == before

    other = Settings.of(identity, strength=0.5)
    third = list(run(jobs, identity, other, ledger=Ledger(out, asdict(other)), workers=workers))
    assert sorted(outcome.status for outcome in third) == [*4 * ["enhanced"], "failed"]


def test_a_file_of_somebody_elses_stays(tree, tmp_path, identity):
    out, settings = tmp_path / "out", Settings.of(identity)
    out.mkdir()
    (out / "a.wav").write_bytes(b"precious")
    jobs = jobs_in(tree, out)
    outcomes = {o.job.source.name: o for o in run(jobs, identity, settings, ledger=Ledger(out, asdict(settings)))}
    assert "the output exists already" in str(outcomes["a.wav"].error)
    assert (out / "a.wav").read_bytes() == b"precious"
    assert outcomes["b.flac"].status == "enhanced"
    list(run(jobs, identity, settings, ledger=Ledger(out, asdict(settings)), overwrite=True))
    assert soundfile.info(out / "a.wav").frames == 16000


def test_a_stop_leaves_whole_results_and_nothing_else(tree, tmp_path, identity):
    out, settings = tmp_path / "out", Settings.of(identity)
    out.mkdir()
    jobs = jobs_in(tree, out, recursive=True)
    ongoing = run(jobs, identity, settings, ledger=Ledger(out, asdict(settings)), workers=1)
    next(outcome for outcome in ongoing if outcome.status == "enhanced")
    ongoing.close()
    left = [name for name in files(out) if name != LEDGER]
    assert 1 <= len(left) < 4
    assert not [name for name in left if Path(name).name.startswith(".rephase-")]
    rest = list(run(jobs, identity, settings, ledger=Ledger(out, asdict(settings))))
    assert sum(outcome.status == "skipped" for outcome in rest) == len(left)


# ---------------------------------------------------------------- the command
def command(*arguments, **options):
    line = [sys.executable, "-m", "rephase", "enhance", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False, **options)


def test_the_command_sums_up_lists_failures_and_reports(tree, tmp_path, identity_model):
    out = tmp_path / "deep" / "out"
    arguments = (tree, "-o", out, "--recursive", "--model", identity_model, "--report", tmp_path / "report.json")
    done = command(*arguments)
    assert done.returncode == 1
    assert done.stdout == "4 enhanced (4.0 s of audio), 1 failed\n"
    assert done.stderr.splitlines()[0] == "rephase: 1 of 5 inputs failed:"
    assert "broken.wav" in done.stderr.splitlines()[1]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["settings"]["model"] == "identity"
    status = {Path(entry["source"]).name: entry["status"] for entry in report["recordings"]}
    assert status["broken.wav"] == "failed"
    assert status["c.ogg"] == "enhanced"
    (tree / "broken.wav").unlink()
    assert command(*arguments).stdout == "0 enhanced (0.0 s of audio), 4 done before\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["{tree}"], "the results of a folder need one of their own"),
        (["{tree}", "{tree}/a.wav", "-o", "out"], "a folder is enhanced by itself"),
        (["{tree}", "-o", "{tree}/a.wav"], "the output is a file"),
        (["{tree}", "-o", "{tree}"], "the output is the input folder itself"),
        (["{tree}/a.wav", "--recursive"], "--recursive is for a folder"),
    ],
)
def test_mistakes_are_one_line(tree, arguments, expected, identity_model):
    done = command(*(argument.format(tree=tree) for argument in arguments), "--model", identity_model)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_stops_and_a_second_run_finishes(tmp_path, identity_model):
    recordings, out = tmp_path / "recordings", tmp_path / "out"
    recordings.mkdir()
    noise = 0.1 * np.random.default_rng(0).standard_normal(16000 * 120)
    for number in range(8):
        soundfile.write(recordings / f"{number}.wav", noise, 48000)
    arguments = [recordings, "-o", out, "--model", identity_model, "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rephase", "enhance", *map(str, arguments)], stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not (out / LEDGER).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in error
    left = [name for name in files(out) if name != LEDGER]
    assert 1 <= len(left) < 8
    assert all(soundfile.info(out / name).frames == 16000 * 120 for name in left)
    done = command(*arguments)
    assert done.returncode == 0
    assert f"{len(left)} done before" in done.stdout
    assert len(files(out)) == 9
