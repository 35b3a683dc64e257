"""Pairs made of a folder: the same bytes for a seed, true to their list, and one bad file spoils nothing."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from rephase.data.degraded_folder import degrade_folder, folder_or_none
from rephase.data.degraded_item import Setting
from rephase.degradations.noise import active_power
from rephase.degradations.presets import PUBLISHED
from rephase.errors import OutputError, RephaseError
from rephase.evaluation.items import items_of_list

CLIPS = ("dishes-0db.clean.flac", "hallway.clean.flac", "exercise-bike-10db.clean.flac")


@pytest.fixture(scope="module")
def clean(tmp_path_factory, example_audio) -> Path:
    """Two seconds of three recordings, one of them in stereo at 44.1 kHz, one in a folder below."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "below").mkdir()
    for name, target in zip(CLIPS, ("one.flac", "below/two.flac", "three.wav")):
        samples, rate = soundfile.read(example_audio / name, frames=32000, start=8000)
        if target.endswith("wav"):
            samples, rate = np.stack([samples, 0.5 * samples], axis=1), 44100  # faster: any recording will do
        soundfile.write(folder / target, samples, rate)
    return folder


@pytest.fixture(scope="module")
def noise(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(0)
    for index, frames in enumerate((8000, 50000, 400)):
        soundfile.write(folder / f"noise-{index}.wav", random.uniform(-0.3, 0.3, frames), 16000)
    return folder


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "pairs.csv").open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def bytes_of(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.suffix == ".flac")
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def pair_of(folder: Path, row: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    degraded, clean = (soundfile.read(folder / row[side])[0] for side in ("degraded", "clean"))
    return degraded, clean


def made_of(clean: Path, output: Path, task: str = "denoise", noise: Path | None = None, **changes: object) -> Setting:
    chain = PUBLISHED[task]
    if noise is None:
        chain = replace(chain, p_coloured=1.0)
    return Setting(replace(chain, **changes), 1, clean, output, folder_or_none(noise))


def test_noise_has_the_ratio_that_the_list_says(clean, noise, tmp_path):
    made = degrade_folder(made_of(clean, tmp_path, noise=noise))
    assert not made.failures
    rows = rows_of(tmp_path)
    assert sorted(rows) == ["below/two", "one", "three"]
    for row in rows.values():
        degraded, target = pair_of(tmp_path, row)
        assert len(degraded) == len(target) == pytest.approx(16000 * float(row["seconds"]), abs=8)
        power = float(active_power(torch.from_numpy(target)[None]))
        measured = 10 * np.log10(power / np.mean((degraded - target) ** 2))
        assert measured == pytest.approx(float(row["snr_db"]), abs=0.05)
        assert -5 <= measured <= 15
        assert row["noise"].startswith("noise-")
        level = 10 * np.log10(float(active_power(torch.from_numpy(degraded)[None])))
        assert level == pytest.approx(-26, abs=0.1)


def test_the_clean_one_is_the_recording_with_the_gain_that_the_list_says(clean, tmp_path):
    degrade_folder(made_of(clean, tmp_path))
    row = rows_of(tmp_path)["one"]
    source, _ = soundfile.read(clean / "one.flac")
    _, target = pair_of(tmp_path, row)
    gain = 10 ** (float(row["gain_db"]) / 20)
    np.testing.assert_allclose(target, gain * source, atol=1e-3)
    assert np.corrcoef(target, source)[0, 1] > 0.99999


EVERYTHING = {"p_second_noise": 0.5, "p_clip": 0.5, "p_speed": 0.5, "p_codec": 0.5}


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_there(clean, noise, tmp_path):
    setting = made_of(clean, tmp_path / "first", "universal", noise, **EVERYTHING)
    degrade_folder(setting)
    first = bytes_of(tmp_path / "first")
    degrade_folder(replace(setting, output=tmp_path / "again"))
    assert bytes_of(tmp_path / "again") == first
    assert (tmp_path / "again" / "pairs.csv").read_bytes() == (tmp_path / "first" / "pairs.csv").read_bytes()
    alone = tmp_path / "alone"
    (alone / "below").mkdir(parents=True)
    shutil.copy(clean / "below/two.flac", alone / "below")
    degrade_folder(replace(setting, source=alone, output=tmp_path / "one"))
    assert bytes_of(tmp_path / "one") == {name: value for name, value in first.items() if "two" in name}
    degrade_folder(replace(setting, seed=2, output=tmp_path / "other"))
    assert not set(bytes_of(tmp_path / "other").values()) & set(first.values())


def test_processes_give_the_same_bytes_as_one(clean, noise, tmp_path):
    setting = made_of(clean, tmp_path / "one", "denoise", noise, **EVERYTHING)
    degrade_folder(setting)
    done: list[tuple[float, float]] = []
    degrade_folder(replace(setting, output=tmp_path / "two"), jobs=2, progress=lambda *each: done.append(each))
    assert bytes_of(tmp_path / "two") == bytes_of(tmp_path / "one")
    assert (tmp_path / "two" / "pairs.csv").read_bytes() == (tmp_path / "one" / "pairs.csv").read_bytes()
    assert done == [(1.0, 3.0), (2.0, 3.0), (3.0, 3.0)]


def test_evaluation_reads_the_list(clean, tmp_path):
    degrade_folder(made_of(clean, tmp_path))
    items = items_of_list(tmp_path / "pairs.csv")
    assert sorted(item.name for item in items) == ["below/two", "one", "three"]
    assert all(item.reference.is_file() and item.degraded.is_file() and not item.problem for item in items)
    assert all("snr_db" in item.conditions for item in items)


def test_a_limited_band_ends_where_the_list_says(clean, tmp_path):
    degrade_folder(made_of(clean, tmp_path, "bandwidth"))
    for row in rows_of(tmp_path).values():
        assert row["band_hz"] in ("2000", "4000")
        degraded, target = (np.abs(np.fft.rfft(side)) ** 2 for side in pair_of(tmp_path, row))
        edge = round(float(row["band_hz"]) / 8000 * len(degraded))
        # What is left there is the rounding to 16 bits.
        assert 10 * np.log10(degraded[edge + 2 :].mean() / degraded[:edge].mean()) < -60
        assert 10 * np.log10(target[edge + 2 :].mean() / target[:edge].mean()) > -55
    items = items_of_list(tmp_path / "pairs.csv")
    assert {item.cut_off_hz for item in items} <= {2000.0, 4000.0}


def test_a_measured_room_is_heard_in_the_input_alone(clean, tmp_path):
    (tmp_path / "rooms").mkdir()
    response = np.zeros((4000, 2))
    response[100], response[100 + 1600, 0], response[100 + 800, 1] = 0.9, 0.45, 0.45
    soundfile.write(tmp_path / "rooms" / "hall.wav", response, 16000, "FLOAT")
    setting = replace(made_of(clean, tmp_path / "out", "dereverb"), rooms=folder_or_none(tmp_path / "rooms"))
    degrade_folder(setting)
    for row in rows_of(tmp_path / "out").values():
        delay = {"hall.wav": 1600, "hall.wav#2": 800}[row["room"]]
        degraded, target = pair_of(tmp_path / "out", row)
        echo = np.concatenate([np.zeros(delay), target[:-delay]])
        expected = target + 0.5 * echo
        assert np.corrcoef(degraded, expected)[0, 1] > 0.999
        assert np.corrcoef(degraded, target)[0, 1] < 0.97


def test_babble_is_of_other_files(clean, tmp_path):
    setting = made_of(clean, tmp_path / "out", p_babble=1.0, p_coloured=0.0, talkers=(2, 2), snr_db=(0.0, 0.0))
    with pytest.raises(RephaseError, match="talkers must be a folder where p_babble is above 0; got none"):
        degrade_folder(setting)
    degrade_folder(replace(setting, talkers=folder_or_none(clean)))
    for row in rows_of(tmp_path / "out").values():
        assert row["noise"] == "babble of 2"
        degraded, target = pair_of(tmp_path / "out", row)
        size = 2 * len(target)
        spectra = [np.fft.rfft(side, size) for side in (degraded - target, target)]
        correlation = np.fft.irfft(spectra[0] * spectra[1].conj(), size)
        assert np.abs(correlation).max() < 0.5 * np.linalg.norm(degraded - target) * np.linalg.norm(target)


def test_speed_changes_the_length(clean, tmp_path):
    degrade_folder(made_of(clean, tmp_path, p_speed=1.0, speed=(1.1, 1.1)))
    row = rows_of(tmp_path)["one"]
    assert row["speed"] == "1.1"
    assert len(pair_of(tmp_path, row)[0]) == 32000 * 100 // 110


def test_bad_files_are_told_and_left_out(clean, tmp_path):
    folder = tmp_path / "clean"
    shutil.copytree(clean, folder)
    (folder / "text.wav").write_text("no audio")
    soundfile.write(folder / "short.wav", np.full(1599, 0.1), 16000)
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)
    soundfile.write(folder / "nan.wav", np.full(16000, np.nan), 16000, "FLOAT")
    shutil.copy(folder / "one.flac", folder / "one.wav")
    made = degrade_folder(made_of(folder, tmp_path / "out"))
    assert sorted(rows_of(tmp_path / "out")) == ["below/two", "one", "three"]
    told = [str(failure) for failure in made.failures]
    assert len(told) == 5
    for part in ("nan.wav", "one.flac and one.wav would get one name, one.flac", "less than 0.1 s; ",
                 "there is nothing to hear in it; ", "no audio file that can be read"):  # fmt: skip
        assert sum(part in line for line in told) == 1, part


