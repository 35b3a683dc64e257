"""Enhances one file in this process and prints what that cost as JSON: files.py starts it once for each.

    python benchmarks/one_file.py INPUT OUTPUT --model renet-lite --threads 1

The time of the model and of everything else is CPU time, so other work on the machine doesn't count.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from measure import peak_bytes, started

from rephase.enhancer import Enhancer
from rephase.processes import keep_freed_memory
from rephase.runtimes.base import Runtime
from rephase.weights import find_model


class Timed:
    """A runtime that counts the CPU time of its calls; right with one thread, the caller's own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self.name, self.device = runtime, runtime.name, runtime.device
        self.cpu_seconds = 0.0

    def __call__(self, waveform: np.ndarray) -> np.ndarray:
        """Runs the model."""
        start = time.thread_time()
        enhanced = self._runtime(waveform)
        self.cpu_seconds += time.thread_time() - start
        return enhanced


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure one file.")
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    keep_freed_memory()  # as `rephase enhance` does
    model = find_model(arguments.model)
    runtime = Timed(started(model, "onnx", arguments.threads))
    enhancer = Enhancer(runtime, model)
    start = time.process_time()
    report = enhancer.enhance_file(arguments.input, arguments.output, overwrite=True)
    cpu_seconds = time.process_time() - start
    print(
        json.dumps(
            {
                "audio_seconds": report.audio_seconds,
                "model_cpu_seconds": runtime.cpu_seconds,
                "other_cpu_seconds": cpu_seconds - runtime.cpu_seconds,
                "peak_bytes": peak_bytes(),
            }
        )
    )


if __name__ == "__main__":
    main()
