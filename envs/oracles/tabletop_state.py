"""What the demonstrators of tabletop tasks read from a batch of observations: places and yaws, by the names of things."""

from __future__ import annotations

from typing import Any

import numpy as np

from ibc_gym.records import Float64, Observation

from ..tasks.tabletop import TabletopTask


class TabletopState:
    """One look at B tables."""

    def __init__(self, task: TabletopTask[Any], observation: Observation) -> None:
        """Take observation["state"], (B, O)."""
        self._columns = task.columns
        self._state = np.asarray(observation["state"], dtype=np.float64)

    @property
    def tip(self) -> Float64:
        """Where the tip is commanded to be, (B, 2) [m]."""
        return self._state[:, self._columns["effector_target_translation"]]

    def place(self, thing: str) -> Float64:
        """Where a thing is, (B, 2) [m]."""
        return self._state[:, self._columns[f"{thing}_translation"]]

    def yaw(self, thing: str) -> Float64:
        """How a thing is turned, (B,) [rad]."""
        return self._state[:, self._columns[f"{thing}_orientation"]][:, 0]