def test_the_shortest_that_is_allowed_is_made(tmp_path):
    (tmp_path / "clean").mkdir()
    soundfile.write(tmp_path / "clean" / "a.wav", np.random.default_rng(0).uniform(-0.1, 0.1, 1600), 16000)
    made = degrade_folder(made_of(tmp_path / "clean", tmp_path / "out"))
    assert [row["seconds"] for row in made.pairs] == ["0.100"]


def test_nothing_is_written_over_or_into_the_clean_ones(clean, tmp_path):
    degrade_folder(made_of(clean, tmp_path / "out"))
    with pytest.raises(OutputError, match=r"the output folder is not empty; .*out; name another one, or allow it"):
        degrade_folder(made_of(clean, tmp_path / "out"))
    degrade_folder(made_of(clean, tmp_path / "out"), overwrite=True)
    for inside in (clean, clean / "pairs", clean.parent):
        with pytest.raises(OutputError, match="the output must lie beside the clean recordings, not among them"):
            degrade_folder(made_of(clean, inside))
    with pytest.raises(RephaseError, match="there is no such folder"):
        degrade_folder(made_of(tmp_path / "nowhere", tmp_path / "x"))
    facts = json.loads((tmp_path / "out" / "degrade.json").read_text())
    assert facts["seed"] == 1
    assert facts["chain"]["p_coloured"] == 1.0
