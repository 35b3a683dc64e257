"""Runs side by side, what they take from earlier ones, and what is left of a run that was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from rephase.errors import OutputError
from rephase.evaluation.cache import FILENAME
from rephase.evaluation.catalogue import METRICS
from rephase.evaluation.items import Item, items_of_folders
from rephase.evaluation.pool import scored_jobs
from rephase.evaluation.run import choose_model, evaluate, with_estimates
from rephase.evaluation.scoring import Job


def of(folders):
    return items_of_folders(folders["enhanced"], folders["clean"], folders["noisy"])


def test_processes_give_what_one_gives(folders, setting, tmp_path):
    alone, _ = evaluate(of(folders), setting, tmp_path / "a", workers=1)
    together, known = evaluate(of(folders), setting, tmp_path / "b", workers=2)
    assert known == 0
    assert [found.name for found in together] == [item.name for item in of(folders)]
    for ours, theirs in zip(together, alone):  # sums of many threads may round otherwise
        assert ours.values == pytest.approx(theirs.values, rel=1e-9)


def test_what_is_known_is_not_computed_again(folders, setting, tmp_path, monkeypatch):
    first, _ = evaluate(of(folders), setting, tmp_path / "report", workers=1)

    def fails(signals, parts):
        raise AssertionError("computed again")

    for name in ("si_sdr_db", "pd_deg"):
        monkeypatch.setitem(METRICS, name, replace(METRICS[name], compute=fails))
    again, known = evaluate(of(folders), setting, tmp_path / "report", workers=1)
    assert known == 3
    assert again == first
    more = replace(setting, metrics=(*setting.metrics, METRICS["snr_db"]))
    third, known = evaluate(of(folders), more, tmp_path / "report", workers=1)
    assert known == 0
    assert not third[0].missing
    assert third[0].values["si_sdr_db"] == first[0].values["si_sdr_db"]
    assert third[0].delay_ms == 0


def test_another_content_or_setting_or_version_is_computed_again(folders, setting, tmp_path, monkeypatch):
    items = of(folders)
    evaluate(items, setting, tmp_path / "report", workers=1)
    items[0].estimate.write_bytes(items[1].estimate.read_bytes())
    changed, known = evaluate(items, setting, tmp_path / "report", workers=1)
    assert known == 2
    assert changed[0].hashes["estimate"] == changed[1].hashes["estimate"]
    assert evaluate(items, replace(setting, align=True), tmp_path / "report", workers=1)[1] == 0
    from rephase.evaluation.catalogue import metric_version

    monkeypatch.setitem(METRICS, "pd_deg", replace(METRICS["pd_deg"], version=2))
    metric_version.cache_clear()
    assert evaluate(items, setting, tmp_path / "report", workers=1)[1] == 0
    metric_version.cache_clear()


def test_a_line_that_was_cut_off_is_left_aside(folders, setting, tmp_path):
    evaluate(of(folders), setting, tmp_path / "report", workers=1)
    path = tmp_path / "report" / FILENAME
    path.write_text(path.read_text()[:-40] + "\n[1]\nnull\n")
    assert evaluate(of(folders), setting, tmp_path / "report", workers=1)[1] == 2


def test_a_model_makes_its_estimates_and_keeps_them(folders, setting, identity_model, tmp_path):
    items = [replace(item, estimate=None) for item in of(folders)]
    with_model = replace(setting, model=choose_model(str(identity_model)))
    scores, _ = evaluate(items, with_model, tmp_path / "report", workers=1)
    for found in scores:
        assert found.values["pd_deg"] == pytest.approx(found.values["degraded.pd_deg"], abs=1e-3)
        assert "identity" in found.hashes["model"]
    made = with_estimates(items, with_model, tmp_path / "report")
    assert all(item.estimate.is_file() for item in made)
    assert evaluate(items, with_model, tmp_path / "report", workers=1)[1] == 3
    made[0].estimate.unlink()
    assert evaluate(items, with_model, tmp_path / "report", workers=1)[1] == 2  # it is made again, to be heard
    assert made[0].estimate.is_file()
    other = replace(with_model, model=replace(with_model.model, identity="another 0.1.0 00"))
    assert not with_estimates(items, other, tmp_path / "report")[0].estimate.exists(), "models don't mix their sound"


def test_a_folder_with_other_files_is_left_alone(folders, setting, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(OutputError, match="holds other files and no report"):
        evaluate(of(folders), setting, tmp_path / "mine", workers=1)
    with pytest.raises(OutputError, match="can't make the folder"):
        evaluate(of(folders), setting, tmp_path / "mine" / "thesis.txt" / "report", workers=1)


def test_a_process_that_dies_costs_its_own_item_alone(tmp_path, monkeypatch):
    """A crash in C code: it can't be caught, so the process is gone, and those beside it with the pool."""
    (tmp_path / "crashing_scores.py").write_text(
        "import os\nfrom rephase.evaluation.scoring import Scored\n"
        "def score(job):\n    if job.item.name == '3':\n        os.abort()\n"
        "    return Scored(job.item.name, {'snr_db': float(job.item.name)})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import crashing_scores

    jobs = [Job(Item(str(number)), ("snr_db",), ("pd_deg",)) for number in range(8)]
    found = {scored.name: scored for scored in scored_jobs(jobs, 2, crashing_scores.score)}
    assert sorted(found) == [str(number) for number in range(8)]
    assert list(found["3"].missing) == ["snr_db", "degraded.pd_deg"]
    assert "the process that scored it died" in found["3"].missing["snr_db"]
    assert all(scored.values == {"snr_db": float(name)} for name, scored in found.items() if name != "3")


def test_jobs_are_taken_when_there_is_room(monkeypatch):
    """Else a list of a million items would lie in memory."""
    monkeypatch.setattr("rephase.evaluation.pool.WAITING_PER_WORKER", 1)
    taken = []

    def jobs():
        for number in range(20):
            taken.append(number)
            yield Job(Item(str(number), problem="no file"), ("snr_db",))

    results = scored_jobs(jobs(), 2)
    next(results)
    assert len(taken) <= 4
    results.close()


def test_a_run_that_was_killed_goes_on(folders, tmp_path):
    clean, enhanced = tmp_path / "many" / "clean", tmp_path / "many" / "enhanced"
    for folder, kind, suffix in ((clean, "clean", "flac"), (enhanced, "enhanced", "wav")):
        folder.mkdir(parents=True)
        source = next((folders[kind] / "loud").glob(f"*.{suffix}"))
        for number in range(16):
            (folder / f"{number:02}.{suffix}").write_bytes(source.read_bytes() + bytes(number))
    command = [
        sys.executable, "-m", "rephase", "evaluate", "--reference", clean, "--estimate", enhanced, "--jobs", "2",
        "--metrics", "pesq_wb,wss", "--examples", "0", "-o", tmp_path / "report",
    ]  # fmt: skip
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, start_new_session=True)
    kept = tmp_path / "report" / FILENAME
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (not kept.exists() or kept.read_text().count("\n{") < 3):
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = [
        json.loads(line)["key"] for line in kept.read_text().splitlines() if line.startswith("{") and line.endswith("}")
    ]
    assert 3 <= len(before) < 16
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{len(before)} of 16 items were scored before" in done.stdout
    assert _alone(process.pid), "a process of the killed run is left"


def _alone(group: int) -> bool:
    """Whether the processes of a group are gone, within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    os.killpg(group, signal.SIGKILL)
    return False
