"""What becomes of a target before the arm follows it: the same as in simulation, so that a task meets the same robot.

The tip stays within workspace and reach and the joints within their ranges; what cannot be brought inside leaves the
target before in force.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics, points_down
from ibc_gym.records import Float64, Pose, RobotLimits, Target

from .coordinates import TIP_ROUNDING


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Admitted:
    """A target that the arm may follow."""

    joints: Float64
    """(J,) [rad]"""
    tool: Pose
    """base_T_tool of these joints."""
    by_joints: bool = False
    """Whether it was named by joints."""
    changed: bool = False
    """Whether it is less than was asked for."""

    @property
    def target(self) -> Target:
        """What is really sent."""
        return Target(joints=self.joints) if self.by_joints else Target(tool=self.tool)


def admit(
    target: Target, kinematics: Kinematics, limits: RobotLimits, before: Admitted
) -> Admitted:
    """The target itself or what comes nearest to it within workspace, reach and ranges.

    Args:
        target: By joints or by tool pose.
        kinematics: Of the arm and its tool.
        limits: Of the tip.
        before: The target in force.

    Raises:
        SpecMismatch: It names neither joints nor tool, or both, or is not finite; nothing was sent.
    """
    check(target)
    joints, clipped = None, False
    if target.tool is not None:
        pose = target.tool
    else:
        assert target.joints is not None
        joints = np.clip(target.joints, kinematics.lower, kinematics.upper)
        clipped = bool((joints != target.joints).any())
        pose = kinematics.forward(joints)
    allowed = _allowed(pose, kinematics, limits)
    moved = 0.0 if allowed is pose else float(np.abs(allowed.position - pose.position).max())
    by_joints = joints is not None
    if joints is not None and moved < TIP_ROUNDING:
        return Admitted(joints=joints, tool=pose, by_joints=True, changed=clipped)
    solution = kinematics.inverse(allowed, before.joints)
    if solution.error > CLOSE_ENOUGH:
        return Admitted(joints=before.joints, tool=before.tool, by_joints=by_joints, changed=True)
    return Admitted(
        joints=solution.joints, tool=allowed, by_joints=by_joints, changed=allowed is not pose
    )


def check(target: Target) -> None:
    """Refuse a target that no robot can follow.

    Raises:
        SpecMismatch: It names neither joints nor tool, or both, or is not finite; nothing was sent.
    """
    if (target.joints is None) == (target.tool is None):
        raise SpecMismatch(
            "A target names either joints or a tool pose, not both; nothing was sent to the arm."
        )
    if target.joints is not None:
        _check(target.joints, 6, "joint target [rad]")
    if target.tool is not None:
        _check(target.tool.position, 3, "tool position [m]")
        _check(target.tool.quaternion, 4, "tool quaternion")
        if abs(float(np.linalg.norm(target.tool.quaternion)) - 1.0) > 1e-3:
            raise SpecMismatch(
                f"The tool quaternion {target.tool.quaternion} is not of unit length; nothing was sent to the arm."
            )


def _allowed(pose: Pose, kinematics: Kinematics, limits: RobotLimits) -> Pose:
    """The pose itself, or the nearest within the workspace and the arm's reach."""
    inside = np.clip(pose.position, limits.lower, limits.upper)
    position = pose.position if np.array_equal(inside, pose.position) else inside
    if points_down(pose.quaternion):
        position = kinematics.within_reach(position)
    if position is pose.position:
        return pose
    return Pose(position=position, quaternion=pose.quaternion)


def _check(numbers: Float64, size: int, what: str) -> None:
    if numbers.shape != (size,) or not np.isfinite(numbers).all():
        raise SpecMismatch(
            f"The {what} {numbers} is not {size} finite numbers; nothing was sent to the arm."
        )
