"""What a motion may be, and where it is before it is averaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ibc_gym.records import Float64

USED: Final = 0.95
"""Part of every limit that a motion is planned with; the rest is for what the kinematics add within a sample."""
AT_REST: Final = 1e-9
"""Coordinates that differ by less from one period to the next are at rest, each in its unit [m, rad or none]."""
JOINT_ROUNDING: Final = 1e-12
"""By which a joint's change may be beyond a limit [rad]."""


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
            largest = float(np.abs(changes).max(initial=0.0))
            if not largest <= limit + JOINT_ROUNDING:  # so that what is no number is beyond it
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
    def resting(self) -> bool:
        """Whether it is at rest, and so is its average."""
        return not self.step.any() and bool(np.abs(self.recent - self.recent[0]).max() < AT_REST)

    def on(self, newest: Float64, joints: Float64, turn: Float64, *, solved: bool) -> State:
        """The state after one more step."""
        recent = np.vstack([newest, self.recent[:-1]])
        step = newest - self.recent[0]
        return State(recent=recent, step=step, joints=joints, turn=turn, solved=solved)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Way:
    """A motion until it rests: M states one after the other, and the samples that they mean."""

    places: Float64
    """(N - 1 + M, C), the oldest first: what is averaged in the first state, and the newest of every state."""
    joints: Float64
    """(M, J) [rad]; near guesses but for the first, which is exact if that is solved."""
    steps: Float64
    """From the place before to the newest, (M, C)."""
    turns: Float64
    """The steps in joints, (M, J) [rad]; likewise."""
    samples: Float64 = field(default_factory=lambda: np.zeros((0, 0)))
    """(M, J) [rad]"""
    solved: bool
    """Whether the joints of the first state are exact."""

    @classmethod
    def standing(cls, state: State) -> Way:
        """Of a state that is at rest."""
        joints = state.joints[None]
        return cls(
            places=state.recent[::-1],
            joints=joints,
            steps=np.zeros_like(state.recent[:1]),
            turns=np.zeros_like(joints),
            samples=joints,
            solved=state.solved,
        )

    def averages(self, averaged: int) -> Float64:
        """Of the last so many places at every state, (M, C)."""
        windows = np.lib.stride_tricks.sliding_window_view(self.places, averaged, axis=0)
        newest = windows[:, :, -1]
        return np.asarray(newest + np.mean(windows - newest[:, :, None], axis=2))

    def state(self, number: int, averaged: int) -> State:
        """The state of this number, of which so many places are averaged."""
        return State(
            recent=self.places[number : number + averaged][::-1],
            step=self.steps[number],
            joints=self.joints[number],
            turn=self.turns[number],
            solved=self.solved and number == 0,
        )
