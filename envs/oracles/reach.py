"""The scripted demonstrator of the reach task: straight to the point behind the block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ibc_gym.records import Bool, Float32, Observation

from ..tasks.reach import BEHIND
from ..tasks.tabletop import TabletopTask
from .oriented_push import at_most, heading
from .tabletop_state import TabletopState

SPEED: Final = 0.2
"""Greatest speed of the tip [m/s]."""


class ReachOracle:
    """The published script, for many episodes at once."""

    def __init__(self, task: TabletopTask[Any]) -> None:
        """Serve a reach task at any control rate."""
        self._task = task

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Nothing is remembered and nothing is random."""

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 10)."""
        state = TabletopState(self._task, observation)
        block = state.place("block")
        point = block - BEHIND * heading(block, state.place("target"))
        move = at_most(point - state.tip, SPEED * self._task.control_period)
        return move.astype(np.float32)
