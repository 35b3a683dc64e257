"""`rephase analyze` as a user meets it."""

import pytest

pytest.importorskip("matplotlib")


def test_a_model_and_a_recording_become_a_report(rephase, example_audio, tmp_path):
    arguments = (
        "renet-lite",
        example_audio / "hallway.clean.flac",
        "-o",
        tmp_path / "out",
        "--seconds",
        "0.5",
        "--angles",
        "1",
    )
    outcome = rephase("analyze", *arguments)
    assert outcome.code == 0, outcome.err
    assert "The phase stream turns with its input" in outcome.out
    assert (tmp_path / "out" / "index.html").is_file()
    assert rephase("analyze", *arguments).code == 0  # a report may be made again


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["no-such-model", "{audio}/hallway.clean.flac", "-o", "{tmp}/out"], "no-such-model"),
        (["renet-base", "{audio}/hallway.clean.flac", "-o", "{tmp}/out"], "--random"),
        (["renet-lite", "{tmp}/no.wav", "-o", "{tmp}/out"], "there is no such file"),
        (["renet-lite", "{audio}/hallway.clean.flac", "-o", "{tmp}"], "holds other files and no report"),
    ],
)
def test_a_mistake_is_one_line(arguments, reason, rephase, example_audio, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    outcome = rephase("analyze", *(argument.format(audio=example_audio, tmp=tmp_path) for argument in arguments))
    assert outcome.code == 2
    assert reason in outcome.error
    assert not (tmp_path / "out").exists()
