"""What one writes in ten minutes: read, resample, run the graph, resample back, write, one file after another.

    python benchmarks/plain_loop.py MODEL.onnx OUTPUT INPUT ... [--piece-seconds 10]

Long files go through in pieces, because a call's memory grows with its length; such a loop has a seam at the end of
each. It brings nothing to the model's level, drops what lies above 8 kHz, and a broken file ends it. ONNX Runtime has
its default settings.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
import soxr

MODEL_RATE = 16000


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Enhance files in a plain loop.")
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path, help="a folder")
    parser.add_argument("inputs", type=Path, nargs="+", help="files, or one folder of WAVs")
    parser.add_argument("--piece-seconds", type=float, help="length of one call; the whole file by default")
    arguments = parser.parse_args()
    inputs = arguments.inputs
    if inputs[0].is_dir():
        inputs = sorted(inputs[0].glob("*.wav"))
    session = onnxruntime.InferenceSession(arguments.model, providers=["CPUExecutionProvider"])
    arguments.output.mkdir(exist_ok=True)
    for path in inputs:
        enhance(session, path, arguments.output / path.name, arguments.piece_seconds)


def enhance(session: onnxruntime.InferenceSession, path: Path, target: Path, piece_seconds: float | None) -> None:
    """One file."""
    with soundfile.SoundFile(path) as source:
        rate = source.samplerate
        size = source.frames if piece_seconds is None else round(piece_seconds * rate)
        with soundfile.SoundFile(target, "w", rate, source.channels, source.subtype, format=source.format) as result:
            while len(piece := source.read(size, dtype="float32", always_2d=True)):
                low = soxr.resample(piece, rate, MODEL_RATE)
                (enhanced,) = session.run(None, {"degraded": np.ascontiguousarray(low.T)})
                result.write(soxr.resample(enhanced.T, MODEL_RATE, rate)[: len(piece)])


if __name__ == "__main__":
    main()
