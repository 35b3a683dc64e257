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
from decoders import hunt
from judge import BAD, ENHANCED, REFUSED, judge_all
from kinds import formats

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "robustness.md"
DECODER_ROUNDS = 20
TEXT = Path(__file__).with_name("page.md")


def main() -> int:
    """Runs the script; 1 if an input ended as none may."""
    parser = argparse.ArgumentParser(description="Send damaged and odd files through rephase and count what happens.")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"of every damage to every format; default: {ROUNDS}"
    )
    parser.add_argument("--seed", type=int, default=SEED, help=f"default: {SEED}")
    parser.add_argument("--workers", type=int, default=1, help="processes at a time; default: 1")
    parser.add_argument("--decoder-seeds", type=int, default=2, help="more inputs for the decoders alone; default: 2")
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
    decoded, deadly = hunt(arguments.decoder_seeds, DECODER_ROUNDS)
    words = decoders(decoded, [f"{case.group}, {case.name}" for case in deadly])
    text = page(arguments, inputs, counts, peak).replace("{decoders}", words)
    arguments.output.write_text(text, encoding="utf-8")
    print(f"wrote {arguments.output}")
    return 1 if bad or deadly else 0


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
    return TEXT.read_text(encoding="utf-8").replace("{facts}", facts).replace("{table}", table)


def decoders(decoded: int, deadly: list[str]) -> str:
    """What the hunt for deadly inputs has found."""
    version = f"libsndfile {soundfile.__libsndfile_version__}"
    if deadly:
        return f"{version} DIED on {len(deadly)} of {decoded} inputs: {'; '.join(deadly)}."
    return (
        f"{version} did not die on any of these inputs, nor on {decoded} further ones that were made for it alone with "
        f"other seeds (`python tests/faults/decoders.py` makes any number)."
    )


if __name__ == "__main__":
    sys.exit(main())
