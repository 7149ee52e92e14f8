"""The page on which a person watches the robot, and by which one arranges a real table; programs open it before the robot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from ibc_gym.records import UInt8
from ibc_gym.registry import load
from ibc_gym.tables import PEOPLE


class Page(Protocol):
    """Shows the newest picture to any browser on this machine."""

    address: str
    """Where to look."""

    def show(self, picture: UInt8, words: str) -> None:
        """Show a picture (H, W, 3) and a line about it; returns at once."""


@contextmanager
def watched(port: int | None) -> Iterator[Page | None]:
    """A page for the length of a block, on which workcells that are made within show their pictures, too.

    Args:
        port: On 127.0.0.1; 0 takes any that is free, None opens no page.

    Raises:
        ConfigError: The port is taken, or may not be used.
    """
    if port is None:
        yield None
        return
    with load(PEOPLE, "page", "part")(port) as page:
        yield page
