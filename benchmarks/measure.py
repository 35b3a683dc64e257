"""Measures one configuration in this process and prints it as JSON: speed.py starts it once for each.

python benchmarks/measure.py --model renet-lite --runtime onnx --threads 1 --seconds 10 --repeats 3
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import soundfile

from rephase.enhancer import Enhancer
from rephase.runtimes.base import Runtime
from rephase.weights import ModelFolder, find_model

SPEECH = Path(__file__).parent.parent / "examples" / "audio" / "dishes-0db.degraded.flac"


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure one configuration.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--runtime", choices=("onnx", "torch"), required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    arguments = parser.parse_args()
    model = find_model(arguments.model)
    enhancer = Enhancer(started(model, arguments.runtime, arguments.threads), model)
    waveform, sample_rate = speech(arguments.seconds)
    seconds = []
    for _ in range(1 + arguments.repeats):
        start = time.perf_counter()
        enhancer.enhance(waveform, sample_rate)
        seconds.append(time.perf_counter() - start)
    # The first call allocates and, in torch, chooses kernels: it is no repeat.
    print(json.dumps({"rtf": [second / arguments.seconds for second in seconds[1:]], "peak_bytes": peak_bytes()}))


def started(model: ModelFolder, runtime: str, threads: int) -> Runtime:
    """Starts a runtime on the CPU."""
    if runtime == "onnx":
        from rephase.runtimes.onnx import OnnxRuntime

        return OnnxRuntime(model, "cpu", threads)
    import torch

    from rephase.runtimes.torch import TorchRuntime

    torch.set_num_threads(threads)
    return TorchRuntime(model, "cpu")


def speech(seconds: float) -> tuple[np.ndarray, int]:
    """The example recording, as often as it takes."""
    waveform, sample_rate = soundfile.read(SPEECH, dtype="float32")
    return np.resize(waveform, round(seconds * sample_rate)), sample_rate


def peak_bytes() -> int:
    """Peak memory of this process."""
    try:
        # Not ru_maxrss: Linux carries it over from the process that started this one.
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts bytes


if __name__ == "__main__":
    main()
