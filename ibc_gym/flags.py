"""A dataclass from the command line: tyro's parsing, with answers of one or two lines."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import tyro

from ibc_gym.errors import IbcGymError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Common:
    """Flags that every command takes."""

    json: bool = False
    """Print one JSON object on standard output; everything else goes to standard error."""
    debug: bool = False
    """Show the whole traceback of an error."""


class UsageError(IbcGymError, ValueError):
    """A flag is unknown, missing, or has a value that it cannot take."""


def parse(cls: type[T], argv: Sequence[str], *, command: str, description: str, **more: Any) -> T:
    """Make `cls` from flags; `--help` prints its own page and exits.

    Args:
        cls: A dataclass, every field with a docstring.
        argv: The words after the command.
        command: What the user typed before them: "ibc-gym train".
        description: The first lines of the help page.
        **more: Passed to `tyro.cli`.

    Raises:
        UsageError: With what is wrong, and the flag that was probably meant.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            made: T = tyro.cli(
                cls,
                args=list(argv),
                prog=command,
                description=description,
                config=(tyro.conf.FlagCreatePairsOff,),
                **more,
            )
            return made
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        raise UsageError(f"{_flat(complaint.getvalue())}\nSee: {command} --help") from None


def _flat(box: str) -> str:
    """One line from the frame that tyro draws around a complaint."""
    lines = [line.strip("│ ").strip() for line in box.splitlines() if line.startswith("│")]
    lines = [line for line in lines if line and not set(line) <= {"─"}]
    end = next((n for n, line in enumerate(lines) if line.startswith("For full helptext")), None)
    body = " ".join(lines[:end])
    said, _, hints = body.partition("Perhaps you meant:")
    meant = list(dict.fromkeys(re.findall(r"(?<!\S)--[\w.-]+", hints)))
    said = said.strip().rstrip(".,")
    return f"{said}. Did you mean {' or '.join(meant[:3])}?" if meant else f"{said}."
