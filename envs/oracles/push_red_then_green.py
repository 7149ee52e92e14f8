"""The scripted demonstrator of the task with an order: the red toy into the first fixture, then the green one."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from .push_red_green import PushRedGreenOracle


class PushRedThenGreenOracle(PushRedGreenOracle):
    """Of the four ways the one that is asked for."""

    patience: ClassVar = inf

    def _way(self, seed: int | None) -> tuple[int, int]:
        """The red toy is first, and goes to the first fixture."""
        return 0, 0
