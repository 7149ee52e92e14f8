"""What a person sees to before the arm moves for the first time, item by item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ibc_gym.errors import Declined

from .console import Console


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing to be seen to."""

    name: str
    """In a word or two."""
    question: str
    """What the operator looks at, as a question whose answer must be yes."""
    show: Callable[[], None] | None = None
    """Shows what is asked about, again and again while the answer is waited for."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the table's file says, for the questions to name: nobody can compare with what is not in sight."""

    tool_length: float
    """[m]"""
    payload: float
    """[kg]"""
    fence: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Its lower and its upper corner [m]."""


def checklist(
    told: Told, *, picture_at: str | None = None, show: Callable[[], None] | None = None
) -> tuple[Item, ...]:
    """In this order: what can hurt somebody comes first, and power last.

    Args:
        told: What the table's file says.
        picture_at: Where the camera's picture is to be seen; None where no camera is open, and nothing is asked about one.
        show: Shows the newest picture there.
    """
    length = f"{1000 * told.tool_length:g} mm"
    sides = zip("xyz", *told.fence, strict=True)
    fence = ", ".join(f"{axis} {1000 * low:g} to {1000 * high:g}" for axis, low, high in sides)
    camera = Item(
        name="camera",
        question=f"Look at {picture_at}. Is it sharp, is all of the board on it, and has nobody moved the camera since it was "
        "calibrated, if it was?",
        show=show,
    )
    return (
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
            question=f"Is the tool of the table's file mounted and tight, its tip {length} from the flange?",
        ),
        Item(
            name="payload",
            question=f"Does the tool weigh {told.payload:g} kg, and has the controller this payload and a TCP offset of "
            f"{length}?",
        ),
        Item(
            name="fence",
            question=f"The controller gets a fence for the tip of {fence} mm. Does it end over the table, and is nothing within "
            "that the arm may not touch?",
        ),
        *((camera,) if picture_at else ()),
        Item(
            name="power",
            question="Is the arm powered, its lamp without an error, and no other program in charge of it?",
        ),
    )


def go_through(console: Console, items: Sequence[Item]) -> None:
    """Ask for every item; return once all were confirmed, one by one.

    Raises:
        Declined: One was not; nothing may move.
        CameraTimeout: A picture that is asked about does not come.
    """
    console.say("Before the first motion. Look at each thing; do not answer from memory.")
    for number, item in enumerate(items, 1):
        answer = console.ask(
            f"{number} of {len(items)}, {item.name}: {item.question}",
            {"y": "yes", "n": "no"},
            item.show,
        )
        if answer != "y":
            raise Declined(
                f"The checklist stops at {item.name!r}: {item.question} You answered no, so nothing moves. "
                "See to it and begin again."
            )
    console.say(f"All {len(items)} confirmed.")
