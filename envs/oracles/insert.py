"""The scripted demonstrator of the insertion task: line the block up with the slot from two sides, then slide it in."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin
from typing import Any

import numpy as np

from ibc_gym.records import Bool, Float32, Float64, Observation

from ..tasks.insert import MOUTH
from ..tasks.tabletop import TabletopTask
from ..tasks.tabletop_scene import BLOCK_SIDE
from .face_push import Seen
from .insertion import Insertion, InsertStyle
from .tabletop_state import TabletopState


class InsertOracle:
    """The script for many episodes at once."""

    def __init__(self, task: TabletopTask[Any], style: InsertStyle | None = None) -> None:
        """Serve an insertion task at any control rate."""
        self._task = task
        self._style = style or InsertStyle()
        self._rows: list[Insertion] = []

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin the masked episodes anew; nothing here is random."""
        if len(self._rows) != len(mask):
            self._rows = [self._script() for _ in mask]
        for row in np.flatnonzero(mask).tolist():
            self._rows[row] = self._script()

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 10)."""
        state = TabletopState(self._task, observation)
        tips, blocks, seats = state.tip, state.place("block"), state.place("target")
        yaws, axes = state.yaw("block").tolist(), state.yaw("target").tolist()
        moves = np.zeros((len(self._rows), 2), dtype=np.float32)
        for row, script in enumerate(self._rows):
            c, s = cos(axes[row]), sin(axes[row])
            into = np.array([[c, s], [-s, c]])
            seen = Seen(
                tip=into @ (tips[row] - seats[row]),
                block=into @ (blocks[row] - seats[row]),
                yaw=yaws[row] - axes[row],
            )
            moves[row] = into.T @ script.move(seen)
        return moves

    def noise_share(self, observation: Observation) -> Float64:
        """None while a part of the block is in the slot: a tip that follows positions would press it against the walls, (B,)."""
        state = TabletopState(self._task, observation)
        off = state.place("block") - state.place("target")
        axes = state.yaw("target")
        along = (off * np.stack([np.cos(axes), np.sin(axes)], axis=1)).sum(axis=1)
        return np.where(along + BLOCK_SIDE / 2 > MOUTH, 0.0, 1.0)

    def _script(self) -> Insertion:
        config = self._task.config
        largest = 1.0 + config.randomisation.size
        return Insertion(config.clearance, self._task.control_period, self._style, largest)
