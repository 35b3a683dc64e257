"""The scripts in examples/ run as they stand."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_enhance_array():
    done = subprocess.run([sys.executable, EXAMPLES / "enhance_array.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    levels = {line.split(":")[0].strip(): float(line.split()[-1]) for line in done.stdout.splitlines()}
    assert levels["enhanced"] < levels["half"] < levels["degraded"], "pauses get quieter"


def test_the_demo_writes_a_recording_and_a_picture():
    for name in ("kitchen-0db.enhanced.flac", "spectrogram.png"):
        (EXAMPLES / "output" / name).unlink(missing_ok=True)
    done = subprocess.run([sys.executable, EXAMPLES / "demo.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for word in ("in", "out", "model", "duration", "RTF", "picture"):
        assert f" {word}  " in done.stdout
    assert (EXAMPLES / "output" / "kitchen-0db.enhanced.flac").stat().st_size > 10_000
    assert (EXAMPLES / "output" / "spectrogram.png").read_bytes().startswith(b"\x89PNG")


def test_each_clip_has_a_pair_and_its_source_named():
    clips = EXAMPLES / "audio"
    pairs = {path.name.split(".")[0] for path in clips.glob("*.flac")}
    assert len(pairs) == 6
    for pair in pairs:
        assert (clips / f"{pair}.degraded.flac").is_file()
        assert (clips / f"{pair}.clean.flac").is_file()
        assert f"`{pair}`" in (clips / "README.md").read_text()
