"""The same command twice: results that a glob finds are no recordings, and what is done is not done again."""

import shutil

import pytest
import soundfile

from rephase.ledger import LEDGER


@pytest.fixture
def talks(tmp_path, example_audio):
    samples, rate = soundfile.read(example_audio / "hallway.degraded.flac", dtype="int16")
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number in range(2):
        soundfile.write(folder / f"talk{number}.wav", samples[number * 8000 : number * 8000 + 16000], rate)
    return folder


@pytest.fixture
def enhance(rephase, identity_model):
    """Runs the command on what `*.wav` means in a folder."""
    return lambda folder, *options: rephase(
        "enhance", "--model", identity_model, *sorted(folder.glob("*.wav")), *options
    )


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.name != LEDGER}


@pytest.mark.parametrize("options", [[], ["-o", "."]])
def test_a_glob_given_again_finds_everything_done(enhance, talks, monkeypatch, options):
    monkeypatch.chdir(talks)
    assert enhance(talks, *options).code == 0
    before = times(talks)
    assert sorted(before) == ["talk0.enhanced.wav", "talk0.wav", "talk1.enhanced.wav", "talk1.wav"]
    again = enhance(talks, *options)
    assert again.code == 0
    assert "2 inputs are left out, they are results: talk0.enhanced.wav" in again.err
    assert again.out.count("done before") == 2
    assert times(talks) == before


def test_what_changed_is_done_again(enhance, talks):
    enhance(talks)
    before = times(talks)
    shutil.copy(talks / "talk0.wav", talks / "talk1.wav")
    again = enhance(talks)
    assert again.code == 0
    assert again.out.count("done before") == 1
    assert times(talks)["talk0.enhanced.wav"] == before["talk0.enhanced.wav"]
    assert soundfile.read(talks / "talk1.enhanced.wav")[0].tolist() == pytest.approx(
        soundfile.read(talks / "talk0.wav")[0].tolist(), abs=2 / 32768
    )
    assert enhance(talks, "--strength", "0.5").out.count(" -> ") == 2, "other settings"
    assert enhance(talks, "--strength", "0.5").out.count("done before") == 2


def test_a_new_recording_beside_finished_ones_is_done(enhance, talks):
    enhance(talks)
    shutil.copy(talks / "talk0.wav", talks / "talk2.wav")
    again = enhance(talks)
    assert (again.code, again.out.count("done before"), again.out.count(" -> ")) == (0, 2, 1)


def test_a_file_that_only_looks_like_a_result_is_never_replaced(enhance, talks):
    shutil.copy(talks / "talk1.wav", talks / "talk0.enhanced.wav")
    before = times(talks)
    outcome = enhance(talks)
    assert outcome.code == 0
    assert "no ledger says how it was made" in outcome.err
    assert times(talks).items() >= before.items()
    assert (talks / "talk1.enhanced.wav").is_file()
    outcome = enhance(talks, "--overwrite")
    assert outcome.code == 2
    assert "would replace an input" in outcome.error
    assert times(talks).items() >= before.items()


def test_a_result_that_was_edited_is_kept(enhance, talks):
    enhance(talks)
    soundfile.write(talks / "talk0.enhanced.wav", [0.5] * 100, 16000)
    before = times(talks)
    outcome = enhance(talks)
    assert outcome.code == 0
    assert "talk0.wav: left out" in outcome.err
    assert times(talks) == before


def test_results_of_results_are_left_out_too(enhance, rephase, talks, identity_model):
    enhance(talks)
    assert rephase("enhance", "--model", identity_model, talks / "talk0.enhanced.wav").code == 0
    again = enhance(talks)
    assert again.code == 0
    assert "3 inputs are left out" in again.err
    assert again.out.count("done before") == 2


def test_a_result_given_alone_is_a_recording(rephase, talks, enhance, identity_model):
    enhance(talks)
    outcome = rephase("enhance", "--model", identity_model, talks / "talk0.enhanced.wav")
    assert outcome.code == 0
    assert (talks / "talk0.enhanced.enhanced.wav").is_file()
