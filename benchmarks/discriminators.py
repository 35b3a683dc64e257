"""Times the judges of `rephase.models.discriminators` and the label of an item, for their docstrings.

    python benchmarks/discriminators.py

Prints seconds of CPU time of one thread for forward and backward of 4 items of 2 s at 16 kHz, and for the PESQ of one
such item of real speech, the best of three after a warm-up.
"""

import time
from collections.abc import Callable
from pathlib import Path

import soundfile
import torch

from rephase.metrics import pesq_wb
from rephase.models.discriminators import MetricDiscriminator, MultiPeriodDiscriminator, MultiResolutionDiscriminator
from rephase.models.presets import RENET_BASE

AUDIO = Path(__file__).parent.parent / "examples" / "audio"
ITEMS, SAMPLES, REPEATS = 4, 32000, 3
FULL, NARROW = (32, 128, 512, 1024, 1024), (8, 16, 32, 64)


def measure(call: Callable[[], object]) -> float:
    """CPU seconds, the least of three after a warm-up."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Prints a line for each judge."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # As in a training step, the gradient goes through to what is judged.
    waveform = (0.1 * torch.randn(ITEMS, SAMPLES)).requires_grad_()
    magnitude = torch.rand(ITEMS, 1 + SAMPLES // RENET_BASE.hop_length, RENET_BASE.freqs)
    estimate = magnitude.clone().requires_grad_()
    judges = {f"multi-period {channels}": MultiPeriodDiscriminator(channels=channels) for channels in (NARROW, FULL)}
    judges["multi-resolution, one of 16 channels"] = MultiResolutionDiscriminator(((512, 256),), channels=16)
    judges["multi-resolution, as it is"] = MultiResolutionDiscriminator()
    for name, judge in judges.items():
        seconds = measure(
            lambda judge=judge: torch.stack([s.square().mean() for s, _ in judge(waveform)]).sum().backward()
        )
        report(name, judge, seconds)
    metric = MetricDiscriminator()
    report("metric", metric, measure(lambda: metric(reference=magnitude, estimate=estimate).mean().backward()))
    clean, degraded = (soundfile.read(AUDIO / f"dishes-0db.{kind}.flac")[0] for kind in ("clean", "degraded"))
    pair = {"reference": clean[:SAMPLES], "estimate": degraded[:SAMPLES]}
    print(f"{'PESQ of one item':67s} {measure(lambda: pesq_wb(**pair, sample_rate=16000)):7.3f} s")


def report(name: str, judge: torch.nn.Module, seconds: float) -> None:
    """One line."""
    parameters = sum(parameter.numel() for parameter in judge.parameters())
    print(f"{name:45s} {parameters:10d} parameters {seconds:7.3f} s")


if __name__ == "__main__":
    main()
