"""`ibc-gym record`: scripted demonstrations into a Zarr folder."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Any

from ibc_gym.cli.flags import REQUIRED, config_of, flag, flags_of, parse, take_task_options, word
from ibc_gym.console import Terminal, table
from ibc_gym.record import RecordConfig, RecordSummary
from ibc_gym.record import record as run_recording
from ibc_gym.words import count

DESCRIPTION = (
    "Record scripted demonstrations; a data set that is there is gone on with.",
    "--task.OPTION VALUE sets an option of the task, a field of its config.",
)
EXAMPLES = (
    "push --episodes 200 --out demos.zarr",
    "push --observation image --episodes 50 --out pictures.zarr",
    "particle --task.dimensions 8 --episodes 1000 --out particle.zarr",
)

RecordFlags = flags_of(
    RecordConfig,
    {
        "task": (word(str, "A task with an oracle: `ibc-gym list` names them.", "TASK"), REQUIRED),
        "options": (flag(Any, "", hidden=True), {}),
    },
)


def record(argv: Sequence[str], terminal: Terminal) -> None:
    """Record, and say how many succeeded."""
    options, argv = take_task_options(argv)
    flags = parse(
        RecordFlags, argv, command="ibc-gym record", description=DESCRIPTION, examples=EXAMPLES
    )
    config = config_of(RecordConfig, flags, options=options)
    terminal.kept = f"Episodes committed so far are in {config.out}; the same command goes on."
    with terminal.progress("Demonstrations") as (bar,):
        summary = run_recording(
            config,
            lambda now: bar(
                (now.present + now.done) / now.wanted,
                f"{now.present + now.done} of {now.wanted}, {now.successes} succeeded, "
                f"{now.done / max(now.seconds, 1e-9):.1f}/s",
            ),
            lambda found: _announce(config, found, terminal),
        )
    rows = [
        ("episodes written", summary.written),
        ("were there before", summary.present),
        ("other episodes there", summary.others),
        ("succeeded", f"{summary.successes} of {summary.done}"),
        ("steps written", summary.steps),
        ("time", f"{summary.seconds:.1f} s"),
    ]
    answer = {**dataclasses.asdict(summary), "task": config.task}
    terminal.result(
        answer, *([table("Recorded", ("what", "how much"), rows)] if summary.done else [])
    )
    inputs = " --policy.inputs image" if config.observation == "image" else ""  # there is no state
    terminal.say(f"Train on it with: ibc-gym train {shlex.quote(str(config.out))}{inputs}")


def _announce(config: RecordConfig, found: RecordSummary, terminal: Terminal) -> None:
    """What will be written, and beside what."""
    missing = config.episodes - found.present
    seeds = f"seeds {config.seed} to {config.seed + config.episodes - 1}"
    if missing:
        terminal.writes(count(missing, "demonstration"), f"{config.out}/")
        if found.present:
            terminal.say(f"The other {found.present} of {seeds} are there already.")
    else:
        terminal.say(f"Nothing is left to do: all of {seeds} are in {config.out} already.")
    if found.others:
        terminal.say(
            f"{config.out} also holds {count(found.others, 'other episode')}, which stay: of other seeds, or made otherwise."
        )
