"""Where the tool is for given joints, and which joints bring it somewhere: the same answers for every simulator.

A tool that points straight down, as all table tasks want it, has a solution in closed form; any other pose is solved by
damped least squares, warm started.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, atan2, cos, hypot, pi, sin, sqrt

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose
from ibc_gym.xarm6 import ArmSpec

DOWN: Float64 = np.array([0.0, 0.0, 1.0, 0.0])
"""Orientation of a tool that points straight down, turned by pi about y; wxyz."""
DOWN.setflags(write=False)

DAMPING = 1e-4
"""Of the least-squares steps: small beside the arm's lever arms squared [m^2], so that it matters near singularities only."""
STEPS = 60
LARGEST_STEP = 0.5
"""Of one joint in one step of the solver [rad]."""
CLOSE_ENOUGH = 1e-6
"""Norm of position [m] and rotation [rad] error at which the solver stops."""
STRAIGHTEST = 0.97
"""Part of its full length to which the arm may stretch: beyond, joints would race for nothing."""
MARGIN = 1e-9
"""By which a point brought within reach stays off its border [m], for rounding."""
BISECTIONS = 40


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What inverse kinematics found."""

    joints: Float64
    """(J,) [rad], within the limits."""
    error: float
    """Norm of what is missing in position [m] and rotation [rad]; 0 for the closed form."""


class Kinematics:
    """Forward and inverse kinematics of an xArm6-like arm with a tool of a given length."""

    def __init__(self, arm: ArmSpec, tool_length: float) -> None:
        """Take the arm's table; the tool tip lies `tool_length` [m] along the flange's +z."""
        self.arm = arm
        self.tool_length = tool_length
        self.lower: Float64 = np.array([joint.lower for joint in arm.joints])
        self.upper: Float64 = np.array([joint.upper for joint in arm.joints])
        self._fixed = [_fixed_part(joint.origin, joint.roll) for joint in arm.joints]
        self._planar = _Planar(arm, tool_length)

    def frames(self, joints: Float64) -> list[Float64]:
        """base_T_link of every link, (4, 4) each, the flange last."""
        base_T_link = np.eye(4)
        chain = []
        for fixed, angle in zip(self._fixed, joints, strict=True):
            base_T_link = base_T_link @ fixed @ _turn_about_z(float(angle))
            chain.append(base_T_link)
        return chain

    def forward(self, joints: Float64) -> Pose:
        """base_T_tool for joints (J,) [rad]."""
        return geometry.pose_of(self._tip(self.frames(joints)[-1]))

    def jacobian(self, joints: Float64) -> Float64:
        """How the tip moves and turns with the joints, (6, J): linear [m/rad] above angular [rad/rad]."""
        chain = self.frames(joints)
        tip = self._tip(chain[-1])[:3, 3]
        axes = np.array([frame[:3, 2] for frame in chain])
        arms = tip - np.array([frame[:3, 3] for frame in chain])
        return np.vstack([np.cross(axes, arms).T, axes.T])

    def within_reach(self, position: Float64) -> Float64:
        """The nearest point at the same height and bearing that a tool pointing down can reach, (3,)."""
        return self._planar.within_reach(position)

    def inverse(self, base_T_tool: Pose, near: Float64) -> Solution:
        """Joints that bring the tool to a pose; of several, those near `near` (J,).

        A pose out of reach gives the nearest that was found, and how far off it is.
        """
        if points_down(base_T_tool.quaternion):
            _, x, y, _ = base_T_tool.quaternion.tolist()
            found = self._planar.solve(base_T_tool.position.tolist(), 2 * atan2(y, x), near)
            if found is not None:
                return Solution(joints=found, error=0.0)
        return self.least_squares(base_T_tool, near)

    def least_squares(self, base_T_tool: Pose, near: Float64) -> Solution:
        """Damped least squares from `near`, each step within the joint limits (Wampler 1986)."""
        wanted = geometry.matrix(base_T_tool)
        joints = np.clip(near, self.lower, self.upper)
        best = Solution(joints=joints, error=np.inf)
        for _ in range(STEPS):
            error = self._error(wanted, joints)
            norm = float(np.linalg.norm(error))
            if norm < best.error:
                best = Solution(joints=joints, error=norm)
            if norm < CLOSE_ENOUGH:
                break
            J = self.jacobian(joints)
            step = J.T @ np.linalg.solve(J @ J.T + DAMPING * np.eye(6), error)
            step *= min(1.0, LARGEST_STEP / max(float(np.abs(step).max()), 1e-12))
            joints = np.clip(joints + step, self.lower, self.upper)
        return best

    def _tip(self, base_T_flange: Float64) -> Float64:
        base_T_tool = base_T_flange.copy()
        base_T_tool[:3, 3] += self.tool_length * base_T_flange[:3, 2]
        return base_T_tool

    def _error(self, wanted: Float64, joints: Float64) -> Float64:
        now = self._tip(self.frames(joints)[-1])
        turn = Rotation.from_matrix(wanted[:3, :3] @ now[:3, :3].T).as_rotvec()
        return np.concatenate([wanted[:3, 3] - now[:3, 3], turn])


def points_down(quaternion: Float64) -> bool:
    """Whether a tool of this orientation, wxyz, points straight down."""
    w, _, _, z = quaternion.tolist()
    return bool(abs(w) < 1e-9 and abs(z) < 1e-9)


class _Planar:
    """The arm with joint 4 at zero moves in a vertical plane: two links and a wrist, solved by the law of cosines.

    `u` points away from the base in that plane, `w` up, both from the shoulder.
    """

    def __init__(self, arm: ArmSpec, tool_length: float) -> None:
        shoulder, elbow = arm.joints[0].origin, arm.joints[2].origin
        wrist, flange = arm.joints[3].origin, arm.joints[5].origin
        self._upper_length = hypot(elbow[0], elbow[1])
        self._fore_length = hypot(wrist[0], wrist[1])
        self._upper_angle = atan2(-elbow[1], elbow[0])
        self._between = self._upper_angle - atan2(-wrist[1], wrist[0])
        self._forward = flange[0]
        self._drop = shoulder[2] - flange[1] - tool_length
        self._limits = [(joint.lower, joint.upper) for joint in arm.joints]
        # The elbow closes until joint 3 meets a limit.
        closed = min(pi, self._between + self._limits[2][1])
        self._longest = STRAIGHTEST * (self._upper_length + self._fore_length)
        self._shortest = self._third_side(closed)

    def within_reach(self, position: Float64) -> Float64:
        x, y, z = position.tolist()
        radius, w = hypot(x, y), z - self._drop
        longest = sqrt(max(self._longest**2 - w * w, 0.0)) + self._forward - MARGIN
        shortest = sqrt(max(self._shortest**2 - w * w, 0.0)) + self._forward + MARGIN
        allowed = min(max(radius, shortest), longest)
        if self._fold(allowed - self._forward, w) is None:
            allowed = self._nearest_fold(allowed, longest, w)
        if allowed == radius:
            return position
        if radius < 1e-9:  # on the axis, where a bearing means nothing
            return np.array([allowed, 0.0, z])
        return np.array([x * allowed / radius, y * allowed / radius, z])

    def solve(self, position: list[float], yaw: float, near: Float64) -> Float64 | None:
        """Joints for a tip at `position` whose tool points down, turned by `yaw` after a half turn about x; or None."""
        x, y, z = position
        folded = self._fold(hypot(x, y) - self._forward, z - self._drop)
        if folded is None:
            return None
        first = _nearest_turn(atan2(y, x), float(near[0]))
        sixth = _nearest_turn(first - yaw, float(near[5]))
        for angle, (lower, upper) in ((first, self._limits[0]), (sixth, self._limits[5])):
            if not lower <= angle <= upper:
                return None
        second, third = folded
        return np.array([first, second, third, 0.0, -(second + third), sixth])

    def _fold(self, u: float, w: float) -> tuple[float, float] | None:
        """Joints 2 and 3 that bring the wrist to (u, w), elbow up, if they and joint 5 are within their limits."""
        distance = hypot(u, w)
        if not self._shortest <= distance <= self._longest:
            return None
        a, b = self._upper_length, self._fore_length
        bend = acos(min(max((distance**2 - a * a - b * b) / (2 * a * b), -1.0), 1.0))
        raised = atan2(w, u) + atan2(b * sin(bend), a + b * cos(bend))
        second, third = self._upper_angle - raised, bend - self._between
        angles = ((second, 1), (third, 2), (-(second + third), 4))
        if all(
            self._limits[joint][0] <= angle <= self._limits[joint][1] for angle, joint in angles
        ):
            return second, third
        return None

    def _nearest_fold(self, beyond: float, within: float, w: float) -> float:
        """The radius next to `beyond` at which the joints are within their limits, by bisection."""
        for _ in range(BISECTIONS):
            middle = (beyond + within) / 2
            if self._fold(middle - self._forward, w) is None:
                beyond = middle
            else:
                within = middle
        return within

    def _third_side(self, bend: float) -> float:
        a, b = self._upper_length, self._fore_length
        return sqrt(a * a + b * b + 2 * a * b * cos(bend))


def _fixed_part(origin: tuple[float, float, float], roll: float) -> Float64:
    before_T_joint = np.eye(4)
    before_T_joint[:3, :3] = Rotation.from_rotvec([roll, 0.0, 0.0]).as_matrix()
    before_T_joint[:3, 3] = origin
    return before_T_joint


def _turn_about_z(angle: float) -> Float64:
    c, s = cos(angle), sin(angle)
    return np.array(
        [[c, -s, 0.0, 0.0], [s, c, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    )


def _nearest_turn(angle: float, near: float) -> float:
    """The angle plus whole turns that comes nearest to `near` [rad]."""
    return angle + 2 * pi * round((near - angle) / (2 * pi))
