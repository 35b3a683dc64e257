"""`rephase enhance` as a user meets it: where results go, what is said, and what happens when something is wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rephase.ledger import LEDGER


@pytest.fixture
def enhance(rephase, identity_model):
    def run(*arguments):
        return rephase("enhance", "--model", identity_model, *arguments)

    return run


@pytest.fixture
def talk(tmp_path, example_audio):
    """A recording as 16-bit WAV, in a folder of its own."""
    samples, rate = soundfile.read(example_audio / "exercise-bike-10db.degraded.flac", dtype="int16")
    folder = tmp_path / "recordings"
    folder.mkdir()
    soundfile.write(folder / "talk.wav", samples, rate, subtype="PCM_16")
    return folder / "talk.wav"


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != LEDGER)


def test_the_result_lies_beside_the_input(enhance, talk):
    outcome = enhance(talk)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{talk} -> {talk.parent / 'talk.enhanced.wav'}" in outcome.out
    assert "4.0 s of audio, RTF" in outcome.out
    assert names(talk.parent) == ["talk.enhanced.wav", "talk.wav"]
    before, after = soundfile.read(talk)[0], soundfile.read(talk.parent / "talk.enhanced.wav")[0]
    np.testing.assert_allclose(after, before, atol=2 / 32768)


def test_output_can_be_a_file_of_another_format(enhance, talk, tmp_path):
    assert enhance(talk, "-o", tmp_path / "clean.flac").code == 0
    assert soundfile.info(tmp_path / "clean.flac").format == "FLAC"


def test_output_can_be_a_folder(enhance, talk, tmp_path):
    assert enhance(talk, "-o", tmp_path).code == 0
    assert (tmp_path / "talk.enhanced.wav").is_file()


@pytest.mark.parametrize("folder", ["new/", "new"])
def test_a_folder_for_several_results_is_made(enhance, talk, example_audio, tmp_path, folder):
    hallway = example_audio / "hallway.degraded.flac"
    assert enhance(talk, hallway, "-o", f"{tmp_path}/{folder}").code == 0
    assert names(tmp_path / "new") == ["hallway.degraded.enhanced.flac", "talk.enhanced.wav"]


def test_a_failing_input_does_not_stop_the_others(enhance, talk, tmp_path):
    (tmp_path / "notes.wav").write_text("dear diary")
    outcome = enhance(tmp_path / "notes.wav", tmp_path / "missing.wav", talk, "-o", tmp_path / "out")
    assert outcome.code == 1
    assert names(tmp_path / "out") == ["talk.enhanced.wav"]
    assert "rephase: 2 of 3 inputs failed:" in outcome.err
    listed = outcome.err.split("inputs failed:\n")[1].splitlines()
    assert len(listed) == 2
    assert "notes.wav" in listed[0]
    assert "missing.wav" in listed[1]


def test_existing_results_stay_unless_told(enhance, talk):
    target = talk.parent / "talk.enhanced.wav"
    target.write_bytes(b"precious")
    outcome = enhance(talk)
    assert outcome.code == 2
    assert "--overwrite" in outcome.error
    assert target.read_bytes() == b"precious"
    assert enhance(talk, "--overwrite").code == 0
    assert soundfile.info(target).frames == 64000


def test_strength_0_gives_the_input_back(enhance, talk):
    assert enhance(talk, "--strength", "0").code == 0
    before, after = (soundfile.read(path, dtype="int16")[0] for path in (talk, talk.parent / "talk.enhanced.wav"))
    np.testing.assert_array_equal(before, after)


def test_the_output_rate_is_the_one_asked_for(enhance, talk):
    assert enhance(talk, "--output-rate", "8000").code == 0
    info = soundfile.info(talk.parent / "talk.enhanced.wav")
    assert (info.samplerate, info.frames) == (8000, 32000)


@pytest.mark.parametrize(
    ("task", "options", "hint"),
    [
        ("universal", [], True),
        ("bandwidth", [], True),
        ("denoise", [], False),
        ("universal", ["--output-rate", "16000"], False),
        ("universal", ["--output-rate", "8000"], False),
        ("universal", ["--strength", "0"], False),
    ],
)
def test_a_narrow_input_gets_a_hint_where_there_is_more_to_gain(rephase, identity_model, tmp_path, task, options, hint):
    folder = shutil.copytree(identity_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text()) | {"task": task}
    (folder / "config.json").write_text(json.dumps(config))
    soundfile.write(tmp_path / "phone.wav", np.sin(np.arange(8000) / 7) / 4, 8000)
    outcome = rephase("enhance", tmp_path / "phone.wav", "--model", folder, *options)
    assert outcome.code == 0
    assert outcome.err.count("\n") == hint
    assert ("--output-rate 16000" in outcome.err) == hint


def test_nothing_done_is_2(enhance, tmp_path):
    (tmp_path / "notes.wav").write_text("dear diary")
    outcome = enhance(tmp_path / "notes.wav", tmp_path / "missing.wav", "-o", tmp_path / "out")
    assert outcome.code == 2
    assert "rephase: 2 of 2 inputs failed:" in outcome.err
    assert names(tmp_path) == ["notes.wav"], "no folder is made for nothing"


def test_a_failed_input_makes_no_folder(enhance, tmp_path):
    outcome = enhance(tmp_path / "missing.wav", "-o", f"{tmp_path}/new/")
    assert (outcome.code, "missing.wav" in outcome.error) == (2, True)
    assert names(tmp_path) == []


@pytest.mark.parametrize("way", ["name", "link", "hard link", "folder link", "not there yet"])
def test_no_result_replaces_another_input(enhance, talk, tmp_path, way):
    target, other = talk.parent / "talk.enhanced.wav", talk.parent / "talk.enhanced.wav"
    options = ["--overwrite"]
    if way != "not there yet":
        other.write_bytes(talk.read_bytes()[:10_000])
    if way == "link":
        other = other.rename(tmp_path / "other.wav")
        target.symlink_to(other)
    elif way == "hard link":
        other = tmp_path / "other.wav"
        other.hardlink_to(target)
    elif way == "folder link":
        (tmp_path / "linked").symlink_to(talk.parent)
        options += ["-o", tmp_path / "linked"]
    before = {path.name: path.read_bytes() for path in talk.parent.iterdir()}
    outcome = enhance(talk, other, *options)
    assert outcome.code == 2
    assert "would replace an input" in outcome.error
    assert {path.name: path.read_bytes() for path in talk.parent.iterdir()} == before


def test_several_results_do_not_go_into_one_file(enhance, talk, example_audio, tmp_path):
    inputs = [talk, example_audio / "hallway.degraded.flac"]
    outcome = enhance(*inputs, "-o", tmp_path / "out.WAV")
    assert outcome.code == 2
    assert "2 results don't fit into one file" in outcome.error
    assert names(tmp_path) == ["recordings"]
    assert enhance(*inputs, "-o", f"{tmp_path}/out.WAV/").code == 0
    assert enhance(*inputs, "-o", tmp_path / "out.WAV", "--overwrite").code == 0, "now it is a folder"
    assert len(names(tmp_path / "out.WAV")) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are Unicode")
def test_a_name_that_is_not_utf_8(identity_model, talk):
    path = talk.rename(talk.with_name(os.fsdecode(b"caf\xe9.wav")))
    command = [sys.executable, "-m", "rephase", "enhance", path, "--model", identity_model]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"caf\\udce9.wav -> " in done.stdout
    assert names(talk.parent) == [os.fsdecode(b"caf\xe9.enhanced.wav"), path.name]


def test_two_results_of_one_name_are_refused_before_any_work(enhance, talk, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "talk.wav").write_bytes(talk.read_bytes())
    outcome = enhance(talk, other / "talk.wav", "-o", tmp_path / "out")
    assert outcome.code == 2
    assert "would become one file" in outcome.error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--strength", "1.5"], "--strength"),
        (["--strength", "nan"], "--strength"),
        (["--runtime", "jax"], "--runtime"),
        (["--output-rate", "fast"], "--output-rate"),
        (["--output-rate", "-1"], "--output-rate"),
    ],
)
def test_wrong_options_are_2(enhance, talk, arguments, expected):
    outcome = enhance(talk, *arguments)
    assert outcome.code == 2
    assert expected in outcome.err
    assert names(talk.parent) == ["talk.wav"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.wav", None, "missing.wav"),
        ("empty.wav", b"", "empty"),
        ("notes.wav", b"dear diary, today I recorded nothing", "notes.wav"),
    ],
)
def test_a_broken_input_is_one_line_and_2(enhance, tmp_path, name, content, expected):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    before = names(tmp_path)
    outcome = enhance(tmp_path / name)
    assert outcome.code == 2
    assert expected in outcome.error
    assert names(tmp_path) == before


def test_a_folder_is_no_recording(enhance, tmp_path):
    (tmp_path / "folder").mkdir()
    outcome = enhance(tmp_path / "folder")
    assert outcome.code == 2
    assert "folder" in outcome.error


def test_samples_that_are_no_numbers_are_refused(enhance, tmp_path):
    samples = np.full(16000, 0.1, dtype=np.float32)
    samples[8000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
    outcome = enhance(tmp_path / "nan.wav")
    assert outcome.code == 2
    assert "0.5" in outcome.error, "the time of the fault is named"
    assert names(tmp_path) == ["nan.wav"]


def test_the_input_is_never_overwritten(enhance, talk):
    before = talk.read_bytes()
    outcome = enhance(talk, "-o", talk, "--overwrite")
    assert outcome.code == 2
    assert "talk.wav" in outcome.error
    assert talk.read_bytes() == before


def test_a_missing_output_folder_is_named(enhance, talk, tmp_path):
    outcome = enhance(talk, "-o", tmp_path / "no" / "clean.wav")
    assert outcome.code == 2
    assert f"{tmp_path}/no" in outcome.error
    assert enhance(talk, "-o", f"{tmp_path}/no/such/").code == 0, "a name that ends so is a folder's: it is made"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission_to_read(enhance, talk):
    talk.chmod(0)
    outcome = enhance(talk)
    assert outcome.code == 2
    assert "talk.wav" in outcome.error


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="a folder in which even root can't write")
def test_no_permission_to_write(enhance, talk):
    for output in ("/proc/clean.wav", "/proc/clean/"):
        outcome = enhance(talk, "-o", output)
        assert outcome.code == 2
        assert "/proc" in outcome.error


def test_an_unknown_model_names_the_ones_there_are(rephase, talk):
    outcome = rephase("enhance", talk, "--model", "renet-light")
    assert outcome.code == 2
    assert "renet-light" in outcome.error
    assert "renet-lite" in outcome.error.replace("renet-light", "")


def test_a_model_without_weights_is_refused_with_the_way_to_get_some(rephase, talk, identity_model, tmp_path):
    config = json.loads((identity_model / "config.json").read_text()) | {"files": {}}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    outcome = rephase("enhance", talk, "--model", tmp_path / "model")
    assert outcome.code == 2
    assert "ships no weights" in outcome.error
    assert "--model FOLDER" in outcome.error


def test_verbose_shows_what_led_to_an_error(tmp_path):
    command = [sys.executable, "-m", "rephase", "info", str(tmp_path / "missing.wav"), "--verbose"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "FileNotFoundError" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("rephase: there is no such file")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind(identity_model, tmp_path, number, code):
    soundfile.write(tmp_path / "long.flac", np.zeros((3600 * 8000, 1), dtype=np.int16), 8000)
    command = [sys.executable, "-m", "rephase", "enhance", str(tmp_path / "long.flac"), "--model", str(identity_model)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and len(names(tmp_path)) == 1:
        time.sleep(0.01)
    process.send_signal(number)
    assert "Traceback" not in process.communicate()[1]
    assert process.returncode == code
    assert names(tmp_path) == ["long.flac"]


# ---------------------------------------------------------------- the report
def test_the_report_replaces_an_earlier_report_and_nothing_else(enhance, talk, tmp_path):
    report = tmp_path / "new" / "report.json"
    assert enhance(talk, "--report", report).code == 0
    assert enhance(talk, "--overwrite", "--report", report).code == 0
    assert [entry["status"] for entry in json.loads(report.read_text())["recordings"]] == ["enhanced"]
    (tmp_path / "letter.json").write_text('{"dear": "diary"}')
    (tmp_path / "empty").touch()
    assert enhance(talk, "--overwrite", "--report", tmp_path / "empty").code == 0
    os.mkfifo(tmp_path / "fifo")
    for place, reason in (
        (talk, "would replace a recording or its result"),
        (talk.parent / "talk.enhanced.wav", "would replace a recording or its result"),
        (tmp_path / "letter.json", "is there and no report"),
        (tmp_path / "fifo", "is no regular file"),
        (tmp_path, "is a folder"),
    ):
        content = place.read_bytes() if place.is_file() and place != tmp_path / "fifo" else None
        outcome = enhance(talk, "--overwrite", "--report", place)
        assert outcome.code == 2
        assert reason in outcome.error
        assert content is None or place.read_bytes() == content
    assert (tmp_path / "fifo").is_fifo()


def test_a_report_that_cannot_be_written_is_said_before_any_work(enhance, talk, tmp_path):
    (tmp_path / "file").write_text("x")
    outcome = enhance(talk, "--report", tmp_path / "file" / "report.json")
    assert outcome.code == 2
    assert "can't write the report" in outcome.error
    assert names(talk.parent) == ["talk.wav"]


# ---------------------------------------------------------------- what is said of folders
def test_what_a_folder_leaves_out_is_said(enhance, talk, tmp_path):
    assert enhance(talk).code == 0
    (talk.parent / "monday").mkdir()
    shutil.copy(talk, talk.parent / "monday" / "talk.wav")
    outcome = enhance(talk.parent, "-o", tmp_path / "out")
    assert outcome.code == 0
    assert "1 enhanced" in outcome.out
    assert "talk.enhanced.wav: left out" in outcome.err
    assert f"{talk.parent / 'monday'}: --recursive takes them" in outcome.err
    outcome = enhance(talk.parent, "-o", tmp_path / "out", "--recursive")
    assert "1 enhanced" in outcome.out
    assert "--recursive" not in outcome.err


def test_a_notice_of_many_recordings_is_said_once_and_counted(rephase, identity_model, tmp_path):
    config = json.loads((identity_model / "config.json").read_text()) | {"task": "universal"}
    shutil.copytree(identity_model, tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    for day in ("monday", "tuesday", "friday"):
        (tmp_path / "calls" / day).mkdir(parents=True)
        soundfile.write(tmp_path / "calls" / day / "call.wav", np.zeros(8000), 8000)
    outcome = rephase(
        "enhance", tmp_path / "calls", "-o", tmp_path / "out", "--recursive", "--model", tmp_path / "model", "--jobs", 1
    )
    said = [line for line in outcome.err.splitlines() if "--output-rate 16000" in line]
    assert [line.split(": ")[0] for line in said] == ["friday/call.wav", "2 more"]


def test_format_and_name_must_agree(enhance, talk, tmp_path):
    outcome = enhance(talk, "-o", tmp_path / "clean.wav", "--format", "flac")
    assert outcome.code == 2
    assert "flac contradicts -o" in outcome.error
    assert not (tmp_path / "clean.wav").exists()
    assert enhance(talk, "-o", tmp_path / "clean.wave", "--format", "wav").code == 0
    assert enhance(talk, "-o", tmp_path / "clean.tmp", "--format", "flac").code == 0
    assert soundfile.info(tmp_path / "clean.tmp").format == "FLAC"
    assert enhance(talk, "-o", f"{tmp_path}/session.wav/", "--format", "flac").code == 0, "it is a folder's name"
    assert enhance(talk.parent, "-o", tmp_path / "cleaned.ts", "--format", "flac").code == 0


def test_a_recording_that_breaks_off_is_said_to(enhance, talk, tmp_path):
    os.truncate(talk, 44 + 2 * 32000)
    outcome = enhance(talk)
    assert outcome.code == 0
    assert "the file says it holds 4.000 s, but 2.000 s could be read" in outcome.err
