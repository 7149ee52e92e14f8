"""The scripted demonstrator of the task with two targets: push the block to the first, then on to the second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ibc_gym.records import Bool, Float32, Observation

from ..tasks.tabletop import TabletopTask
from .oriented_push import CAREFUL, OrientedPush
from .tabletop_state import TabletopState

THERE: Final = 0.9
"""Share of the task's tolerance at which the first target is left for the second: what is seen is rounded."""


class PushTwoTargetsOracle:
    """The published script, for many episodes at once: an oriented push whose goal changes under way.

    Published, the tip goes straight back behind the block, and may turn it again on its way. Going around it is ours.
    """

    def __init__(self, task: TabletopTask[Any]) -> None:
        """Serve a task with two targets at any control rate."""
        self._task = task
        within = (task.stage.lower, task.stage.upper)
        self._push = OrientedPush(task.control_period, CAREFUL, within)
        self._second: Bool = np.zeros(0, dtype=np.bool_)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin the masked episodes with the first target; nothing here is random."""
        if len(self._second) != len(mask):
            self._second = np.zeros(len(mask), dtype=np.bool_)
        self._second[mask] = False
        self._push.reset(mask)

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 13)."""
        state = TabletopState(self._task, observation)
        block, first = state.place("block"), state.place("target")
        near = THERE * self._task.config.goal_tolerance
        self._second |= np.linalg.norm(block - first, axis=1) < near
        goal = np.where(self._second[:, None], state.place("target2"), first)
        move = self._push.move(state.tip, block, state.yaw("block"), goal, obstacles=block[:, None])
        return move.astype(np.float32)
