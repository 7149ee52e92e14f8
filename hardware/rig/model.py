"""Where the controller thinks its tool is, and which joints bring it somewhere: kinematics, offsets, limits."""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import IbcGymError
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics
from ibc_gym.records import Float64, Pose
from ibc_gym.xarm6 import XARM6

from .configuration import Configuration
from .frames import turn_of

NO_SOLUTION, JOINT_LIMIT, SPEED, FENCE, LINEAR_SPEED = 21, 23, 24, 35, 60
"""Errors of motion."""
COLLISION: Final = 31
NEAR_ENOUGH: Final = 1e-4
"""By which joints may pass their range [rad]: the protocol's numbers are rounded to 32 bits."""
DAMPING: Final = 1e-4
"""Of velocities near singular poses [m]."""
BEYOND: Final = 5.0
"""Where nobody needs to look for a solution [m]."""


class MotionError(IbcGymError, RuntimeError):
    """Why the controller stops: one of its error codes."""

    def __init__(self, code: int) -> None:
        """Carry the code."""
        super().__init__(f"controller error {code}")
        self.code = code


class Model:
    """Kinematics under the offsets and limits that are configured."""

    def __init__(self, configuration: Configuration, ranges: tuple[Float64, Float64]) -> None:
        """Take the configuration, and the ranges of the joints."""
        self._kinematics = Kinematics(XARM6, 0.0)
        self._ranges = ranges
        self.configure(configuration)

    def configure(self, configuration: Configuration) -> None:
        """Take over changed offsets and limits."""
        self.configuration = configuration
        self._flange_T_tool = _matrix_of(configuration.tcp_offset)
        self._tool_T_flange = np.linalg.inv(self._flange_T_tool)
        self._world_T_base = _matrix_of(configuration.world_offset)
        self._base_T_world = np.linalg.inv(self._world_T_base)

    def matrix(self, joints: Float64) -> Float64:
        """World_T_tool, (4, 4): where the tool is in the frame that is configured."""
        base_T_flange = self._kinematics.frames(joints)[-1]
        world_T_tool: Float64 = self._world_T_base @ base_T_flange @ self._flange_T_tool
        return world_T_tool

    def tool(self, joints: Float64) -> Pose:
        """The same as a pose."""
        return geometry.pose_of(self.matrix(joints))

    def solve(self, world_T_tool: Pose, near: Float64, *, limited: bool = True) -> Float64:
        """Joints for a pose of the tool, near given ones.

        Raises:
            MotionError: 21, there are none.
        """
        base_T_flange = geometry.pose_of(
            self._base_T_world @ geometry.matrix(world_T_tool) @ self._tool_T_flange
        )
        if not float(np.abs(base_T_flange.position).max()) < BEYOND:
            raise MotionError(NO_SOLUTION)
        solution = self._kinematics.least_squares(base_T_flange, near)
        if solution.error > CLOSE_ENOUGH:
            solution = self._kinematics.inverse(base_T_flange, near)
        if solution.error > CLOSE_ENOUGH:
            raise MotionError(NO_SOLUTION)
        if limited:
            self.check_joints(solution.joints)
        return solution.joints

    def rates(self, joints: Float64, twist: Float64) -> Float64:
        """Joint velocities (6,) that move the tool by a twist (6,) of the world: linear [m/s], angular [rad/s]."""
        base_R_world = self._base_T_world[:3, :3]
        linear, angular = base_R_world @ twist[:3], base_R_world @ twist[3:]
        J = self._kinematics.jacobian(joints)
        base_R_flange = self._kinematics.frames(joints)[-1][:3, :3]
        arm = base_R_flange @ self._flange_T_tool[:3, 3]
        wanted = np.concatenate([linear - np.cross(angular, arm), angular])  # of the flange
        rates: Float64 = J.T @ np.linalg.solve(J @ J.T + DAMPING**2 * np.eye(6), wanted)
        return rates

    def check_joints(self, joints: Float64) -> None:
        """Refuse joints out of range.

        Raises:
            MotionError: 23.
        """
        lower, upper = self.ranges()
        if (joints < lower - NEAR_ENOUGH).any() or (joints > upper + NEAR_ENOUGH).any():
            raise MotionError(JOINT_LIMIT)

    def check_fence(self, joints: Float64) -> None:
        """Refuse joints that bring the tool out of the fence, where there is one.

        Raises:
            MotionError: 35.
        """
        if self.configuration.fence_on and not self.in_box(self.matrix(joints)[:3, 3]):
            raise MotionError(FENCE)

    def in_box(self, position: Float64) -> bool:
        """Whether a point is within the box of the fence."""
        box = self.configuration.box
        return bool((position <= box[0::2]).all() and (position >= box[1::2]).all())

    def ranges(self) -> tuple[Float64, Float64]:
        """Least and greatest joints, narrowed in reduced mode, (6,) each [rad]."""
        lower, upper = self._ranges
        if self.configuration.reduced_on:
            reduced = self.configuration.reduced_ranges[:6]
            return np.maximum(lower, reduced[:, 0]), np.minimum(upper, reduced[:, 1])
        return lower, upper

    @property
    def tcp_speed(self) -> float:
        """Greatest speed of the tool [m/s]."""
        configuration = self.configuration
        return min(1.0, configuration.reduced_tcp_speed) if configuration.reduced_on else 1.0

    @property
    def joint_speed(self) -> float:
        """Greatest speed of a joint [rad/s]."""
        limit = XARM6.speed_limit
        configuration = self.configuration
        return min(limit, configuration.reduced_joint_speed) if configuration.reduced_on else limit


def _matrix_of(six: Float64) -> Float64:
    a_T_b = np.eye(4)
    a_T_b[:3, :3] = turn_of(six[3:], False).as_matrix()
    a_T_b[:3, 3] = six[:3]
    return a_T_b
