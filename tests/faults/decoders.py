"""Looks for inputs that kill libsndfile itself: decodes damaged files in processes that may die.

python tests/faults/decoders.py [--seeds 4] [--rounds 20]
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import soundfile
from cases import SEED, Case, cases

AT_ONCE = 200  # inputs that one process decodes


def main() -> int:
    """Runs the script; 1 if an input kills a process."""
    parser = argparse.ArgumentParser(description="Decode damaged files until libsndfile dies.")
    parser.add_argument("--seeds", type=int, default=4, help="default: 4")
    parser.add_argument("--rounds", type=int, default=20, help="of every damage to every format; default: 20")
    arguments = parser.parse_args()
    decoded, deadly = hunt(arguments.seeds, arguments.rounds)
    for case in deadly:
        print(f"{case.group}, {case.name}")
    print(f"{decoded} inputs, libsndfile {soundfile.__libsndfile_version__}: {len(deadly)} killed the process")
    return 1 if deadly else 0


def hunt(seeds: int, rounds: int) -> tuple[int, list[Case]]:
    """How many inputs were decoded, and those that killed the process."""
    decoded, deadly = 0, []
    for seed in range(SEED + 1, SEED + 1 + seeds):
        inputs = cases(seed, rounds)
        for first in range(0, len(inputs), AT_ONCE):
            deadly += found(inputs[first : first + AT_ONCE])
        decoded += len(inputs)
        print(f"{decoded} decoded, {len(deadly)} deadly", file=sys.stderr)
    return decoded, deadly


def found(inputs: list[Case]) -> list[Case]:
    """Those of some inputs that kill the process which decodes them."""
    if survives(inputs):
        return []
    return inputs if len(inputs) == 1 else [*found(inputs[::2]), *found(inputs[1::2])]


def survives(inputs: list[Case]) -> bool:
    """Whether a process decodes all of them, or fails as it should."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            pool.submit(decode, inputs).result()
        except BrokenProcessPool:
            return False
    return True


def decode(inputs: list[Case]) -> None:
    """Decodes inputs to their ends, whatever they give."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    with tempfile.TemporaryDirectory() as folder:
        for case in inputs:
            path = Path(folder) / f"input.{case.suffix}"
            path.write_bytes(case.content)
            try:
                with soundfile.SoundFile(os.fsencode(path)) as sound:
                    while len(sound.read(min(65536, 4_000_000 // sound.channels), dtype="float32")):
                        pass
            except (soundfile.SoundFileError, RuntimeError, TypeError):
                continue


if __name__ == "__main__":
    sys.exit(main())
