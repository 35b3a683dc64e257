"""Times one training step of renet-lite and of its parts, for the table of designs in docs/models.md.

    python benchmarks/training_step.py                        # the preset
    python benchmarks/training_step.py channels=48,16 blocks=1
    python benchmarks/training_step.py --compile              # minutes to compile, then the whole step alone

Prints seconds of CPU time and of wall time for forward and backward of 8 items of 2 s, the best of five.
"""

import argparse
import time
from collections.abc import Callable

import torch

from rephase.models.renet_lite import RENetLite
from rephase.models.renet_lite_config import RENetLiteConfig

ITEMS, FRAMES, REPEATS = 8, 126, 5


def parse(override: str) -> tuple[str, int | tuple[int, ...]]:
    """`name=4` or `name=4,2` as a field of the configuration."""
    name, value = override.split("=")
    numbers = tuple(int(number) for number in value.split(","))
    return name, numbers if len(numbers) > 1 else numbers[0]


def measure(call: Callable[[], torch.Tensor]) -> tuple[float, float]:
    """(CPU, wall) seconds of a forward and backward pass, the least of five after a warm-up."""
    call().backward()
    times: list[tuple[float, float]] = []
    for _ in range(REPEATS):
        cpu, wall = time.process_time(), time.perf_counter()
        call().backward()
        times.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(cpu for cpu, _ in times), min(wall for _, wall in times)


def energy(*features: torch.Tensor) -> torch.Tensor:
    """A scalar to take the gradient of."""
    return torch.stack([feature.square().mean() for feature in features]).sum()


def main() -> None:
    """Reads the command line and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("overrides", nargs="*", help="fields of the configuration, name=value")
    parser.add_argument("--compile", action="store_true", help="time the compiled network")
    options = parser.parse_args()
    torch.set_flush_denormal(True)
    config = RENetLiteConfig(**dict(parse(override) for override in options.overrides))
    network = RENetLite(config)
    forward = torch.compile(network.forward_pair) if options.compile else network.forward_pair
    spectrum = torch.randn(ITEMS, 2, FRAMES, config.freqs)
    magnitude, phase = config.channels
    features = (
        torch.randn(ITEMS, magnitude, FRAMES, config.bands, requires_grad=True),
        torch.randn(ITEMS, 2, phase, FRAMES, config.bands, requires_grad=True),
    )
    parts = {"whole step": lambda: energy(forward(spectrum))}
    if not options.compile:
        parts |= {
            "one MPICM": lambda: energy(*network.convolutions[0](*features)),
            "one HADF along time": lambda: energy(*network.time_blocks[0](*features)),
            "one HADF along bands": lambda: energy(*network.band_blocks[0](*features)),
        }
    print(
        f"{sum(parameter.numel() for parameter in network.parameters())} parameters, {torch.get_num_threads()} threads"
    )
    for name, call in parts.items():
        cpu, wall = measure(call)
        print(f"{name:22s} {cpu:6.3f} s CPU {wall:6.3f} s wall")


if __name__ == "__main__":
    main()
