"""`ibc-gym report`: one page about one or more runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ibc_gym.cli.flags import Common, UsageError, parse, word
from ibc_gym.console import Terminal
from ibc_gym.report.page import ready, render
from ibc_gym.report.style import write_page

DESCRIPTION = (
    "One HTML page, complete in itself, about one or more runs.",
    "Success with intervals, learning curves, failures, energy landscapes.",
)


@dataclass(frozen=True, kw_only=True)
class ReportArgs(Common):
    """What `ibc-gym report` takes."""

    runs: word(tuple[Path, ...], "Folders of runs, trained, evaluated or both.", "RUN")  # type: ignore[valid-type]
    out: Path | None = None
    """The page; by default report.html in the first run."""
    landscape_seed: int | None = None
    """Episode whose energies are drawn; by default the first that was solved."""
    landscape_steps: tuple[int, ...] = ()
    """Its steps at which they are drawn, from 0; by default four along the way."""


def report(argv: Sequence[str], terminal: Terminal) -> None:
    """Write the page."""
    args = parse(
        ReportArgs,
        argv,
        command="ibc-gym report",
        description=DESCRIPTION,
        examples=(
            "runs/demo/ebm",
            "runs/demo/ebm runs/demo/mse --out report.html",
            "runs/demo/ebm --landscape-seed 100003 --landscape-steps 0 10 20",
        ),
    )
    if not args.runs:
        raise UsageError("Name at least one run: ibc-gym report RUN")
    out = args.out or args.runs[0] / "report.html"
    runs = ready(args.runs, out)
    terminal.writes("the report", out)
    text = render(runs, landscape_seed=args.landscape_seed, landscape_steps=args.landscape_steps)
    page = write_page(out, text)
    terminal.result({"report": str(page), "runs": [str(run) for run in args.runs]})
    terminal.say(f"Open {page} in a browser ({page.stat().st_size / 1e6:.1f} MB).")
