"""`ibc-gym doctor`: what works on this machine, and the one command that gets what does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from ibc_gym.cli.flags import Common, parse
from ibc_gym.console import Terminal, table
from ibc_gym.doctor import Finding, examine


@dataclass(frozen=True, kw_only=True)
class DoctorArgs(Common):
    """What `ibc-gym doctor` takes."""


def doctor(argv: Sequence[str], terminal: Terminal) -> None:
    """Try every library and route in processes of their own, and print what was found."""
    parse(
        DoctorArgs,
        argv,
        command="ibc-gym doctor",
        description=("What works on this machine, and how to get what does not. Writes nothing.",),
    )
    with terminal.progress("Examining") as (progress,):
        findings = examine(progress)
    rows = [(_mark(finding), finding.name, finding.detail) for finding in findings]
    fixes = [(finding.name, finding.fix) for finding in findings if finding.fix]
    tables = [table("This machine", ("", "what", "found"), rows)]
    if fixes:
        tables.append(table("To get the rest", ("what", "do this"), fixes))
    answer = {finding.name: dataclasses.asdict(finding) for finding in findings}
    terminal.result({"findings": answer}, *tables)


def _mark(finding: Finding) -> Text:
    return Text("works", style="green") if finding.works else Text("no", style="yellow")
