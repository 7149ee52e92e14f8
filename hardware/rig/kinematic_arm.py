"""An xArm6 that is only kinematics: joints that run to their targets at the speed limit, without mass and without a world.

It stands where the vendor's arm stands when all joints are zero, and is what the emulated controller moves where no scene
is needed.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics, points_down
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target
from ibc_gym.xarm6 import XARM6

JOINTS: Final = len(XARM6.joints)
FURTHEST: Final = 1.5
"""Half an edge of the box that the arm cannot leave anyhow [m]."""


class KinematicArm:
    """A `Robot` without a simulator; time passes by `advance` alone."""

    def __init__(self, *, control_period: float = 0.004, tool_length: float = 0.0) -> None:
        """Stand at the vendor's zero pose.

        Args:
            control_period: Time that one `advance` lets pass [s].
            tool_length: From the flange to the tip, along the flange's +z [m].
        """
        self._kinematics = Kinematics(XARM6, tool_length)
        self._limits = RobotLimits(
            control_period=control_period, lower=(-FURTHEST,) * 3, upper=(FURTHEST,) * 3
        )
        self.reset()

    @property
    def limits(self) -> RobotLimits:
        """A box beyond its reach, and the control period."""
        return self._limits

    def reset(self, home: Target | None = None) -> None:
        """Be at `home`, or at the vendor's zero pose, at rest."""
        self._periods = 0
        self._joints = self._goal = np.zeros(JOINTS)
        self._velocities = np.zeros(JOINTS)
        self._interventions = 0
        self._stopped = False
        if home is not None:
            self._joints = self._goal = self._follow(home)[0]

    def observe(self) -> RobotState:
        """Joints and tip as they are now."""
        return RobotState(
            time=self._periods * self._limits.control_period,
            joints=self._joints.copy(),
            joint_velocities=self._velocities.copy(),
            tool=self._kinematics.forward(self._joints),
            target=Target(tool=self._kinematics.forward(self._goal)),
            interventions=self._interventions,
        )

    def command(self, target: Target) -> Target:
        """Set the target; joints are brought within their limits, a tool within reach.

        Raises:
            SpecMismatch: It names neither joints nor tool, or both, or is not finite; nothing was sent.
        """
        joints, changed = self._follow(target)
        if self._stopped:
            joints, changed = self._goal, True
        self._interventions += changed
        self._goal = joints
        if target.joints is not None:
            return Target(joints=joints.copy())
        return Target(tool=self._kinematics.forward(joints))

    def advance(self) -> None:
        """Let one control period pass; the joints run evenly, at the speed limit at most."""
        period = self._limits.control_period
        way = self._goal - self._joints
        furthest = XARM6.speed_limit * period
        longest = float(np.abs(way).max())
        if longest > furthest:
            way = way * (furthest / longest)
            self._joints = self._joints + way
        else:
            self._joints = self._goal
        self._velocities = way / period
        self._periods += 1

    def stop(self) -> None:
        """Stand still until the next reset."""
        self._stopped = True
        self._goal = self._joints

    def close(self) -> None:
        """Nothing is held."""

    def _follow(self, target: Target) -> tuple[Float64, bool]:
        """Joints for a target, and whether that is less than was asked."""
        if (target.joints is None) == (target.tool is None):
            raise SpecMismatch(
                "A target names either joints or a tool pose, not both; nothing was sent."
            )
        if target.joints is not None:
            _check(target.joints, JOINTS, "joint target [rad]")
            joints = np.clip(target.joints, self._kinematics.lower, self._kinematics.upper)
            return joints, bool((joints != target.joints).any())
        assert target.tool is not None
        _check(target.tool.position, 3, "tool position [m]")
        _check(target.tool.quaternion, 4, "tool quaternion")
        return self._solve(target.tool)

    def _solve(self, tool: Pose) -> tuple[Float64, bool]:
        position = np.clip(tool.position, self._limits.lower, self._limits.upper)
        if points_down(tool.quaternion):
            position = self._kinematics.within_reach(position)
        pose = Pose(position=position, quaternion=tool.quaternion)
        solution = self._kinematics.inverse(pose, self._goal)
        moved = float(np.abs(position - tool.position).max()) > CLOSE_ENOUGH
        return solution.joints, moved or solution.error > CLOSE_ENOUGH


def _check(numbers: Float64, size: int, what: str) -> None:
    if numbers.shape != (size,) or not np.isfinite(numbers).all():
        raise SpecMismatch(
            f"The {what} {numbers} is not {size} finite numbers; nothing was sent to the arm."
        )
