"""Help is all one needs, and it comes at once."""

import subprocess
import sys

import pytest

from rephase import __version__


def test_help_lists_the_commands(rephase):
    outcome = rephase("--help")
    assert outcome.code == 0
    for command in ("enhance", "models", "info"):
        assert f"\n  {command} " in outcome.out
    assert rephase("-h").out == outcome.out
    assert "0 done, 1 some of several inputs failed, 2 wrong usage or input" in outcome.out
    assert "130 interrupted" in outcome.out


def test_no_arguments_show_help_too(rephase):
    outcome = rephase()
    assert "Usage: rephase" in outcome.out + outcome.err
    assert "Exit codes:" in outcome.out + outcome.err


def test_help_of_enhance_has_options_examples_and_exit_codes(rephase):
    outcome = rephase("enhance", "--help")
    assert outcome.code == 0
    for option in (
        "--output",
        "--model",
        "--strength",
        "--highband",
        "--runtime",
        "--device",
        "--output-rate",
        "--overwrite",
        "--verbose",
    ):
        assert option in outcome.out
    assert "rephase enhance talk.wav -o clean.flac" in outcome.out
    assert "2 wrong usage or input, nothing was done, 130 interrupted, 143 terminated" in " ".join(outcome.out.split())
    assert "auto takes torch for a GPU, and for a model without a graph" in " ".join(outcome.out.split())


def test_version(rephase):
    assert rephase("--version").out == f"rephase {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["enhanse", "x.wav"], "no such command 'enhanse'. Did you mean 'enhance'?; in the command rephase; see"),
        (["enhance"], "missing argument 'INPUTS'; in the command rephase enhance; see rephase enhance --help"),
        (["enhance", "x.wav", "--nonsense"], "no such option: --nonsense"),
        (["enhance", "x.wav", "--strength"], "'--strength' requires an argument; in the command rephase enhance; see"),
        (["data", "shard", "--rate"], "'--rate' requires an argument; in the command rephase data shard; see"),
        (["enhance", "x.wav", "--strength", "0,7"], "'--strength': must be a number from 0 to 1, got '0,7'; in"),
        (["enhance", "x.wav", "--strength", "2"], "'--strength': must be a number from 0 to 1, got '2'; in"),
        (["enhance", "x.wav", "--jobs", "-1"], "'--jobs': must be a whole number from 0, got '-1'; in"),
        (["enhance", "x.wav", "--raw-rate", "8k"], "'--raw-rate': must be a whole number, got '8k'; in"),
        (["enhance", "x.wav", "--highband", "kep"], "'--highband': 'kep' is not one of 'follow', 'keep', 'drop'; in"),
        (["enhance", "x.wav", "--start", "noon"], "--start: must be seconds or h:m:s"),
        (["enhance", "x.wav", "--start", "2", "--end", "1:00:00.5", "--runtime", "jax"], "'--runtime'"),
        (["enhance", "x.wav", "--start", "1:00", "--end", "60"], "--end: must lie after the start, 60 s, got '60'"),
        (["enhance", "x.wav", "--report", "-"], "--report: goes into a file"),
        (["enhance", "x.wav", "--dry-run", "--report", "r.json"], "--report: can't go with --dry-run"),
        (["info"], "missing argument 'FILES'; in the command rephase info; see rephase info --help"),
        (["models", "extra"], "extra"),
    ],
)
def test_wrong_usage_is_one_line_and_2(rephase, arguments, expected):
    outcome = rephase(*arguments)
    assert outcome.code == 2
    assert expected in outcome.error
    assert outcome.error.endswith("--help")


@pytest.mark.parametrize("name", ["-dash.wav", "--dash.wav"])
def test_a_file_that_is_taken_for_an_option_is_told(rephase, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert "; see rephase enhance --help" in rephase("enhance", name).error
    (tmp_path / name).touch()
    assert f"; name the file as ./{name}, or see rephase enhance --help" in rephase("enhance", name).error


def test_nothing_heavy_is_imported_before_a_command_runs():
    """Start-up is a matter of imports; a clock would fail on a busy machine."""
    heavy = "{'torch', 'numpy', 'soundfile', 'soxr', 'onnxruntime', 'jaxtyping', 'rich', 'matplotlib', 'asyncio'}"
    program = f"import sys, rephase.cli; print(sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_python_m_rephase_is_the_same_command():
    program = [sys.executable, "-m", "rephase", "--version"]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout == f"rephase {__version__}\n"


def test_the_shell_can_complete(rephase, monkeypatch):
    assert "--install-completion" in rephase("--help").out
    shown = subprocess.run(
        [sys.executable, "-m", "rephase"], capture_output=True, text=True, check=False,
        env={"_REPHASE_COMPLETE": "complete_bash", "COMP_WORDS": "rephase enh", "COMP_CWORD": "1", "PATH": ""},
    )  # fmt: skip
    assert shown.stdout.split() == ["enhance"]
