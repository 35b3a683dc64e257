"""Tiny corpora of real speech in the very layout of the published ones."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from rephase.audio.formats import CONTAINERS

CLIPS = Path(__file__).parent.parent / "clips"


@pytest.fixture(scope="session")
def speech() -> list[np.ndarray]:
    """A second each of all clips, at 16 kHz."""
    return [soundfile.read(path, dtype="float32")[0][16000:32000] for path in sorted(CLIPS.glob("speech/*.flac"))]


@pytest.fixture(scope="session")
def wide(speech: list[np.ndarray]) -> list[np.ndarray]:
    """The same at 48 kHz."""
    return [soxr.resample(samples, 16000, 48000, "VHQ") for samples in speech]


@pytest.fixture
def put() -> Callable[..., Path]:
    """Writes a recording, and the folders it lies in."""

    def put(path: Path, samples: np.ndarray, rate: int, **options: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(os.fsencode(path), samples, rate, format=CONTAINERS[path.suffix], **options)
        return path

    return put


@pytest.fixture
def voicebank(tmp_path: Path, wide: list[np.ndarray], put: Callable[..., Path]) -> Path:
    """Two recordings each of five training speakers and of the two test speakers, noisy and clean."""
    noise = np.random.default_rng(0).standard_normal(48000).astype(np.float32) * 0.01
    folder = tmp_path / "DS_10283_2791"
    log = {"log_trainset_28spk.txt": "", "log_testset.txt": ""}
    for number, (speaker, which) in enumerate(
        (speaker, which) for speaker in ("p226", "p227", "p228", "p230", "p287", "p232", "p257") for which in (1, 2)
    ):
        test = speaker in ("p232", "p257")
        name, clean = f"{speaker}_{which:03}", wide[number % len(wide)]
        part = "testset_wav" if test else "trainset_28spk_wav"
        put(folder / f"clean_{part}" / f"{name}.wav", clean, 48000)
        put(folder / f"noisy_{part}" / f"{name}.wav", clean + noise, 48000)
        log["log_testset.txt" if test else "log_trainset_28spk.txt"] += f"{name} bus {2.5 * which:e}\n"
    (folder / "logfiles").mkdir()
    for name, text in log.items():
        (folder / "logfiles" / name).write_text(text)
    return folder
