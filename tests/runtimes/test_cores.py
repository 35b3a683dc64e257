import os

import pytest

from rephase.runtimes.cores import available_cores

affinity = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="Linux only")


@pytest.fixture
def machine(tmp_path):
    """Describes processors as Linux does: `siblings[cpu]` are the hyper-threads of its core."""

    def make(siblings, quota):
        for cpu, threads in siblings.items():
            folder = tmp_path / f"cpu{cpu}" / "topology"
            folder.mkdir(parents=True)
            (folder / "thread_siblings_list").write_text(f"{threads}\n")
        (tmp_path / "cpu.max").write_text(quota)
        return {"cpus": tmp_path, "quota": tmp_path / "cpu.max"}

    return make


@affinity
def test_hyper_threads_of_a_core_count_once(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert available_cores(**machine({0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, "max 100000")) == 2


@affinity
@pytest.mark.parametrize(
    ("quota", "expected"), [("200000 100000", 2), ("50000 100000", 1), ("max 100000", 4), ("?", 4)]
)
def test_a_containers_share_is_a_limit(machine, monkeypatch, quota, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert available_cores(**machine({cpu: str(cpu) for cpu in range(4)}, quota)) == expected


@affinity
def test_without_a_description_every_cpu_is_a_core(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5})
    assert available_cores(tmp_path, tmp_path / "cpu.max") == 2


def test_this_machine_has_some():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
