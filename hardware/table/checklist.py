"""What a person sees to before the arm moves for the first time, item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ibc_gym.errors import Declined

from .console import Console


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to be seen to."""

    name: str
    """In a word or two."""
    question: str
    """What the operator looks at, as a question whose answer must be yes."""


CHECKLIST: Final = (
    Item(
        name="workspace",
        question="Is nobody and nothing but the task's things within the arm's reach?",
    ),
    Item(
        name="mounting",
        question="Is the base bolted down, is the table firm, does no cable pull or catch?",
    ),
    Item(
        name="emergency stop",
        question="Is the emergency stop within your reach, pressed once for a test and released?",
    ),
    Item(
        name="tool",
        question="Is the tool that the configuration names mounted and tight?",
    ),
    Item(
        name="payload",
        question="Are payload and tool length in the controller those of this tool?",
    ),
    Item(
        name="fence",
        question="Are the controller's safety fence and reduced mode on, and does the fence end over the table?",
    ),
    Item(
        name="camera",
        question="Does the camera's picture show the whole board, sharp, and as it was calibrated?",
    ),
    Item(
        name="power",
        question="Is the arm powered and enabled, and the controller without error or warning?",
    ),
)
"""In this order: what can hurt somebody comes first, and power last."""


def go_through(console: Console, items: Sequence[Item] = CHECKLIST) -> None:
    """Ask for every item; return once all were confirmed, one by one.

    Raises:
        Declined: One was not; nothing may move.
    """
    console.say("Before the first motion. Look at each thing; do not answer from memory.")
    for number, item in enumerate(items, 1):
        answer = console.ask(
            f"{number} of {len(items)}, {item.name}: {item.question}", {"y": "yes", "n": "no"}
        )
        if answer != "y":
            raise Declined(
                f"The checklist stops at {item.name!r}: {item.question} You answered no, so nothing moves. "
                "See to it and begin again."
            )
    console.say(f"All {len(items)} confirmed.")
