"""From a policy's set-points to a stream of joint positions that stays under speed, acceleration and jerk limits.

Two parts. A `Course` walks to the set-point in equal parts of one control period, along the straight line of the tool,
as on the rig of Florence et al. 2021; a `Smoother` makes of its steps a motion that the arm can follow.
"""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics
from ibc_gym.records import Float64, Pose

SAME_TURN: Final = 1 - 1e-12
"""Inner product of quaternions above which they are one orientation."""
ARRIVED: Final = 1e-9
"""Of joints [rad]."""
ROUNDING: Final = 1e-9
"""A tip outside of its box by no more than this is inside [m]."""


class Smoother:
    """Two moving averages in a row, with steps that are held back where the averages alone would not suffice.

    The first average, over V / A, bounds the acceleration by A as long as steps of the input differ by no more than
    V from those that leave the average: a step that would is shortened, and one of zero is always allowed. The second,
    over 2 A / J, bounds the jerk. Averages of allowed positions never leave their convex hull, so there is no
    overshoot, a target is reached exactly, and joint ranges hold by themselves. The delay is half of both averages.
    """

    def __init__(
        self, start: Float64, *, period: float, speed: float, acceleration: float, jerk: float
    ) -> None:
        """Rest at `start`.

        Args:
            start: (J,) [rad].
            period: Between two samples [s].
            speed: Greatest, of every joint [rad/s].
            acceleration: [rad/s^2]
            jerk: [rad/s^3]
        """
        self._first = max(1, ceil(speed / (acceleration * period) - 1e-9))
        second = max(1, ceil(2 * acceleration / (jerk * period) - 1e-9))
        self._furthest = speed * period
        self._change = acceleration * self._first * period**2
        """By how much a step may differ from the one that leaves the first average [rad]."""
        first = np.full(self._first, 1 / self._first)
        self._weights = np.convolve(first, np.full(second, 1 / second))
        self.rest(start)

    @property
    def length(self) -> int:
        """After how many samples without a step the motion is over."""
        return len(self._weights) + 1

    @property
    def resting(self) -> bool:
        """Whether the samples have come to rest."""
        return bool(np.abs(self._knots - self.knot).max() < ARRIVED)

    def rest(self, at: Float64) -> None:
        """Be at rest at a position (J,); only where the arm is at rest, too."""
        self.knot: Float64 = np.array(at, dtype=np.float64)
        """Where the input is: the samples follow it."""
        self._knots = np.tile(self.knot, (len(self._weights), 1))  # the newest first
        self._steps = np.zeros((self._first, len(self.knot)))

    def push(self, wanted: Float64) -> tuple[Float64, float]:
        """Step the input towards `wanted` (J,) as far as allowed; the next sample (J,), and what part was allowed."""
        step = wanted - self.knot
        part = self._allowed(step)
        if part < 1.0:
            step = part * step
            self.knot = self.knot + step
        else:
            self.knot = np.array(wanted, dtype=np.float64)
        self._steps = np.roll(self._steps, 1, axis=0)
        self._steps[0] = step
        self._knots = np.roll(self._knots, 1, axis=0)
        self._knots[0] = self.knot
        # About the newest knot, so that rounding does not move an arm at rest.
        return self.knot + self._weights @ (self._knots - self.knot), part

    def _allowed(self, step: Float64) -> float:
        leaving = self._steps[-1]  # the step that the new one takes the place of
        largest = float(np.abs(step).max())
        part = 1.0 if largest <= self._furthest else self._furthest / largest
        moving = np.abs(step) > 1e-15
        if moving.any():
            forward = np.where(step > 0, leaving + self._change, leaving - self._change)
            part = min(part, float((forward[moving] / step[moving]).min()))
        return max(part, 0.0)


class Course:
    """The way to the target in force."""

    def __init__(
        self, kinematics: Kinematics, start: Float64, *, period: float, tip_speed: float
    ) -> None:
        """Stay at `start` until there is a target.

        Args:
            kinematics: Of the arm and its tool.
            start: (J,) [rad].
            period: Between two samples [s].
            tip_speed: Greatest [m/s].
        """
        self._kinematics = kinematics
        self._furthest = tip_speed * period
        self.joints: Float64 = start
        """Of the target in force (J,) [rad]."""
        self._tool: Pose | None = None
        self._left = 1

    def aim(self, joints: Float64, tool: Pose | None, samples: int) -> None:
        """Go to a target within so many samples, evenly.

        Args:
            joints: Of the target, (J,) [rad].
            tool: Its base_T_tool, for a straight line of the tool; None for a straight line of the joints.
            samples: Until it is to be reached.
        """
        self.joints, self._tool, self._left = joints, tool, max(1, samples)

    def arrived(self, here: Float64) -> bool:
        """Whether joints (J,) are those of the target."""
        return bool(np.abs(here - self.joints).max() < ARRIVED)

    def next(self, here: Float64) -> Float64:
        """Where to go from joints `here` (J,) within one sample [rad]."""
        part = 1.0 / self._left
        self._left = max(1, self._left - 1)
        if self.arrived(here):
            return self.joints
        straight = here + part * (self.joints - here)
        if self._tool is None:
            return straight
        now = self._kinematics.forward(here)
        distance = float(np.linalg.norm(self._tool.position - now.position))
        if distance * part > self._furthest:
            part = self._furthest / distance
        if part >= 1.0:
            return self.joints
        between = Pose(
            position=now.position + part * (self._tool.position - now.position),
            quaternion=_turned(now.quaternion, self._tool.quaternion, part),
        )
        solution = self._kinematics.inverse(between, here)
        # Tilted so, or out of reach on its way, the tool cannot follow the line: the joints go straight instead.
        return solution.joints if solution.error <= CLOSE_ENOUGH else straight


class Guard:
    """The box that no sample leaves, whatever went before: the last look at every position that is sent."""

    def __init__(self, kinematics: Kinematics, lower: Float64, upper: Float64) -> None:
        """Keep the tip between `lower` and `upper`, (3,) each [m]."""
        self._kinematics = kinematics
        self.lower, self.upper = lower, upper

    def keep(self, sample: Float64) -> tuple[Float64, float]:
        """The sample itself or joints (J,) with the tip on the border of the box, and how far that moved the tip [m].

        Joints between two allowed positions lead the tip along an arc that leaves a flat workspace by a fraction of a
        millimetre. The distance is infinite where no joints bring the tip back.
        """
        pose = self._kinematics.forward(sample)
        inside = np.clip(pose.position, self.lower, self.upper)
        moved = float(np.linalg.norm(inside - pose.position))
        if moved <= ROUNDING:
            return sample, 0.0
        solution = self._kinematics.inverse(
            Pose(position=inside, quaternion=pose.quaternion), sample
        )
        return (solution.joints, moved) if solution.error <= CLOSE_ENOUGH else (sample, np.inf)


def _turned(here: Float64, there: Float64, part: float) -> Float64:
    """An orientation part of the way from one to another, wxyz; where they are the same, exactly the other."""
    if abs(float(here @ there)) > SAME_TURN:
        return there
    turn = geometry.rotation(here)
    way = (turn.inv() * geometry.rotation(there)).as_rotvec()
    return geometry.quaternion(turn * Rotation.from_rotvec(part * way))
