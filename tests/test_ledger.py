"""What was done before is known by content and settings, however a run ended."""

import pytest

from rephase.errors import AudioFileError, OutputError
from rephase.ledger import LEDGER, Job, Ledger, LedgerBeside

SETTINGS = {"model": "identity", "model_sha256": ("abc",), "strength": 1.0}


@pytest.fixture
def job(tmp_path):
    job = Job(tmp_path / "a.wav", tmp_path / "out" / "a.wav")
    job.source.write_bytes(b"recording")
    job.target.parent.mkdir()
    return job


def state(job, **settings):
    return Ledger(job.target.parent, SETTINGS | settings).state(job)


def done(job, content=b"result", named=True):
    """Does a job as a run does: noted when it is whole, named after that."""
    note = Ledger(job.target.parent, SETTINGS).noting(job)
    whole = job.target.with_name(".whole")
    whole.write_bytes(content)
    note(whole)
    if named:
        whole.replace(job.target)


def test_content_and_settings_are_told_apart(job):
    assert state(job) == "ours", "nothing is there"
    job.target.write_bytes(b"mine")
    assert state(job) == "not ours"
    done(job)
    assert state(job) == "done"
    assert state(job, strength=0.5) == "ours"
    assert state(job, model_sha256=("def",)) == "ours"
    job.source.write_bytes(b"another recording")
    assert state(job) == "ours"
    job.target.write_bytes(b"edited by hand")
    assert state(job) == "not ours"


def test_a_result_that_never_got_its_name_changes_nothing(job):
    done(job, named=False)
    assert state(job) == "ours", "there is no result"
    done(job, b"first")
    done(job, b"second", named=False)
    assert job.target.read_bytes() == b"first"
    assert state(job) == "done", "the first result is still known"


def test_what_counts_is_what_the_recording_held_when_it_was_begun(job):
    note = Ledger(job.target.parent, SETTINGS).noting(job)
    job.source.write_bytes(b"recorded on meanwhile")
    job.target.write_bytes(b"result")
    note(job.target)
    assert state(job) == "ours"


def test_a_line_that_was_cut_off_costs_that_line_alone(tmp_path):
    jobs = [Job(tmp_path / name, tmp_path / name) for name in ("a", "b", "c")]
    for job in jobs:
        job.source.write_bytes(job.source.name.encode())
    for job in jobs[:2]:
        Ledger(tmp_path, SETTINGS).noting(job)(job.target)
    content = (tmp_path / LEDGER).read_bytes()
    (tmp_path / LEDGER).write_bytes(content[:-20])
    Ledger(tmp_path, SETTINGS).noting(jobs[2])(jobs[2].target)
    assert [Ledger(tmp_path, SETTINGS).state(job) for job in jobs] == ["done", "not ours", "done"]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[]", b"{}", b'{"target": 1}', b'{"target": ["a"]}', b"null", b"7"])
def test_lines_of_any_kind_are_no_fault(job, line):
    done(job)
    with (job.target.parent / LEDGER).open("ab") as file:
        file.write(line + b"\n")
    assert state(job) == "done"


def test_each_folder_has_its_own(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.wav").write_bytes(name.encode())
        job = Job(tmp_path / name / "a.wav", tmp_path / name / "a.enhanced.wav")
        note = LedgerBeside(SETTINGS).noting(job)
        job.target.write_bytes(b"result")
        note(job.target)
        assert LedgerBeside(SETTINGS).state(job) == "done"
        assert (tmp_path / name / LEDGER).is_file()


def test_what_cannot_be_read_or_written_is_said(job):
    (job.target.parent / LEDGER).mkdir()
    with pytest.raises(OutputError, match=r"can't read the ledger .*; check its permissions"):
        state(job)
    (job.target.parent / LEDGER).rmdir()
    ledger = Ledger(job.target.parent, SETTINGS)
    note = ledger.noting(job)
    (job.target.parent / LEDGER).mkdir()
    with pytest.raises(OutputError, match=r"can't write the ledger .*free space"):
        note(job.source)
    job.source.unlink()
    with pytest.raises(AudioFileError, match="can't read it"):
        ledger.noting(job)
