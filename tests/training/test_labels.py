"""Labels are PESQ, come when they must and never earlier, and survive an interruption."""

import logging
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import torch

from rephase.metrics import pesq_wb
from rephase.training.labels import SUSPICIOUS, LabelledPairs, PesqLabels, WorkerError


@pytest.fixture(scope="module")
def batches(example_audio) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Five steps of two (clean, degraded) items of a second with speech."""
    names = ("dishes-0db", "exercise-bike-10db")
    pairs = [
        np.stack([soundfile.read(example_audio / f"{name}.{kind}.flac", dtype="float32")[0] for name in names])
        for kind in ("clean", "degraded")
    ]
    return [tuple(torch.from_numpy(w[:, start : start + 16000]) for w in pairs) for start in range(8000, 48000, 8000)]


@pytest.fixture(scope="module")
def expected(batches) -> list[torch.Tensor]:
    """(PESQ − 1) / 3.5 of each, by the metric itself."""
    return [
        torch.tensor(
            [
                (pesq_wb(reference=c, estimate=d, sample_rate=16000) - 1) / 3.5
                for c, d in zip(clean.numpy(), degraded.numpy())
            ]
        )
        for clean, degraded in batches
    ]


def exchange(labels: PesqLabels, batch: tuple[torch.Tensor, torch.Tensor]) -> LabelledPairs | None:
    return labels.exchange(reference=batch[0], estimate=batch[1])


def test_labels_come_a_fixed_number_of_steps_later(batches, expected):
    with PesqLabels(delay=2, workers=2) as labels:
        results = [exchange(labels, batch) for batch in batches]
    assert results[:2] == [None, None]
    for known, (clean, degraded), label in zip(results[2:], batches, expected):
        assert torch.equal(known.reference, clean)
        assert torch.equal(known.estimate, degraded)
        assert torch.equal(known.label, label)


def test_without_a_delay_every_step_has_its_own(batches, expected):
    with PesqLabels(delay=0, workers=1) as labels:
        assert torch.equal(exchange(labels, batches[0]).label, expected[0])
        assert labels.waited > 0


def test_an_interrupted_run_goes_on_exactly(batches, expected, tmp_path):
    with PesqLabels(delay=2, workers=1) as labels:
        for batch in batches[:3]:
            exchange(labels, batch)
        torch.save(labels.state_dict(), tmp_path / "state.pt")
    with PesqLabels(delay=2, workers=1) as resumed:
        resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
        for step in (3, 4):
            known = exchange(resumed, batches[step])
            assert torch.equal(known.label, expected[step - 2])
            assert torch.equal(known.estimate, batches[step - 2][1])
        with pytest.raises(ValueError, match="delay must be 2, as it was when the run was interrupted; got 3"):
            PesqLabels(delay=3, workers=1).load_state_dict(resumed.state_dict())


def test_pairs_stay_what_they_were(batches, expected):
    """The network goes on in the same memory, and the graph of an estimate is not kept."""
    clean, degraded = (waveform.clone() for waveform in batches[0])
    degraded.requires_grad_()
    with PesqLabels(delay=1, workers=1) as labels:
        labels.exchange(reference=clean, estimate=degraded)
        clean.zero_()
        degraded.detach().zero_()
        known = exchange(labels, batches[1])
    assert torch.equal(known.estimate, batches[0][1])
    assert torch.equal(known.label, expected[0])
    assert not known.estimate.requires_grad


def test_what_has_no_pesq_has_no_label(batches, expected, caplog):
    clean, degraded = (waveform.clone() for waveform in batches[0])
    clean[0] = 0
    with PesqLabels(delay=0, workers=1) as labels, caplog.at_level(logging.DEBUG, "rephase.training.labels"):
        label = labels.exchange(reference=clean, estimate=degraded).label
    assert label[0].isnan()
    assert label[1] == expected[0][1]
    assert "reference is silent" in caplog.text


def test_a_run_without_any_label_is_told_of(caplog):
    with PesqLabels(delay=0, workers=1) as labels:
        for _ in range(SUSPICIOUS + 1):
            labels.exchange(reference=torch.zeros(1, 8000), estimate=torch.zeros(1, 8000))
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "learns nothing" in warnings[0].getMessage()


def test_a_dead_worker_is_an_error(batches):
    with PesqLabels(delay=1, workers=1) as labels:
        exchange(labels, batches[0])
        exchange(labels, batches[1])  # waits for a label, so the process runs
        (process,) = labels._pool._processes.values()
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        # What was scored before it died may come first.
        with pytest.raises(WorkerError, match="a process that computes PESQ died"):
            _ = [exchange(labels, batch) for batch in batches[2:]]


@pytest.mark.parametrize("faulty", [{"delay": -1, "workers": 1}, {"delay": 1, "workers": 0}])
def test_counts_are_checked(faulty):
    with pytest.raises(ValueError, match="must be at least"):
        PesqLabels(**faulty)


def test_workers_end_with_a_run_that_is_killed(example_audio, tmp_path):
    """As a script of its own: the workers import it anew and do not begin the run again."""
    script = tmp_path / "run.py"
    script.write_text(
        f"""
import sys, time
import soundfile, torch
from rephase.training.labels import PesqLabels

if __name__ == "__main__":
    clean, degraded = (
        torch.from_numpy(soundfile.read(f"{example_audio}/dishes-0db.{{kind}}.flac", dtype="float32")[0][None])
        for kind in ("clean", "degraded")
    )
    labels = PesqLabels(delay=0, workers=1)
    labels.exchange(reference=clean[:, :32000], estimate=degraded[:, :32000])
    print(next(iter(labels._pool._processes)), flush=True)
    time.sleep(100)
"""
    )
    run = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    worker = int(run.stdout.readline())
    os.kill(worker, 0)  # it is there
    run.kill()
    # The worker holds the other end of the pipe: it is closed when the worker is gone too.
    assert run.communicate(timeout=60) == ("", None)
