"""`rephase doctor`: what works here, ready to be pasted into a bug report."""

import typer

from rephase.cli.failures import Verbose


def doctor(verbose: Verbose = False) -> None:
    """Show versions, devices and formats that work, and what is missing.

    Everything is tried out, up to a second of sound that the bundled model enhances. What is missing stands beside the
    command that brings it. Paste the lines into a bug report.
    """
    from rephase.doctor import examine

    last = ""
    for finding in examine():
        typer.echo(f"{'' if finding.topic == last else finding.topic:>9}  {finding.words}")
        last = finding.topic
