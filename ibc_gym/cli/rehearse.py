"""`ibc-gym rehearse`: a policy in simulation and through the vendor's client, and where the two part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ibc_gym.cli.compare_sims import present
from ibc_gym.cli.flags import config_of, flag, flags_of, parse, take_task_options, word
from ibc_gym.comparison.rehearse import RehearseConfig
from ibc_gym.console import Terminal

DESCRIPTION = (
    "Before the arm moves: the same task, seeds and policy in simulation and in the",
    "emulated rig, through the vendor's own client, in real time.",
    "An option of the task, a field of its config, is set by --task.OPTION VALUE.",
)
EXAMPLES = ("insert", "insert --policy runs/insert --trials 50")

RehearseFlags = flags_of(
    RehearseConfig,
    {
        "task": (word(str, "A task of the table that has an oracle.", "TASK"), "insert"),
        "options": (flag(Any, "", hidden=True), {}),
    },
)


def rehearse(argv: Sequence[str], terminal: Terminal) -> None:
    """Rehearse, and write the page."""
    options, argv = take_task_options(argv)
    flags = parse(
        RehearseFlags, argv, command="ibc-gym rehearse", description=DESCRIPTION, examples=EXAMPLES
    )
    present(config_of(RehearseConfig, flags, options=options), "rehearsal.html", terminal)
