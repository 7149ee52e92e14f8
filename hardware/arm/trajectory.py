"""The way to a policy's set-point: in equal parts of one control period, along the straight line of the tool, as on the rig
of Florence et al. 2021. A `Follower` makes of its steps a motion that the arm can follow.
"""

from __future__ import annotations

from typing import Final, cast

import numpy as np

from ibc_gym import geometry
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics
from ibc_gym.records import Float64, Pose

SAME_TURN: Final = 1 - 1e-12
"""Inner product of quaternions above which they are one orientation."""
SAME_JOINTS: Final = 1e-9
"""Joints that differ by less are in one place [rad]."""
OTHER: Final = 1e-3
"""Of a joint, to another of the solutions [rad]."""
LEAST_TURN: Final = 1e-9
"""Of a joint in a step, so that nothing is divided by none [rad]."""
LEAST_WAY: Final = 1e-9
"""Of the tip in a step, likewise [m]."""
SLOWER: Final = 0.99
"""By which a step that is too long for a joint is shortened further, since joints do not go evenly with the tool."""
TRIES: Final = 5
"""To shorten it; a joint that turns far for however short a step does not come by the tool's line."""


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
        self._pose: Pose | None = None  # of the point, where it is known

    @property
    def arrived(self) -> bool:
        """Whether the point is at the target."""
        return bool(np.abs(self.here - self._joints).max() < SAME_JOINTS)

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

    @property
    def tool(self) -> Pose | None:
        """Where the tool is at the point, if the way goes straight with the tool."""
        return self._pose if self._tool is not None else None

    @property
    def furthest(self) -> float:
        """That the tip may go in a period [m]."""
        return self._furthest

    def skip(self, samples: int) -> None:
        """Samples that were left out bring the end nearer all the same."""
        self._left = max(1, self._left - samples)

    def stay(self) -> None:
        """Be where the point is, and stay there until there is another target."""
        self._joints, self._tool, self._left = self.here, self.tool, 1

    def stand(self, at: Float64) -> None:
        """Be at joints (J,), and stay there until there is another target."""
        self.here = np.array(at, dtype=np.float64)
        self._joints, self._tool, self._pose, self._left = self.here, None, None, 1

    def next(self) -> Float64:
        """Go on by one sample; where the point is then, (J,) [rad]."""
        part = 1.0 / self._left
        self._left = max(1, self._left - 1)
        if self.arrived:
            self.here, self._pose = self._joints, self._tool
            return self.here
        if self._tool is None or not self._with_tool(part):
            self._tool = self._pose = None
            step = part * (self._joints - self.here)
            step *= min(1.0, self._most / max(float(np.abs(step).max()), LEAST_TURN))
            self.here = self.here + self._slow_enough(step)
        return self.here

    def _with_tool(self, part: float) -> bool:
        """Go that part of the way, or what a period allows of it, straight with the tool; whether that can be."""
        assert self._tool is not None
        now = self._pose or self._kinematics.forward(self.here)
        distance = float(np.linalg.norm(self._tool.position - now.position))
        part = min(part, self._furthest / max(distance, LEAST_WAY))
        if part == 1.0 and self._turns_over():
            return False
        for _ in range(TRIES):
            found = self._towards(now, part)
            if found is None:
                return False
            largest = float(np.abs(found[0] - self.here).max())
            if largest <= self._most:
                self.here, self._pose = found
                return True
            part *= SLOWER * self._most / largest
        return False

    def _slow_enough(self, step: Float64) -> Float64:
        """A step of the joints, (J,), or as much of it as the tip may go in a period."""
        now, then = (self._kinematics.forward(joints) for joints in (self.here, self.here + step))
        way = float(np.linalg.norm(then.position - now.position))
        return step if way <= self._furthest else step * (self._furthest / way)

    def _towards(self, now: Pose, part: float) -> tuple[Float64, Pose] | None:
        """Joints and pose part of the way from the tool's pose now; None where it is out of reach, or tilted so."""
        assert self._tool is not None
        if part == 1.0:
            return self._joints, self._tool
        between = Pose(
            position=now.position + part * (self._tool.position - now.position),
            quaternion=_turned(now.quaternion, self._tool.quaternion, part),
        )
        solution = self._kinematics.inverse(between, self.here)
        return (solution.joints, between) if solution.error <= CLOSE_ENOUGH else None

    def _turns_over(self) -> bool:
        """Whether the tool gets to the target's pose with other joints than the target's."""
        assert self._tool is not None
        if float(np.abs(self._joints - self.here).max()) <= self._most:
            return False
        solution = self._kinematics.inverse(self._tool, self.here)
        return float(np.abs(solution.joints - self._joints).max()) > OTHER


def _turned(here: Float64, there: Float64, part: float) -> Float64:
    """An orientation part of the way from one to another, wxyz; where they are the same, exactly the other."""
    if abs(float(here @ there)) > SAME_TURN:
        return there
    return geometry.turned_towards(here, there, part)
