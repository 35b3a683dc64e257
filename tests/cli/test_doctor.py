"""`rephase doctor`: facts for a bug report, whatever is broken."""

import subprocess
import sys

import pytest

from rephase import __version__


def topics(text):
    """Lines of each topic."""
    found, last = {}, ""
    for line in text.splitlines():
        last = line[:9].strip() or last
        found.setdefault(last, []).append(line[11:])
    return found


def doctor(breaks=""):
    code = f"import sys\n{breaks}\nfrom rephase.cli import main\nsys.argv = ['rephase', 'doctor']\nmain()"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def test_all_is_said_and_proven(rephase):
    outcome = rephase("doctor")
    assert (outcome.code, outcome.err) == (0, "")
    said = topics(outcome.out)
    assert said["rephase"] == [__version__]
    assert "onnxruntime " in said["packages"][0]
    assert "av " in said["packages"][0]
    assert said["runtimes"][0].startswith("onnx on ")
    assert "hashes right" in said["models"][0]
    for name in ("WAV", "FLAC", "MP3", "Opus"):
        assert name in said["formats"][0]
    for name in ("AAC", "WMA", "ALAC", "AMR"):
        assert name in said["media"][0]
    assert "enhanced 1 s of sound" in said["proof"][0]
    assert "FAILS" not in outcome.out
    assert "missing" not in said


MISSING = """
import importlib.metadata
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {gone}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
real = importlib.metadata.version
def version(name):
    if name in {gone}:
        raise importlib.metadata.PackageNotFoundError(name)
    return real(name)
importlib.metadata.version = version
"""


def test_what_is_missing_stands_beside_the_command_that_brings_it():
    done = doctor(MISSING.format(gone={"av", "torch"}))
    assert (done.returncode, done.stderr) == (0, "")
    said = topics(done.stdout)
    assert said["missing"] == [
        "video, M4A, WMA, AMR: pip install 'rephase[media]'",
        "runtime torch and export: pip install 'rephase[torch]'",
    ]
    assert "pip install 'rephase[media]'" in said["media"][0]
    assert "enhanced 1 s of sound" in said["proof"][0]


@pytest.mark.parametrize("gone", ["numpy", "soundfile", "onnxruntime", "soxr"])
def test_a_broken_installation_is_reported_and_not_a_traceback(gone):
    done = doctor(MISSING.format(gone={gone}))
    assert done.returncode == 0
    assert "Traceback" not in done.stdout
    assert done.stderr == "" or gone == "numpy", "ONNX Runtime's own code complains of a missing numpy by itself"
    said = topics(done.stdout)
    assert f"{gone}: install rephase again from its checkout" in said["missing"]
    assert "FAILS: ModuleNotFoundError" in said["proof"][0]
    assert "CPython" in said["system"][0]
