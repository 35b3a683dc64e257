"""Runs inputs through worker processes and judges each: only a valid result, or one line and exit code 2, will do."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cases import Case

PATIENCE_S = 30.0
INPUTS_A_PROCESS = 50  # each loads the model anew, as the command does
WORKER = Path(__file__).with_name("worker.py")
ENHANCED, REFUSED = "enhanced", "refused in one line"
BAD = ("traceback", "no single line", "hang", "signal", "half-written", "wrong result", "exit code")


@dataclass(frozen=True)
class Verdict:
    """What became of an input.

    Attributes:
        case: the input.
        outcome: `ENHANCED`, `REFUSED`, or one of `BAD`.
        detail: the message, or what is wrong.
        peak_bytes: peak memory of the process so far.
    """

    case: Case
    outcome: str
    detail: str
    peak_bytes: int = 0


class Worker:
    """A worker process, started anew after one has died."""

    def __init__(self, folder: Path, model: str) -> None:
        self._folder, self._model = folder, model
        self._process: subprocess.Popen[str] | None = None
        self._judged = 0
        self._answers: queue.Queue[str] = queue.Queue()

    def judge(self, number: int, case: Case) -> Verdict:
        """Sends an input through."""
        source = self._folder / f"{number}.{case.suffix}"
        results = self._folder / f"results-{number}"
        results.mkdir()
        source.write_bytes(case.content)
        target = results / _target_name(source)
        process = self._running()
        assert process.stdin is not None
        try:
            order = {"source": str(source), "target": str(target), "model": self._model}
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            line = self._answer(process)
        except queue.Empty:
            self.stop()
            return Verdict(case, "hang", f"no answer after {PATIENCE_S:.0f} s of work")
        except BrokenPipeError:
            line = ""
        if not line:
            code = process.wait()
            self._process = None
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return Verdict(case, "signal", f"the process died: {name}")
        source.unlink()
        self._judged += 1
        if self._judged % INPUTS_A_PROCESS == 0:
            self.stop()
        return _judged(case, json.loads(line), target)

    def _answer(self, process: "subprocess.Popen[str]") -> str:
        """Waits for 30 s of the process's own work: beside other work on the machine that may take longer."""
        begun = last = worked_seconds(process)
        while True:
            try:
                return self._answers.get(timeout=PATIENCE_S)
            except queue.Empty:
                now = worked_seconds(process)
                if now - begun > PATIENCE_S or now - last < 0.1:
                    raise
                last = now

    def stop(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None:
            # Warnings of a library may go to stderr; only what the command says counts, and that it says to its own.
            self._process = subprocess.Popen(
                [sys.executable, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True,
            )  # fmt: skip
            self._answers = queue.Queue()
            threading.Thread(target=self._read, args=(self._process, self._answers), daemon=True).start()
        return self._process

    @staticmethod
    def _read(process: "subprocess.Popen[str]", answers: "queue.Queue[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answers.put(line)
        answers.put("")


def worked_seconds(process: "subprocess.Popen[str]") -> float:
    """CPU time of a process; 0 where the system doesn't say, or it is over."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def judge_all(inputs: Sequence[Case], folder: Path, model: str, workers: int = 1) -> Iterator[Verdict]:
    """Judges inputs.

    Args:
        inputs: to judge.
        folder: for files.
        model: name or folder.
        workers: processes at a time.

    Yields:
        A verdict for each.
    """
    waiting = iter(enumerate(inputs))
    lock = threading.Lock()
    verdicts: queue.Queue[Verdict | None] = queue.Queue()

    def work() -> None:
        worker = Worker(folder, model)
        try:
            while True:
                with lock:
                    item = next(waiting, None)
                if item is None:
                    return
                verdicts.put(worker.judge(*item))
        finally:
            worker.stop()
            verdicts.put(None)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work) for _ in range(workers)]
        while workers:
            verdict = verdicts.get()
            if verdict is None:
                workers -= 1
            else:
                yield verdict
        for future in futures:
            future.result()


def case_name(target: Path) -> str:
    """How our own notices about an input begin."""
    return f"{target.stem}."


def _target_name(source: Path) -> str:
    """The input's own container where that can be written, else WAV."""
    from rephase.audio.formats import target_suffix

    return f"{source.stem}{target_suffix(source)}"


def _judged(case: Case, answer: dict, target: Path) -> Verdict:
    code, err, left = answer["code"], answer["err"], answer["left"]
    peak = answer["peak_bytes"]
    if "Traceback" in err or "fault of rephase" in err:
        return Verdict(case, "traceback", err, peak)
    if code == 0:
        if any(not line.startswith(case_name(target)) for line in err.splitlines()):
            return Verdict(case, "no single line", f"not our words: {err}", peak)
        if left != [target.name]:
            return Verdict(case, "half-written", f"there are {left}", peak)
        if answer["length"]:
            return Verdict(case, "wrong result", answer["length"], peak)
        target.unlink()
        return Verdict(case, ENHANCED, err, peak)
    if left:
        return Verdict(case, "half-written", f"exit code {code}, but there are {left}", peak)
    if code != 2:
        return Verdict(case, "exit code", f"{code}: {err}", peak)
    if not (err.startswith("rephase: ") and err.count("\n") == 1 and err.endswith("\n")):
        return Verdict(case, "no single line", err, peak)
    return Verdict(case, REFUSED, err, peak)
