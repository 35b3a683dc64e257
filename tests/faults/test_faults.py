"""Damaged and odd files end in a valid result or in one line; the judge is judged too."""

import random
from collections import Counter

import pytest
from cases import Case, cases
from damage import DAMAGES
from judge import BAD, ENHANCED, REFUSED, Worker, judge_all
from kinds import formats

SAMPLE = 40


def check(verdicts, count):
    verdicts = list(verdicts)
    bad = [verdict for verdict in verdicts if verdict.outcome in BAD]
    words = "\n".join(f"{v.outcome}: {v.case.group}, {v.case.name}: {v.detail}" for v in bad)
    assert not bad, f"{len(bad)} of {len(verdicts)}:\n{words}"
    assert len(verdicts) == count
    assert max(verdict.peak_bytes for verdict in verdicts) < 500e6
    return Counter(verdict.outcome for verdict in verdicts)


def test_a_sample_of_all_faults(tmp_path):
    found = check(judge_all(cases()[:SAMPLE], tmp_path, "renet-lite", workers=2), SAMPLE)
    assert min(found[ENHANCED], found[REFUSED]) >= 10, "both ends are met"


def test_files_that_claim_a_year(tmp_path):
    claims = [case for case in cases() if case.group == "claims a year"]
    assert all(len(case.content) < 5000 for case in claims)
    check(judge_all(claims, tmp_path, "renet-lite"), len(claims))


@pytest.mark.slow
def test_all_faults(tmp_path):
    inputs = cases()
    assert len(inputs) >= 1000
    check(judge_all(inputs, tmp_path, "renet-lite", workers=2), len(inputs))


def test_a_seed_makes_the_same_inputs():
    def described(seed):  # by length: some encoders write the time of day, or a random number
        return [(case.group, case.name, case.suffix, len(case.content)) for case in cases(seed, 1)]

    assert described(7) == described(7) != described(8)


def test_every_container_of_libsndfile_is_there():
    containers = {made.name.split()[0] for made in formats()}
    assert {"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "FLAC", "OGG", "MP3", "AU", "VOC", "NIST"} <= containers
    assert len(formats()) > 100


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_changes_files_of_any_size(damage):
    rng = random.Random(0)
    for size in (200, 5000):
        content = rng.randbytes(size)
        assert sum(damage(content, rng) != content for _ in range(20)) >= 18


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("raise KeyError('x')", "traceback"),
        ("os.kill(os.getpid(), 11)", "signal"),
        ("time.sleep(60)", "hang"),
        ("Path(sys.argv[4]).write_bytes(b'RIFF'); sys.exit(2)", "half-written"),
        ("print('rephase: one', file=sys.stderr); print('two', file=sys.stderr); sys.exit(2)", "no single line"),
        ("print('rephase: no', file=sys.stderr); sys.exit(3)", "exit code"),
        ("soundfile.write(sys.argv[4], numpy.zeros(10), 16000); sys.exit(0)", "wrong result"),
        ("shutil.copy(sys.argv[2], sys.argv[4]); sys.exit(0)", ENHANCED),
        ("print('rephase: no', file=sys.stderr); sys.exit(2)", REFUSED),
    ],
)
def test_the_judge_sees_what_goes_wrong(tmp_path, monkeypatch, program, outcome):
    """A command that does this, in place of ours."""
    import judge

    lines = judge.WORKER.read_text().replace("from rephase.cli import main as rephase", "rephase = wrong")
    wrong = (
        f"import shutil, time\nimport numpy\ndef wrong():\n    try:\n        {program}\n    except KeyError as error:\n"
    )
    wrong += "        print('rephase: unexpected, this is a fault of rephase', file=sys.stderr); sys.exit(2)\n"
    (tmp_path / "worker.py").write_text(lines.replace("\ndef main()", f"\n{wrong}\ndef main()", 1))
    monkeypatch.setattr(judge, "WORKER", tmp_path / "worker.py")
    monkeypatch.setattr(judge, "PATIENCE_S", 10.0)
    made = next(made for made in formats() if made.name == "WAV PCM_16")
    worker = Worker(tmp_path, "renet-lite")
    try:
        assert worker.judge(0, Case("whole", made.name, made.suffix, made.file())).outcome == outcome
    finally:
        worker.stop()
