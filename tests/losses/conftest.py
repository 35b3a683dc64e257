"""Real speech for losses that are compared with the metrics of the same name."""

import numpy as np
import pytest
import soundfile
import torch


@pytest.fixture(scope="session")
def recordings(example_audio) -> tuple[torch.Tensor, torch.Tensor]:
    """Two degraded recordings and what was said in them, float64 [2, time]."""
    names = ("dishes-0db", "exercise-bike-10db")
    return tuple(
        torch.from_numpy(np.stack([soundfile.read(example_audio / f"{name}.{kind}.flac")[0] for name in names]))
        for kind in ("degraded", "clean")
    )
