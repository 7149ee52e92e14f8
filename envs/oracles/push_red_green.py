"""The scripted demonstrator of the task with two toys and two fixtures: all four ways to do it, each equally often."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Bool, Float32, Int64, Observation

from ..tasks.push_red_green import TOYS, PushRedGreen
from .into_pockets import IntoPockets, Seats
from .tabletop_state import TabletopState

SLACK: Final = 0.010
"""How far aside of the middle of a fixture a toy may cross its mouth [m]."""
BEYOND: Final = 0.004
"""How far beyond the middle of a fixture toys are pushed [m]."""
_ORDER_STREAM: Final = 4  # keeps the choice of the order apart from other draws by the same seed


class PushRedGreenOracle:
    """Which toy is pushed first, and into which fixture, is drawn at the start of every episode."""

    patience: ClassVar = 12.0
    """Time after which the other toy is tried first [s]."""

    def __init__(self, task: PushRedGreen) -> None:
        """Serve a task with two toys and two fixtures at any control rate."""
        self._task = task
        pockets = task.pockets
        self._pushes = IntoPockets(
            task.control_period,
            (task.stage.lower, task.stage.upper),
            pockets,
            tolerance=task.config.goal_tolerance,
            slack=SLACK,
            patience=self.patience,
        )
        self._into = np.array([[cos(pocket.yaw), sin(pocket.yaw)] for pocket in pockets])
        self._centres = np.array([pocket.centre for pocket in pockets])
        self._first: Int64 = np.zeros(0, dtype=np.int64)
        self._crossed: Int64 = np.zeros(0, dtype=np.int64)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Choose how the masked episodes are done, each by its own seed."""
        if len(self._first) != len(mask):
            self._first = np.zeros(len(mask), dtype=np.int64)
            self._crossed = np.zeros(len(mask), dtype=np.int64)
        for row in np.flatnonzero(mask).tolist():
            self._first[row], self._crossed[row] = self._way(seeds[row])
        self._pushes.reset(mask)

    def _way(self, seed: int | None) -> tuple[int, int]:
        """Which toy is first, and whether the red one goes to the second fixture."""
        sequence = np.random.SeedSequence(seed, spawn_key=(_ORDER_STREAM,))
        first, crossed = np.random.default_rng(sequence).integers(2, size=2).tolist()
        return first, crossed

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 8)."""
        state = TabletopState(self._task, observation)
        toys = np.stack([state.place(toy) for toy in TOYS], axis=1)
        fixture = np.stack([self._crossed, 1 - self._crossed], axis=1)  # (B, 2), by toy
        centre, into = self._centres[fixture], self._into[fixture]
        seats = Seats(place=centre + BEYOND * into, centre=centre, into=into)
        order = np.stack([self._first, 1 - self._first], axis=1)
        return self._pushes.move(state.tip, toys, seats, order).astype(np.float32)
