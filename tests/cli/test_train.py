"""`rephase train` as a user types it."""

from pathlib import Path

import pytest

from rephase.weights.registry import find_model

CLIPS = Path(__file__).parent.parent / "clips"
TINY = (
    "network={preset: renet-lite, stem_channels: [4, 2], channels: [4, 4], heads: 2, groups: 1, blocks: 1, "
    "dilations: [1, 2], lookback_frames: 8, lookahead_frames: 8}",
    "budget={minutes: null, steps: 3}", "batch.items=2", "batch.seconds=0.5", "data.rooms=2", "validation.batches=1",
    "validation.kinds=[denoise]", "validation.listen=0",
)  # fmt: skip


def test_the_list_names_each_experiment_with_a_line(rephase):
    outcome = rephase("train", "--list")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert len(lines) >= 10
    assert any(line.startswith("universal ") and "renet-base" in line for line in lines)


def test_a_run_ends_with_a_model_that_enhances_and_is_gone_on_with(rephase, tmp_path, example_audio):
    run = tmp_path / "run"
    outcome = rephase("train", "renet-lite", "--data", str(CLIPS), "--run", str(run), "--device", "cpu", *TINY)
    assert outcome.code == 0, outcome.err
    assert f"{run / 'model'}: rephase enhance FILE --model" in outcome.out
    speech = next(example_audio.glob("*.flac"))
    enhanced = rephase("enhance", str(speech), "--model", str(run / "model"), "-o", str(tmp_path / "out.wav"))
    assert enhanced.code == 0, enhanced.err
    again = rephase("train", "renet-lite", "--data", str(CLIPS), "--run", str(run), *TINY)
    assert again.code == 2
    assert again.err == f"rephase: the run exists; {run}; go on with --resume, or name another folder\n"
    resumed = rephase("train", "--resume", "--run", str(run), "--device", "cpu", "budget.steps=4")
    assert resumed.code == 0, resumed.err
    assert [start["step"] for start in find_model(run / "model").training["starts"]] == [0, 3]
    assert find_model(run / "model").training["steps"] == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("renet-light",), "there is no such experiment; renet-light; did you mean renet-lite?"),
        (("renet-lite", "batch.item=2"), "unknown key batch.item: did you mean batch.items?"),
        (("renet-lite", "dereverb"), "name one experiment, or resume a run"),
        ((), "name one experiment, or resume a run"),
        (("--resume", "--run", "nowhere"), "can't read the experiment"),
        (("renet-lite", "--device", "tpu"), "device must be auto, cpu or cuda; got 'tpu'"),
        (("renet-lite", "--data", "nowhere"), "can't read the manifest"),
        (("renet-lite", "--begin", "nothing"), "nothing"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(rephase, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    outcome = rephase("train", *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
