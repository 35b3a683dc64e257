"""The report of scores: made from a small data folder with a model that changes nothing."""

import hashlib
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rephase.weights import list_models

pytest.importorskip("pesq")
pytest.importorskip("pystoi")
pytest.importorskip("speechmos")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "results.py"


def results(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="session")
def data(tmp_path_factory, example_audio) -> Path:
    """Two pairs of denoise, the second without a sound, and one of dereverb; another system's scores for them."""
    folder = tmp_path_factory.mktemp("data")
    pairs = {
        ("denoise", "000"): "exercise-bike-10db",
        ("denoise", "001"): "dishes-0db",
        ("dereverb", "000"): "kitchen-dining-room",
    }
    for (task, number), name in pairs.items():
        for kind in ("degraded", "clean"):
            target = folder / "eval" / task / kind / f"{number}.flac"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(example_audio / f"{name}.{kind}.flac", target)
    silent = folder / "eval" / "denoise" / "clean" / "001.flac"
    soundfile.write(silent, np.zeros(64000), 16000)
    (folder / "eval" / "eval.csv").write_text(
        "task,id,seconds,snr_db,band_hz\ndenoise,000,4.0,10,\ndenoise,001,4.0,0,\ndereverb,000,4.0,,4000\n"
    )
    (folder / "eval" / "peers.csv").write_text(
        "task,system,n,pesq_wb,estoi,si_sdr_db,pd_deg,lsd\n"
        "dereverb,degraded,1,1,0.5,0,50,1\ndereverb,Another,1,1.5,0.25,-3,60,\ndenoise,degraded,40,1,1,1,1,1\n"
    )
    return folder


@pytest.fixture(scope="session")
def report(data, identity_model, tmp_path_factory) -> str:
    target = tmp_path_factory.mktemp("report") / "docs" / "results.md"
    done = results(data, "--model", identity_model, "--output", target, "--work", target.parent / "work")
    assert done.returncode == 0, done.stderr
    return target.read_text(encoding="utf-8")


def cells(report: str, section: str, system: str) -> list[str]:
    part = report.split(f"## {section}\n")[1].split("\n## ")[0]
    (row,) = [line for line in part.splitlines() if line.startswith(f"| {system} ")]
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_a_model_that_changes_nothing_scores_as_what_came_in(report):
    degraded, enhanced = cells(report, "dereverb", "degraded"), cells(report, "dereverb", "**identity**")
    assert degraded[0] == enhanced[0] == "1"
    for before, after in zip(degraded[1:], enhanced[1:]):
        assert after == f"{before} [{before}, {before}]"  # one pair: every resample is that pair


def test_a_pair_without_a_score_is_in_no_mean_and_listed(report):
    pesq, estoi, si_sdr, pd, lsd, dnsmos = cells(report, "denoise", "degraded")[1:]
    assert all(cell.endswith("(1 of 2)") for cell in (pesq, estoi, si_sdr, pd))
    assert all(re.fullmatch(r"\d+\.\d{3}", cell) for cell in (lsd, dnsmos))  # silence has a distance
    assert "Missing: 7 of degraded and 7 of enhanced" in report
    listed = [line for line in report.splitlines() if line.startswith("| identity | denoise/001 |")]
    assert len(listed) == 7
    assert sum("reference is silent" in line for line in listed) == 4
    assert sum("reference holds nothing from" in line for line in listed) == 3  # the band levels


def test_other_systems_stand_beside_the_model(report):
    assert cells(report, "dereverb", "Another") == ["1", "1.500", "0.250", "-3.000", "60.000", "missing", "–"]


def test_agreement_is_told_of_means_over_the_same_pairs(report, data):
    figures = [float(cell) for cell in cells(report, "dereverb", "degraded")[1:]]
    expected = [abs(ours - theirs) for ours, theirs in zip(figures, (1, 0.5, 0, 50, 1))]
    assert "Its 5 means of `degraded` and ours" in report
    for metric, difference in (("PESQ-WB", expected[0]), ("LSD", expected[4])):
        told = re.search(rf"differ by at most: .*{metric} (\d+\.\d+)", report)
        assert float(told[1]) == pytest.approx(difference, abs=1e-3)


def test_lsd_stands_on_both_sides_of_the_cut_off(report):
    below, above = (float(cell) for cell in cells(report, "Below and above the cut-off", "degraded")[1:])
    assert 0 < below < 10
    assert 0 < above < 10
    assert "LSD of dereverb:" in report
    assert "LSD of denoise:" not in report


def test_pairs_are_listed_with_their_hashes(report, data, tmp_path_factory):
    path = next(tmp_path_factory.getbasetemp().glob("report*/docs/results-pairs.csv"))
    lines = path.read_text().splitlines()
    clean = data / "eval" / "denoise" / "clean" / "000.flac"
    assert lines[1].startswith(f"denoise/000,{hashlib.sha256(clean.read_bytes()).hexdigest()},")
    assert len(lines) == 4
    assert "(results-pairs.csv)" in report


def test_band_levels_are_those_of_the_pairs_with_little_noise(report):
    assert "the 1 pairs of denoise with 10 and 15 dB" in report
    assert all(float(cell) > -1 for cell in cells(report, "Band level", "degraded")[1:])  # noise adds


def test_each_model_that_ships_has_a_report_and_all_share_the_list_of_pairs(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    jobs = importlib.import_module("results").jobs(None, Path("docs/results.md"), Path("runs/results"))
    shipped = {model.name for model in list_models() if model.has_weights}
    assert {job.model for job in jobs} == shipped >= {"renet-lite", "renet-lite-denoise"}
    outputs = {job.model: str(job.output) for job in jobs}
    assert outputs["renet-lite"] == "docs/results.md"
    assert outputs["renet-lite-denoise"] == "docs/results-renet-lite-denoise.md"
    assert len({job.work for job in jobs}) == len(jobs)
    assert {str(job.pairs) for job in jobs} == {"docs/results-pairs.csv"}
    assert {job.command for job in jobs} == {"make results DATA=FOLDER"}


def test_where_a_report_goes_is_asked_of_one_model_alone(data, tmp_path):
    done = results(data, "--output", tmp_path / "mine.md")
    assert done.returncode == 2
    assert "name it, --model NAME|FOLDER" in done.stderr


@pytest.mark.parametrize("folder", ["", "eval"])
def test_a_data_folder_without_a_list_is_an_error(folder, tmp_path, identity_model):
    (tmp_path / "eval").mkdir()
    done = results(
        tmp_path / folder, "--model", identity_model, "--output", tmp_path / "results.md", "--work", tmp_path / "work"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "eval.csv; name the data folder" in done.stderr
    assert not (tmp_path / "results.md").exists()


def test_a_listed_recording_that_is_not_there_is_an_error(data, identity_model, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "eval" / "denoise" / "clean" / "000.flac").unlink()
    done = results(
        tmp_path / "data", "--model", identity_model, "--output", tmp_path / "results.md", "--work", tmp_path / "work"
    )
    assert done.returncode == 2
    assert "complete the data folder" in done.stderr
    assert not (tmp_path / "results.md").exists()
