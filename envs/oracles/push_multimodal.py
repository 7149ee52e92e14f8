"""The scripted demonstrator of the task with two blocks and two targets: all four ways to do it, each equally often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from ibc_gym.records import Bool, Float32, Int64, Observation

from ..tasks.push_multimodal import BLOCKS, TARGETS
from ..tasks.tabletop import TabletopTask
from .several_pushes import SeveralPushes
from .tabletop_state import TabletopState

THERE: Final = 0.5
LOST: Final = 0.9
"""Shares of the task's tolerance at which a block is placed, and at which a placed one is no longer."""
_ORDER_STREAM: Final = 3  # keeps the choice of the order apart from other draws by the same seed


class PushMultimodalOracle:
    """Which block is pushed first, and into which target, is drawn at the start of every episode, as published.

    How the tip gets from one block to the other is not: it goes around the blocks.
    """

    def __init__(self, task: TabletopTask[Any]) -> None:
        """Serve a task with two blocks and two targets at any control rate."""
        self._task = task
        tolerance = task.config.goal_tolerance
        self._pushes = SeveralPushes(
            task.control_period,
            (task.stage.lower, task.stage.upper),
            there=THERE * tolerance,
            lost=LOST * tolerance,
        )
        self._first: Int64 = np.zeros(0, dtype=np.int64)
        self._crossed: Bool = np.zeros(0, dtype=np.bool_)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Draw how the masked episodes are done, each by its own seed."""
        if len(self._first) != len(mask):
            self._first = np.zeros(len(mask), dtype=np.int64)
            self._crossed = np.zeros(len(mask), dtype=np.bool_)
        for row in np.flatnonzero(mask).tolist():
            sequence = np.random.SeedSequence(seeds[row], spawn_key=(_ORDER_STREAM,))
            first, crossed = np.random.default_rng(sequence).integers(2, size=2)
            self._first[row], self._crossed[row] = first, crossed
        self._pushes.reset(mask)

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 16)."""
        state = TabletopState(self._task, observation)
        goals = np.stack([state.place(target) for target in TARGETS], axis=1)
        goals = np.where(self._crossed[:, None, None], goals[:, ::-1], goals)  # (B, 2, 2), by block
        move = self._pushes.move(
            state.tip,
            np.stack([state.place(each) for each in BLOCKS], axis=1),
            np.stack([state.yaw(each) for each in BLOCKS], axis=1),
            goals,
            np.stack([self._first, 1 - self._first], axis=1),
        )
        return move.astype(np.float32)
