"""Scores of several passes are those of the mean of shifted passes."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


class Network:
    """Gives the input back, with the number of each sample added."""

    config = SimpleNamespace(hop_length=256)

    def __call__(self, waveform):
        return waveform + torch.arange(waveform.shape[-1])


@pytest.mark.parametrize(("passes", "shift"), [(1, 0.0), (2, 64.0), (4, 96.0)])
def test_passes_begin_parts_of_a_frame_step_apart(passes, shift, monkeypatch):
    """Shifts of 0 and 128, and of 0, 64, 128 and 192 samples, come back aligned: the mean number is theirs above."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    in_passes = importlib.import_module("validation").in_passes
    waveform = torch.rand(2, 1000, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(in_passes(Network(), waveform, passes), waveform + torch.arange(1000) + shift)
