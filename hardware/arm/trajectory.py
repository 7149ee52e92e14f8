"""From a policy's set-points to a stream of joint positions that stays under speed, acceleration and jerk limits.

Two parts. A `Course` walks to the set-point in equal parts of one control period, along the straight line of the tool,
as on the rig of Florence et al. 2021; a `Follower` makes of its steps a motion that the arm can follow.
"""

from __future__ import annotations

from math import ceil
from typing import Final, cast

import numpy as np

from ibc_gym import geometry
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics
from ibc_gym.records import Float64, Pose

SAME_TURN: Final = 1 - 1e-12
"""Inner product of quaternions above which they are one orientation."""
ARRIVED: Final = 1e-9
"""Of joints [rad]."""
JUMP: Final = 0.5
"""Of a joint from one sample to the next, to another of the solutions [rad]."""
LANDED: Final = 1e-12
"""[rad]"""
ROUNDING: Final = 1e-9
"""A tip outside of its box by no more than this is inside [m]."""


class Follower:
    """Follows a moving point, every joint for itself, within limits, without ever passing where the point has been.

    A joint goes as fast as it may but for this: it could always stop before the point, were that to stop now. So it
    lags behind by no more than its way to brake, v / (2 A) in time, which is little where it moves slowly; no other rule
    that never overshoots lags by less. A moving average over 2 A / J behind it bounds the jerk. Neither leaves the
    range that the point has been through, so that ranges of joints hold by themselves.
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
        self._most = speed * period
        self._change = acceleration * period**2  # of a step, from one sample to the next [rad]
        self._averaged = max(1, ceil(2 * acceleration / (jerk * period) - 1e-9))
        self.rest(start)

    @property
    def resting(self) -> bool:
        """Whether the samples have come to rest."""
        return not self._step.any() and bool(np.abs(self._recent - self._recent[0]).max() < ARRIVED)

    def rest(self, at: Float64) -> None:
        """Be at rest at a position (J,); only where the arm is at rest, too."""
        start = np.array(at, dtype=np.float64)
        self._step = np.zeros_like(start)
        self._recent = np.tile(start, (self._averaged, 1))  # the newest first

    def push(self, point: Float64) -> Float64:
        """The next sample (J,) [rad], the point having gone to `point`."""
        here = self._recent[0]
        wanted = np.clip(self._braking(point - here), -self._most, self._most)
        step = np.clip(wanted, self._step - self._change, self._step + self._change)
        # To the point itself and not to within rounding of it, so that an arm at rest is sent the same again and again.
        lands = (step == wanted) & (np.abs(point - here - step) < LANDED)
        self._step = np.where(lands & (np.abs(step) < LANDED), 0.0, step)
        self._recent = np.roll(self._recent, 1, axis=0)
        self._recent[0] = np.where(lands, point, here + step)
        newest = self._recent[0]
        return np.asarray(newest + np.mean(self._recent - newest, axis=0))

    def _braking(self, way: Float64) -> Float64:
        """The greatest steps from which braking ends at the end of the way, (J,).

        A step of n changes and a rest, followed by ever smaller ones, covers (n + 1) steps less n (n + 1) / 2 changes.
        """
        length = np.abs(way)
        whole = np.floor((np.sqrt(1 + 8 * length / self._change) - 1) / 2)
        return np.asarray(
            np.sign(way) * (length + self._change * whole * (whole + 1) / 2) / (whole + 1)
        )


class Course:
    """The way to the target in force: a point that goes there evenly, along the straight line of the tool."""

    def __init__(
        self,
        kinematics: Kinematics,
        start: Float64,
        *,
        period: float,
        speed: float,
    ) -> None:
        """Stay at `start` until there is a target.

        Args:
            kinematics: Of the arm and its tool.
            start: (J,) [rad].
            period: Between two samples [s].
            speed: Greatest, of every joint [rad/s].
        """
        self._kinematics, self._period = kinematics, period
        self._most, self._furthest = speed * period, 0.0
        self.here: Float64 = np.array(start, dtype=np.float64)
        """Where the point is, (J,) [rad]."""
        self._joints, self._tool, self._left = self.here, cast(Pose | None, None), 1

    @property
    def arrived(self) -> bool:
        """Whether the point is at the target."""
        return bool(np.abs(self.here - self._joints).max() < ARRIVED)

    def aim(
        self, joints: Float64, tool: Pose | None, samples: int, *, tip_speed: float = 1.0
    ) -> None:
        """Go to a target within so many samples, evenly, or as soon as the limits allow.

        Args:
            joints: Of the target, (J,) [rad].
            tool: Its base_T_tool, for a straight line of the tool; None for a straight line of the joints.
            samples: Until it is to be reached.
            tip_speed: Greatest of the tip, whichever way it goes [m/s].
        """
        self._joints, self._tool, self._left = joints, tool, max(1, samples)
        self._furthest = tip_speed * self._period

    def skip(self, samples: int) -> None:
        """Samples that were left out bring the end nearer all the same."""
        self._left = max(1, self._left - samples)

    def stay(self, at: Float64) -> None:
        """Be at joints (J,), and stay there until there is another target."""
        self.here = np.array(at, dtype=np.float64)
        self.aim(self.here, None, 1)

    def next(self) -> Float64:
        """Go on by one sample; where the point is then, (J,) [rad]."""
        part = 1.0 / self._left
        self._left = max(1, self._left - 1)
        if self.arrived:
            self.here = self._joints
            return self.here
        step = self._towards(part) - self.here
        largest = float(np.abs(step).max())
        if largest > self._most:
            step = step * (self._most / largest)
        if self._tool is None:
            step = self._slow_enough(step)
        self.here = self.here + step
        return self.here

    def _slow_enough(self, step: Float64) -> Float64:
        """A step of the joints, (J,), or as much of it as the tip may go in a period."""
        now, then = (self._kinematics.forward(joints) for joints in (self.here, self.here + step))
        way = float(np.linalg.norm(then.position - now.position))
        return step if way <= self._furthest else step * (self._furthest / way)

    def _towards(self, part: float) -> Float64:
        """Joints part of the way to the target."""
        straight = self.here + part * (self._joints - self.here)
        if self._tool is None:
            return straight
        now = self._kinematics.forward(self.here)
        distance = float(np.linalg.norm(self._tool.position - now.position))
        if distance * part > self._furthest:
            part = self._furthest / distance
        if part >= 1.0:
            if (
                distance < ROUNDING
            ):  # there with the tool, but with other joints: they go straight now
                self._tool = None
            return self._joints
        between = Pose(
            position=now.position + part * (self._tool.position - now.position),
            quaternion=_turned(now.quaternion, self._tool.quaternion, part),
        )
        solution = self._kinematics.inverse(between, self.here)
        if solution.error > CLOSE_ENOUGH or float(np.abs(solution.joints - self.here).max()) > JUMP:
            # Tilted so, out of reach, or with a wrist turned over, the tool cannot follow the line: the joints go straight.
            self._tool = None
            return straight
        return solution.joints


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
    return geometry.turned_towards(here, there, part)
