"""`rephase enhance --report FILE.json`: what became of each recording, for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rephase.cli.failures import one_line
from rephase.cli.same_file import identity

if TYPE_CHECKING:
    from rephase.batch import Outcome, Settings
    from rephase.ledger import Job

BEGINNING = '{\n  "rephase": '  # of every report; only a file that begins so, or is empty, is replaced


def check_report(path: Path, work: "Sequence[Job]") -> None:
    """Checks that a report may be written, before anything is computed.

    Args:
        path: where it shall go.
        work: what is to be done.

    Raises:
        OutputError: if it would take the place of a recording, of a result, or of anything but an earlier report.
    """
    from rephase.audio.writer import check_target
    from rephase.errors import OutputError

    taken = {identity(file) for job in work for file in (job.source, job.target)}
    if identity(path) in taken:
        raise OutputError(f"the report would replace a recording or its result; {path}; name another file: --report")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_target(path, None, overwrite=True)
        if path.exists():
            with path.open("rb") as file:
                if file.read(len(BEGINNING)) not in (b"", BEGINNING.encode()):
                    raise OutputError(f"the file is there and no report; {path}; name another one")
    except (OSError, OutputError) as error:
        reason = f"{error.strerror}; {path}; name another file" if isinstance(error, OSError) else str(error)
        raise OutputError(f"can't write the report (--report): {reason}") from error


def write_report(path: Path, settings: "Settings", outcomes: "Sequence[Outcome]") -> None:
    """Writes a report, whole or not at all.

    Args:
        path: of the file, which `check_report` has let pass.
        settings: of the run.
        outcomes: of each recording.

    Raises:
        OutputError: if it can't be written.
    """
    from rephase import __version__
    from rephase.reporting.tables import write_whole

    entries = []
    for outcome in outcomes:
        entry: dict[str, object] = {
            "source": str(outcome.job.source), "target": str(outcome.job.target), "status": outcome.status,
            "error": one_line(outcome.error) if outcome.error is not None else None,
        }  # fmt: skip
        if outcome.report is not None:
            done = outcome.report
            entry |= {"audio_seconds": done.audio_seconds, "compute_seconds": done.compute_seconds}
            entry["notices"] = done.notices
        entries.append(entry)
    content = {"rephase": __version__, "settings": asdict(settings), "recordings": entries}
    write_whole(path, json.dumps(content, indent=2) + "\n")
