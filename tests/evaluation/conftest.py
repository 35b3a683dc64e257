"""A small tree of real recordings to score, and a report of it."""

import shutil
from pathlib import Path

import pytest

from rephase.evaluation.catalogue import METRICS
from rephase.evaluation.items import items_of_folders
from rephase.evaluation.run import Setting, evaluate

NAMES = ("dishes-0db", "exercise-bike-10db", "kitchen-0db")


@pytest.fixture
def folders(tmp_path, example_audio) -> dict[str, Path]:
    """`clean`, `noisy` and `enhanced` with the same names; what is called enhanced is half way to the clean ones."""
    import soundfile

    made = {kind: tmp_path / kind for kind in ("clean", "noisy", "enhanced")}
    for place, name in enumerate(NAMES):
        group = "quiet" if place else "loud"
        for folder in made.values():
            (folder / group).mkdir(parents=True, exist_ok=True)
        clean, sample_rate = soundfile.read(example_audio / f"{name}.clean.flac")
        noisy, _ = soundfile.read(example_audio / f"{name}.degraded.flac")
        shutil.copy(example_audio / f"{name}.clean.flac", made["clean"] / group / f"{name}.flac")
        shutil.copy(example_audio / f"{name}.degraded.flac", made["noisy"] / group / f"{name}.flac")
        soundfile.write(made["enhanced"] / group / f"{name}.enhanced.wav", (clean + noisy) / 2, sample_rate, "PCM_16")
    return made


@pytest.fixture
def setting() -> Setting:
    """Two metrics of which nothing is slow."""
    return Setting((METRICS["si_sdr_db"], METRICS["pd_deg"]), with_degraded=True)


@pytest.fixture
def scored(folders, setting, tmp_path):
    """Items and scores of the tree."""
    items = items_of_folders(folders["enhanced"], folders["clean"], folders["noisy"])
    scores, _ = evaluate(items, setting, tmp_path / "report", workers=1)
    return items, scores
