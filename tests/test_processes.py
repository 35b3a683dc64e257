"""Workers and signals: those of a whole group are the parent's to handle, and those of the parent are obeyed."""

import multiprocessing
import os
import subprocess
import sys
import time

import pytest

from rephase.processes import prepare_worker

pytest.importorskip("torch")


def worker(ready) -> None:
    prepare_worker()
    ready.set()
    time.sleep(120)


@pytest.fixture
def process():
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=worker, args=(ready,), daemon=True)
    process.start()
    assert ready.wait(60)
    yield process
    process.kill()
    process.join()


def test_a_worker_outlives_what_others_send(process):
    for name in ("TERM", "INT"):
        subprocess.run(["kill", f"-{name}", str(process.pid)], check=True)
    process.join(1)
    assert process.is_alive()


def test_a_worker_obeys_its_parent(process):
    process.terminate()
    process.join(30)
    assert not process.is_alive()


FAILS_IN_THE_WORKER = """
import torch
from torch.utils.data import DataLoader, IterableDataset
from rephase.processes import leave_signals_to_parent

class Numbers(IterableDataset):
    def __iter__(self):
        yield from range(3)
        raise MemoryError("no more")

for number in DataLoader(Numbers(), batch_size=None, num_workers=1, worker_init_fn=leave_signals_to_parent):
    print(number)
"""


def test_an_error_in_a_worker_ends_the_program(tmp_path):
    """Its traceback keeps the loader alive until the interpreter ends, which then waits for the worker."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", FAILS_IN_THE_WORKER], capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 1, "it ends by itself"
    assert done.stdout.split() == ["0", "1", "2"]
    assert "MemoryError" in done.stderr
