"""`ibc-gym compare-sims`: where two simulators part, as numbers and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ibc_gym.cli.flags import REQUIRED, config_of, flag, flags_of, parse, take_task_options, word
from ibc_gym.comparison.compare import CompareConfig, compare, require
from ibc_gym.comparison.page import told_of_faults, write_comparison
from ibc_gym.console import Terminal, table
from ibc_gym.paths import writable_folder

DESCRIPTION = (
    "Run a task in two simulators: the same commands, then the same policies.",
    "The rehearsal of going from simulation to an arm: it shows where they part.",
    "An option of the task, a field of its config, is set by --task.OPTION VALUE.",
)
EXAMPLES = (
    "push",
    "push --policy runs/push --trials 200",
    "reach --workcells mujoco pybullet --episodes 50",
)

CompareFlags = flags_of(
    CompareConfig,
    {
        "task": (word(str, "A task that runs in both and has an oracle.", "TASK"), REQUIRED),
        "options": (flag(Any, "", hidden=True), {}),
    },
)


def compare_sims(argv: Sequence[str], terminal: Terminal) -> None:
    """Compare, and write the page."""
    options, argv = take_task_options(argv)
    flags = parse(
        CompareFlags,
        argv,
        command="ibc-gym compare-sims",
        description=DESCRIPTION,
        examples=EXAMPLES,
    )
    present(config_of(CompareConfig, flags, options=options), "comparison.html", terminal)


def present(config: CompareConfig, name: str, terminal: Terminal) -> None:
    """Compare, write the page of this name, and print what was found."""
    page = config.folder / name
    require(config)  # nothing is said to be written that will not be
    writable_folder(config.folder)
    terminal.writes("the figures, evaluations and a page", f"{config.folder}/")
    with terminal.progress("Comparing") as (bar,):
        found = compare(config, bar)
    write_comparison(found, page)
    terminal.result(
        {**found.summary, "page": str(page)},
        _success_table(config, found.summary),
        _gap_table(found.summary),
        _time_table(config, found.summary),
    )
    for said in told_of_faults(config, found.summary):
        terminal.say(said)
    terminal.say(f"Open {page} in a browser ({page.stat().st_size / 1e6:.1f} MB).")


def _success_table(config: CompareConfig, summary: Mapping[str, Any]) -> Any:
    rows = []
    for policy, trial in summary["trials"].items():
        low, high = trial["difference_ci95"]
        rows.append(
            (
                policy,
                *(f"{trial[side]['success_rate']:.1%}" for side in ("first", "second")),
                f"{trial['difference_points']:+.1f} ({low:+.1f} to {high:+.1f})",
            )
        )
    one, other = config.workcells
    return table(
        f"{config.task}, {config.trials} episodes each",
        ("policy", one, other, "points apart"),
        rows,
    )


def _time_table(config: CompareConfig, summary: Mapping[str, Any]) -> Any:
    rows = []
    for workcell, side in zip(config.workcells, ("first", "second"), strict=True):
        kept = summary["timing"][side]
        middle, low, high = kept["period_ms"]
        sent = kept["setpoints"]
        rows.append(
            (
                workcell,
                f"{middle:.1f} ({low:.1f} to {high:.1f})",
                f"{kept['late']} of {kept['periods']}",
                f"{kept['follows_ms']:.0f}",
                f"{1 - kept['setpoints_late'] / sent:.2%} of {sent}" if sent else "–",
            )
        )
    columns = ("workcell", "period [ms], 98 %", "overran", "behind [ms]", "set-points on time")
    return table("Time", columns, rows)


def _gap_table(summary: Mapping[str, Any]) -> Any:
    same = summary["same_commands"]
    names = {
        "tip_gap_before_contact_mm": "tip before contact",
        "tip_gap_mm": "tip",
        "thing_gap_mm": "things",
        "thing_gap_at_the_end_mm": "things at the end",
    }
    rows = [
        (text, *(f"{same[name][share]:.3g}" for share in ("median", "p90", "largest")))
        for name, text in names.items()
    ]
    late = same["contact_later_in_second_ms"]
    if late["episodes"]:
        rows.append(
            ("first contact later [ms]", f"{late['median']:+.0f}", "", f"{late['largest']:.0f}")
        )
    until = same["seconds_from_contact_until_5_mm_apart"]
    if until["episodes"]:
        rows.append(("contact until 5 mm apart [s]", f"{until['median']:.1f}", "", ""))
    return table("The same commands: gaps [mm]", ("what", "median", "90 %", "largest"), rows)
