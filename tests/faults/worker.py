"""A process that sends one input after another through the command line: `judge.py` starts it and watches.

It reads a line of JSON for each input, runs `rephase enhance` on it as the command would, decodes input and result on
its own, and answers with a line. If it dies or hangs, the last input is to blame.
"""

import contextlib
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import soundfile


def main() -> None:
    """Answers until there is nothing to read."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries in C may speak, the command keeps them off the terminal
    for line in sys.stdin:
        order = json.loads(line)
        source, target = Path(order["source"]), Path(order["target"])
        code, out, err = enhanced(source, target, order["model"])
        answer = {
            "code": code,
            "out": out,
            "err": err,
            "left": sorted(path.name for path in target.parent.iterdir()),
            "length": "",
        }
        if code == 0:
            answer["length"] = compared(source, target)
        answer["peak_bytes"] = peak_bytes()
        print(json.dumps(answer), file=answers)


def enhanced(source: Path, target: Path, model: str) -> tuple[int, str, str]:
    """Exit code and words of the command."""
    from rephase.cli import main as rephase

    sys.argv = ["rephase", "enhance", str(source), "-o", str(target), "--model", model, "--device", "cpu"]
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            rephase()
        except SystemExit as stop:
            code = stop.code or 0
    return int(str(code)), out.getvalue(), err.getvalue()


def compared(source: Path, target: Path) -> str:
    """What is wrong with a result; nothing if it can be decoded and is as long as what can be decoded of the input.

    What libsndfile can't read to its end, ffmpeg's libraries may: they leave out damaged packets, which the command
    fills with silence, so there the length is only about the same, and up to those packets' sound longer.
    """
    try:
        length, _ = decoded(source)
        shorter = longer = 0.0
    except (soundfile.SoundFileError, RuntimeError):
        length, rate, lost = decoded_by_ffmpeg(source)
        shorter = max(rate, 0.2 * length)
        longer = shorter + lost
        if not length:
            return "nobody can decode the input, but there is a result"
    try:
        result, finite = decoded(target)
    except (soundfile.SoundFileError, RuntimeError) as error:
        return f"the result can't be decoded: {error}"
    if not result or not length - shorter <= result <= length + longer:
        return f"the result has {result} samples, the input {length}"
    return "" if finite else "the result holds samples that are no numbers"


def decoded(path: Path) -> tuple[int, bool]:
    """Samples in a file, and whether all are numbers."""
    count, finite = 0, True
    with soundfile.SoundFile(os.fsencode(path)) as sound:
        while len(block := sound.read(4096, dtype="float64", always_2d=True)):
            count += len(block)
            finite = finite and bool(np.isfinite(block).all())
    return count, finite


def decoded_by_ffmpeg(path: Path) -> tuple[int, int, int]:
    """Of the first audio track: samples that can be decoded, their rate, and how many damaged packets held at most."""
    import av

    count, rate, packets, largest = 0, 1, 0, 0
    with contextlib.suppress(av.error.FFmpegError, ValueError), av.open(str(path)) as container:
        for packet in container.demux(audio=0):
            packets += 1  # unless it can be decoded
            with contextlib.suppress(av.error.FFmpegError, ValueError):
                for frame in packet.decode():
                    count, rate, largest = count + frame.samples, frame.sample_rate, max(largest, frame.samples)
                packets -= 1
    return count, rate, packets * largest


def peak_bytes() -> int:
    """Peak memory of this process; 0 where the system doesn't say."""
    try:
        return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        return 0


if __name__ == "__main__":
    main()
