"""What `--dry-run` says is what the run then does; it leaves no trace."""

import re

import numpy as np
import pytest
import soundfile

from rephase.ledger import LEDGER


@pytest.fixture
def recordings(tmp_path, example_audio):
    samples, rate = soundfile.read(example_audio / "exercise-bike-10db.degraded.flac")
    folder = tmp_path / "recordings"
    folder.mkdir()
    samples = np.resize(samples, 25 * rate)
    soundfile.write(folder / "a.wav", np.stack([samples, samples], axis=1), rate, subtype="PCM_24")
    soundfile.write(folder / "b.flac", samples, rate)
    soundfile.write(folder / "c.ogg", samples, rate)
    soundfile.write(folder / "d.mp3", samples, rate)
    return folder


def listing(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def sizes_said(out):
    return {name: float(size) for name, size in re.findall(r"(\w\.\w+) -> .*, ([\d.]+) MB\)", out)}


def test_it_writes_nothing_and_says_what_the_run_then_does(rephase, recordings, tmp_path):
    arguments = ["enhance", recordings, "-o", tmp_path / "out"]
    before = listing(tmp_path)
    said = rephase(*arguments, "--dry-run")
    assert (said.code, said.err) == (0, "")
    assert listing(tmp_path) == before
    assert "WAV PCM_24, 16000 Hz, 2 channels, 25.0 s of audio; " in said.out
    assert "OGG VORBIS, 16000 Hz, 1 channel, 25.0 s of audio" in said.out
    assert re.search(r"dry run, nothing was written: 4 to enhance \(100\.0 s of audio\), .*MB\n", said.out)
    assert rephase(*arguments).code == 0
    for name, size in sizes_said(said.out).items():
        real = (tmp_path / "out" / name).stat().st_size / 1e6
        assert size == pytest.approx(real, rel=0.01 if name == "a.wav" else 0.3, abs=0.06), name
    again = rephase(*arguments, "--dry-run")
    assert again.out.count("done before") == 4


def test_the_size_of_a_wav_is_exact(tmp_path, recordings, identity_model):
    from rephase.batch import Settings
    from rephase.dry_run import plan
    from rephase.enhancer import Enhancer
    from rephase.ledger import Job

    enhancer = Enhancer.from_pretrained(identity_model)
    for rate in (None, 44100):
        (planned,) = plan(
            [Job(recordings / "a.wav", tmp_path / "a.wav")], enhancer, Settings.of(enhancer, output_rate=rate)
        )
        enhancer.enhance_file(recordings / "a.wav", tmp_path / "a.wav", output_rate=rate, overwrite=True)
        assert planned.bytes == (tmp_path / "a.wav").stat().st_size
        assert planned.seconds > 0
        (tmp_path / "a.wav").unlink()


def test_the_size_of_a_lossy_result_follows_its_bit_rate(tmp_path, recordings, identity_model):
    from rephase.batch import Settings
    from rephase.dry_run import plan
    from rephase.enhancer import Enhancer
    from rephase.ledger import Job

    samples, _ = soundfile.read(recordings / "b.flac")
    jobs = []
    for name, rate, level in [
        ("320.mp3", 44100, 0.0), ("96.mp3", 44100, 0.78), ("64.mp3", 16000, 0.63), ("large.ogg", 44100, 0.0),
        ("small.ogg", 44100, 0.9),
    ]:  # fmt: skip
        mode = "CONSTANT" if name.endswith("mp3") else None
        with soundfile.SoundFile(tmp_path / name, "w", rate, 1, compression_level=level, bitrate_mode=mode) as sound:
            sound.write(samples)
        jobs.append(Job(tmp_path / name, tmp_path / f"out-{name}"))
    enhancer = Enhancer.from_pretrained(identity_model)
    for job, planned in zip(jobs, plan(jobs, enhancer, Settings.of(enhancer))):
        enhancer.enhance_file(job.source, job.target)
        assert planned.bytes == pytest.approx(job.target.stat().st_size, rel=0.15), job.source.name


def test_parts_and_strength_0_take_less_time(tmp_path, recordings, identity_model):
    from rephase.audio.results import plan_result
    from rephase.batch import Settings
    from rephase.dry_run import _heard_seconds
    from rephase.enhancer import Enhancer

    enhancer = Enhancer.from_pretrained(identity_model)
    (track,) = plan_result(recordings / "b.flac", tmp_path / "b.flac").tracks
    for options, seconds in [
        ({}, 25), ({"strength": 0.0}, 0), ({"start": 3.0, "end": 4.0}, 6), ({"start": 20.0}, 15), ({"end": 24.0}, 25),
    ]:  # fmt: skip
        assert _heard_seconds(track, Settings.of(enhancer, **options)) == pytest.approx(seconds)


def test_what_the_run_would_refuse_is_refused(rephase, recordings, identity_model):
    refused = ((("--output-rate", "100"), "must be"), (("--start", "1:00:00"), "the part begins at 3600 s"))
    for options, words in refused:
        told = [
            rephase("enhance", recordings / "a.wav", "--model", identity_model, *options, *extra).error
            for extra in (("--dry-run",), ())
        ]
        assert words in told[0]
        assert told[0] == told[1]


def test_what_would_fail_fails(rephase, recordings, identity_model):
    (recordings / "notes.wav").write_text("dear diary")
    (recordings / "b.enhanced.flac").write_text("precious")
    before = listing(recordings)
    inputs = [recordings / name for name in ("a.wav", "b.flac", "notes.wav")]
    outcome = rephase("enhance", "--dry-run", "--model", identity_model, *inputs)
    assert outcome.code == 1
    assert "rephase: 2 of 3 inputs failed:" in outcome.err
    assert "the output exists already" in outcome.err
    outcome = rephase("enhance", "--dry-run", "--model", identity_model, recordings / "notes.wav")
    assert (outcome.code, "notes.wav" in outcome.error) == (2, True)
    assert listing(recordings) == before
    assert not (recordings / LEDGER).exists()


def test_too_little_room_is_said(rephase, recordings, identity_model, monkeypatch):
    import shutil

    usage = shutil.disk_usage(recordings)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    outcome = rephase("enhance", "--dry-run", "--model", identity_model, recordings / "a.wav")
    assert outcome.code == 0
    assert "the results need 2.4 MB, but 1.0 MB are free in" in outcome.err
