"""What a motion may be, and where it is before it is averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ibc_gym.records import Float64

ARRIVED: Final = 1e-9
"""Of coordinates [m or rad]."""
ROUNDING: Final = 1e-12
"""[rad]"""


@dataclass(frozen=True, kw_only=True, slots=True)
class MotionLimits:
    """Of every joint."""

    speed: float
    """[rad/s]"""
    acceleration: float
    """[rad/s^2]"""
    jerk: float
    """[rad/s^3]"""

    def hold(self, samples: Float64, period: float) -> bool:
        """Whether joints (N, J), a period [s] apart, keep them from one to the next."""
        changes = samples
        for limit in (self.speed * period, self.acceleration * period**2, self.jerk * period**3):
            changes = np.diff(changes, axis=0)
            if np.abs(changes).max(initial=0.0) > limit + ROUNDING:
                return False
        return True


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class State:
    """Where a motion is before it is averaged, C numbers of its coordinates."""

    recent: Float64
    """(N, C), the newest first."""
    step: Float64
    """From the one before to the newest, (C,)."""
    joints: Float64
    """Of the newest, (J,) [rad]; a near guess until it was solved for."""
    turn: Float64
    """The step in joints, (J,) [rad]; likewise."""
    solved: bool = False
    """Whether the joints are exact."""

    @property
    def averaged(self) -> Float64:
        """Of the last ones, (C,)."""
        newest = self.recent[0]
        return np.asarray(newest + np.mean(self.recent - newest, axis=0))

    @property
    def resting(self) -> bool:
        """Whether it is at rest, and so is its average."""
        return not self.step.any() and bool(np.abs(self.recent - self.recent[0]).max() < ARRIVED)

    def on(self, newest: Float64, joints: Float64, turn: Float64, *, solved: bool) -> State:
        """The state after one more step."""
        recent = np.vstack([newest, self.recent[:-1]])
        step = newest - self.recent[0]
        return State(recent=recent, step=step, joints=joints, turn=turn, solved=solved)
