"""The developer commands say what is missing before they start anything long."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(*arguments):
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_help_is_the_default_and_names_every_command():
    done = make()
    assert done.returncode == 0
    for command in (
        "demo",
        "test",
        "test-slow",
        "lint",
        "types",
        "format",
        "docs",
        "bench",
        "faults",
        "results",
        "train",
        "pack-run",
        "clean",
    ):
        assert f"  make {command} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results"], "DATA is missing: make results DATA=FOLDER"),
        (["results", "DATA=/nowhere"], "no eval/eval.csv in /nowhere"),
        (["train"], "DATA is missing: make train DATA=FOLDER"),
        (["train", "DATA=/nowhere"], "no folder /nowhere: name the data folder"),
        (["pack-run", "DATA=/nowhere"], "no folder /nowhere: name the data folder"),
        (["check-compiler", "CC=no-such-compiler"], "make test needs a C compiler"),
        (["check-python", "PYTHON=no-such-python"], "no-such-python is missing or older than 3.11"),
    ],
)
def test_what_is_missing_is_said(arguments, message):
    done = make(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_an_experiment_without_noise_needs_no_manifest_of_it(tmp_path):
    assert make("check-training-data", f"DATA={tmp_path}").returncode == 0


def test_ci_runs_what_developers_run():
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
    assert "make lint test" in (ROOT / ".ci" / "run").read_text()
