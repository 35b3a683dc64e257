"""`make faults`: sends all inputs through and writes docs/robustness.md.

python tests/faults/table.py [--rounds 4] [--seed 20250] [--workers 1]
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import soundfile
from cases import ROUNDS, SEED, cases
from judge import BAD, ENHANCED, REFUSED, judge_all
from kinds import formats

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "robustness.md"
PAGE_TEXT = """# What damaged and odd files end in

{facts}

An input may end in two ways: as a result that can be decoded and is as long as what can be decoded of the input, or as one
line on stderr with exit code 2 and nothing left on the disk. Everything else is a fault of rephase; `make faults` then ends
with exit code 1 and names the inputs.

{table}

- *whole*: speech in every format that libsndfile writes.
- *truncated, bits flipped, spliced, header randomised*: what a broken download, a bad disk or a careless program makes of
  those; headers get extreme values. *Two files in one*: the start of one file and the whole of another.
- *odd samples*: NaN, infinity, 1e30, an offset, one sample, silence, squares at full scale, rates from 1 Hz to 2 GHz, up to
  1024 channels.
- *no audio*: nothing, a byte, text, random bytes, a magic word alone. *Claims a year*: a kilobyte whose header says so.

*Traceback*: one was printed, or the message says that rephase is at fault. *No single line*: several lines, or words of a
library. *Hang*: no end within 30 s. *Signal*: the process died. *Half-written*: a file was left though the command failed, or
a temporary one. *Wrong result*: it can't be decoded, or has another length than the input.

The generator and the judge are `tests/faults`; a sample of the inputs runs in `make test`, all of them in `make test-slow`.

## Decoders run in our own process

libsndfile {version} did not die on any of these inputs, nor on the {decoded} further ones that
`python tests/faults/decoders.py` made for it alone (other seeds, decoding only). A decoder in a process of its own would
cost 0.1 s of start-up and a copy of every sample, and buy nothing that was seen to be needed.

## What else is promised, and where it is tested

| promise | test |
|---|---|
| `kill -9` at any moment leaves whole results alone under their names, and a rerun finishes the batch | `tests/end_to_end/test_kill.py` |
| full disk, read-only folder, vanishing input, odd names, loops of links, FIFOs, devices: one line, nothing lost | `tests/end_to_end/test_safety.py` |
| what a killed run has left is removed by the next one; what another run still writes is not | `tests/audio/test_leftovers.py` |
| memory doesn't grow with the length | `tests/end_to_end/test_long.py`, [benchmarks-files.md](benchmarks-files.md) |
"""


def main() -> int:
    """Runs the script; 1 if an input ended as none may."""
    parser = argparse.ArgumentParser(description="Send damaged and odd files through rephase and count what happens.")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"of every damage to every format; default: {ROUNDS}"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"default: {SEED}")
    parser.add_argument("--workers", type=int, default=1, help="processes at a time; default: 1")
    parser.add_argument("--model", default="renet-lite", help="default: renet-lite")
    parser.add_argument("--output", type=Path, default=PAGE, metavar="FILE", help="default: docs/robustness.md")
    arguments = parser.parse_args()
    inputs = cases(arguments.seed, arguments.rounds)
    counts: dict[str, Counter[str]] = {}
    bad, peak = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for number, verdict in enumerate(judge_all(inputs, Path(folder), arguments.model, arguments.workers), start=1):
            counts.setdefault(verdict.case.group, Counter())[verdict.outcome] += 1
            peak = max(peak, verdict.peak_bytes)
            if verdict.outcome in BAD:
                bad.append(verdict)
                print(
                    f"{verdict.outcome}: {verdict.case.group}, {verdict.case.name}: {verdict.detail}", file=sys.stderr
                )
            if number % 100 == 0:
                print(f"{number} of {len(inputs)}", file=sys.stderr)
    arguments.output.write_text(page(arguments, inputs, counts, peak), encoding="utf-8")
    print(f"wrote {arguments.output}")
    return 1 if bad else 0


def page(arguments: argparse.Namespace, inputs: list, counts: dict[str, Counter[str]], peak: int) -> str:
    """The page: the text that stays, and the table."""
    outcomes = (ENHANCED, REFUSED, *BAD)
    head = ["kind of input", "inputs", *outcomes]
    rows = [[group, str(found.total()), *(str(found[outcome]) for outcome in outcomes)] for group, found in
            sorted(counts.items())]  # fmt: skip
    total = sum(counts.values(), Counter())
    rows.append(["**all**", str(total.total()), *(str(total[outcome]) for outcome in outcomes)])
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    facts = (
        f"Made by `make faults` (seed {arguments.seed}, {arguments.rounds} rounds): {len(inputs)} inputs from "
        f"{len(formats())} formats, libsndfile {soundfile.__libsndfile_version__}, model {arguments.model}. "
        f"Peak memory of a process that went through all of its inputs: {peak / 1e6:.0f} MB."
    )
    return PAGE_TEXT.replace("{facts}", facts).replace("{table}", table)


if __name__ == "__main__":
    sys.exit(main())
