"""`rephase evaluate` and `rephase compare` as a user meets them."""

import csv
import json

import pytest
import soundfile

pytest.importorskip("matplotlib")
CHEAP = ("--metrics", "si_sdr_db,pd_deg", "--jobs", "1", "--examples", "0")


@pytest.fixture
def tree(tmp_path, example_audio):
    """Two clean and two degraded recordings."""
    for kind, folder in (("clean", "clean"), ("degraded", "noisy")):
        (tmp_path / folder).mkdir()
        for name in ("dishes-0db", "hallway"):
            (tmp_path / folder / f"{name}.flac").write_bytes((example_audio / f"{name}.{kind}.flac").read_bytes())
    return tmp_path


def rows(folder):
    with (folder / "scores.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_folders_become_a_report(rephase, tree):
    outcome = rephase(
        "evaluate", "--reference", tree / "clean", "--estimate", tree / "noisy", "-o", tree / "out", *CHEAP
    )
    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in (tree / "out").iterdir()) == [
        ".scores.jsonl", "index.html", "scores.csv", "summary.json", "summary.md"
    ]  # fmt: skip
    assert [row["item"] for row in rows(tree / "out")] == ["dishes-0db", "hallway"]
    assert "| SI-SDR (dB) ↑ | 2 | 0 |" in outcome.out
    assert f"report: {tree / 'out' / 'index.html'}" in outcome.out
    assert json.loads((tree / "out" / "summary.json").read_text())["system"] == "noisy"
    again = rephase("evaluate", "--reference", tree / "clean", "--estimate", tree / "noisy", "-o", tree / "out", *CHEAP)
    assert "2 of 2 items were scored before" in again.out


def test_a_model_and_a_list_enhance_and_score_in_one_go(rephase, tree, identity_model):
    (tree / "list.csv").write_text(
        "name,clean,noisy,snr_db\na,clean/dishes-0db.flac,noisy/dishes-0db.flac,0\n"
        "b,clean/hallway.flac,noisy/hallway.flac,20\n"
    )
    outcome = rephase("evaluate", "--model", identity_model, "--pairs", tree / "list.csv", "-o", tree / "out", *CHEAP)
    assert outcome.code == 0, outcome.err
    for row in rows(tree / "out"):
        assert float(row["pd_deg"]) == pytest.approx(float(row["degraded.pd_deg"]), abs=1e-3)
    (made,) = (tree / "out" / "enhanced").glob("*/a.wav")
    assert soundfile.info(made).frames == 64000
    assert "By condition" in (tree / "out" / "index.html").read_text()


def test_a_model_and_folders(rephase, tree, identity_model):
    outcome = rephase(
        "evaluate", "--model", identity_model, "--degraded", tree / "noisy", "--reference", tree / "clean",
        "-o", tree / "out", "--name", "the same", *CHEAP,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "the same takes SI-SDR (dB)" in outcome.out


def test_missing_values_are_told_and_no_error(rephase, tree):
    (tree / "noisy" / "hallway.flac").rename(tree / "noisy" / "other.flac")
    outcome = rephase(
        "evaluate", "--reference", tree / "clean", "--estimate", tree / "noisy", "-o", tree / "out", *CHEAP
    )
    assert outcome.code == 0
    assert "4 values are missing" in outcome.err
    assert [row["pd_deg"] == "missing" for row in rows(tree / "out")] == [False, True, True]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "nothing to score is named"),
        (["--estimate", "{}/no"], "there is no such folder"),
        (
            ["--estimate", "{}/noisy", "--reference", "{}/clean/hallway.flac"],
            "this is a file, not a folder; {0}/clean/hallway.flac; name the folder that it is in: {0}/clean",
        ),
        (["--estimate", "{}/noisy", "--model", "renet-lite"], "leave out one of them"),
        (["--model", "renet-lite"], "needs recordings to enhance"),
        (["--pairs", "{}/no.csv"], "rephase: there is no such list of items; {}/no.csv; check the name"),
        (["--pairs", "{}/clean"], "can't read the list of items (is a directory); {}/clean"),
        (["--pairs", "{}/clean/hallway.flac"], "can't read the list of items (it is no table in UTF-8)"),
        (["--pairs", "{}/no.csv", "--reference", "{}/clean"], "leave out --reference"),
        (["--estimate", "{}/noisy", "--metrics", "pesq_wb"], "there is no --reference"),
        (["--estimate", "{}/noisy", "--reference", "{}/clean", "--metrics", "mos"], "there is no metric mos"),
        (["--degraded", "{}/noisy", "--model", "no-such-model"], "no-such-model"),
    ],
)
def test_a_mistake_is_one_line(arguments, reason, rephase, tree):
    outcome = rephase("evaluate", "-o", tree / "out", *(argument.format(tree) for argument in arguments))
    assert outcome.code == 2
    assert reason.format(tree) in outcome.error
    assert not (tree / "out").exists()


def test_reports_are_compared(rephase, tree):
    for folder in ("noisy", "clean"):
        outcome = rephase(
            "evaluate", "--reference", tree / "clean", "--estimate", tree / folder, "-o", tree / f"r-{folder}",
            "--metrics", "lsd,pd_deg", "--jobs", "1",
        )  # fmt: skip
        assert outcome.code == 0, outcome.err
    outcome = rephase("compare", tree / "r-noisy", tree / "r-clean", "-o", tree / "compared")
    assert outcome.code == 0, outcome.err
    assert "| PD (°) ↓ | noisy | clean |" in outcome.out
    assert "2 / 0 / 0" in outcome.out
    assert (tree / "compared" / "index.html").is_file()
    refused = rephase("compare", tree / "r-noisy", tree / "r-clean", "-o", tree / "r-clean")
    assert (refused.code, refused.out) == (2, "")
    assert "reports are kept" in refused.error
    told = rephase("compare", tree / "r-noisy", tree / "clean").error
    assert "there is no whole report here (summary.json: no such file or directory); " in told
    assert "only items with" not in (tree / "compared" / "comparison.md").read_text()
    for folder in ("noisy", "clean"):  # as a list of pairs with a column `task` gives it
        header, *lines = (tree / f"r-{folder}" / "scores.csv").read_text().splitlines()
        tasks = [header.replace("item,", "item,task,", 1)]
        tasks += [line.replace(",", f",{'room' if line.startswith('hallway') else 'noise'},", 1) for line in lines]
        (tree / f"r-{folder}" / "scores.csv").write_text("\n".join([*tasks, ""]))
    arguments = ("--where", "task=room", "-o", tree / "of-rooms")
    outcome = rephase("compare", tree / "r-noisy", tree / "r-clean", *arguments)
    assert outcome.code == 0, outcome.err
    assert "1 / 0 / 0" in outcome.out
    assert "only items with task=room" in (tree / "of-rooms" / "comparison.md").read_text()
    for where, reason in (("task", "must be CONDITION=VALUE; got task"), ("task=denoise", "there are noise, room")):
        outcome = rephase("compare", tree / "r-noisy", tree / "r-clean", "--where", where)
        assert outcome.code == 2
        assert reason in outcome.error
