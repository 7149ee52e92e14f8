"""`ibc-gym record`: scripted demonstrations into a Zarr folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ibc_gym.cli.flags import REQUIRED, config_of, flag, flags_of, parse, take_task_options, word
from ibc_gym.console import Terminal, table
from ibc_gym.record import RecordConfig
from ibc_gym.record import record as run_recording

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
    terminal.writes(f"{config.episodes} demonstrations", f"{config.out}/")
    terminal.kept = f"Episodes committed so far are in {config.out}; the same command goes on."
    with terminal.progress("Demonstrations") as (bar,):
        summary = run_recording(
            config,
            lambda now: bar(
                (now.present + now.done) / now.wanted,
                f"{now.present + now.done} of {now.wanted}, {now.successes} succeeded, "
                f"{now.done / max(now.seconds, 1e-9):.1f}/s",
            ),
        )
    rows = [
        ("episodes written", summary.written),
        ("were there before", summary.present),
        ("succeeded", f"{summary.successes} of {summary.done}"),
        ("steps written", summary.steps),
        ("time", f"{summary.seconds:.1f} s"),
    ]
    answer = {**dataclasses.asdict(summary), "task": config.task}
    terminal.result(answer, table("Recorded", ("what", "how much"), rows))
    terminal.say(f"Train on it with: ibc-gym train {config.out}")
