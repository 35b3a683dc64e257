"""Measures one network in this process and prints it as JSON: published.py starts it once for each.

python benchmarks/published_step.py --model renet-small --kind pairs --pass forward --threads 1 --seconds 1 --repeats 3
"""

import argparse
import json
import time

import torch
from complex_renet import ComplexRENet
from measure import peak_bytes

from rephase.models.presets import PRESETS
from rephase.models.renet import RENet
from rephase.models.renet_config import RENetConfig


def main() -> None:
    """Runs the script."""
    parser = argparse.ArgumentParser(description="Measure one network.")
    parser.add_argument("--model", choices=("renet-small", "renet-base"), required=True)
    parser.add_argument("--kind", choices=("pairs", "complex"), required=True)
    parser.add_argument("--pass", dest="mode", choices=("forward", "training"), required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--repeats", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    config = PRESETS[arguments.model]
    assert isinstance(config, RENetConfig)
    network: torch.nn.Module = RENet(config)
    if arguments.kind == "complex":
        network = ComplexRENet(network)
    else:
        network.to(memory_format=torch.channels_last)  # as the torch runtime has it
    waveform = 0.1 * torch.randn(1, round(arguments.seconds * config.sample_rate))
    matmul_gmac_per_second()  # its operands are no memory of the network
    idle = peak_bytes()

    def once() -> None:
        if arguments.mode == "forward":
            with torch.inference_mode():
                network(waveform)
        else:
            network(waveform).square().mean().backward()

    network.train(arguments.mode == "training")
    seconds, matmul = [], []
    for _ in range(1 + arguments.repeats):
        matmul.append(matmul_gmac_per_second())
        start = time.perf_counter()
        once()
        seconds.append(time.perf_counter() - start)
    figures = {"seconds": seconds[1:], "matmul": matmul[1:], "peak_bytes": peak_bytes() - idle}
    print(json.dumps(figures))


def matmul_gmac_per_second(size: int = 1024) -> float:
    """1e9 multiply-accumulates a second of one float32 matrix product: the machine's own measure."""
    one, two = torch.randn(size, size), torch.randn(size, size)
    start = time.perf_counter()
    for _ in range(4):
        one @ two
    return 4 * size**3 / (time.perf_counter() - start) / 1e9


if __name__ == "__main__":
    main()
