"""Times the judges of `rephase.models.discriminators`, for their docstrings.

    python benchmarks/discriminators.py

Prints seconds of CPU time of one thread for forward and backward of 4 items of 2 s at 16 kHz, the best of three after a
warm-up.
"""

import time
from collections.abc import Callable

import torch

from rephase.models.discriminators import MetricDiscriminator, MultiPeriodDiscriminator
from rephase.models.presets import RENET_BASE

ITEMS, SAMPLES, REPEATS = 4, 32000, 3
FULL, NARROW = (32, 128, 512, 1024, 1024), (8, 16, 32, 64)


def measure(call: Callable[[], torch.Tensor]) -> float:
    """CPU seconds of a forward and backward pass, the least of three after a warm-up."""
    call().backward()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call().backward()
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
    for channels in (NARROW, FULL):
        judge = MultiPeriodDiscriminator(channels=channels)
        seconds = measure(lambda judge=judge: torch.stack([s.square().mean() for s, _ in judge(waveform)]).sum())
        report(f"multi-period {channels}", judge, seconds)
    metric = MetricDiscriminator()
    report("metric", metric, measure(lambda: metric(reference=magnitude, estimate=estimate).mean()))


def report(name: str, judge: torch.nn.Module, seconds: float) -> None:
    """One line."""
    parameters = sum(parameter.numel() for parameter in judge.parameters())
    print(f"{name:45s} {parameters:10d} parameters {seconds:7.3f} s")


if __name__ == "__main__":
    main()
