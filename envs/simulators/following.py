"""What a simulated arm has been told, and the way it takes there: the same in every simulator.

A commanded tool tip stays within the workspace and within reach, and joints stay under their speed limit. A simulator
adds only the servos that bring the joints along.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import SpecMismatch
from ibc_gym.kinematics import CLOSE_ENOUGH, DOWN, Kinematics, points_down
from ibc_gym.records import Float64, Pose, RobotLimits, Target
from ibc_gym.xarm6 import XARM6

from ..scene_spec import SceneSpec

JOINTS: Final = len(XARM6.joints)
SAVED: Final = 2 + JOINTS + 7
"""How many numbers `Following.save` gives."""
PEAK_TORQUE: Final = 5.0
"""Times the rated effort. Commands change the joints' speeds all at once: with the rated effort alone the tip would
stray by centimetres when it is sent to and fro at its greatest speed, as no controller of a real arm lets it."""

ROUNDING = 1e-9
"""Joints whose tip lies outside of the workspace by no more than this [m] are inside."""
SAME_TURN = 1 - 1e-9
"""Inner product of quaternions above which they are one orientation: within 0.1 mrad."""
STRAYING = 5e-3
"""By how much the tip may leave the workspace where only the joints can go evenly [m]; their way is an arc."""
SHORTENINGS = 4
"""Attempts at a step short enough for the speed limit."""


class Following:
    """The target in force, and how often a limit changed or refused one.

    A world owns one and saves it with its own state, so that robots carry nothing from one period to the next.
    """

    def __init__(self, spec: SceneSpec) -> None:
        """Follow targets in a scene, beginning at its home."""
        self.kinematics = Kinematics(XARM6, spec.tool.length)
        self.limits = RobotLimits(
            control_period=spec.control_period,
            lower=spec.workspace_lower,
            upper=spec.workspace_upper,
        )
        self._furthest = XARM6.speed_limit * spec.control_period
        self.tool = Pose(position=np.array(spec.home), quaternion=DOWN)
        """Pose of the tip that the commanded joints give."""
        self.joints = self.kinematics.inverse(self.tool, np.array(XARM6.rest)).joints
        """Commanded (J,) [rad]."""
        self.interventions = 0
        self.stopped = False
        """Whether the arm stands still until the next reset, whatever is commanded."""

    def place(self, home: Target) -> None:
        """Take the target over as where the arm is, as far as limits and reach allow."""
        self.joints, self.tool, _ = self._follow(home)

    def command(self, target: Target) -> Target:
        """Set the target; what lies outside of workspace or reach is brought to the border.

        A tilted tool that the arm cannot bring there leaves the target before in force, as does an arm that was
        stopped.

        Raises:
            SpecMismatch: It names neither joints nor tool, or both, or is not finite; nothing was sent.
        """
        joints, tool, changed = self._follow(target)
        if self.stopped:
            joints, tool, changed = self.joints, self.tool, True
        self.interventions += changed
        self.joints, self.tool = joints, tool
        return Target(tool=tool) if target.joints is None else Target(joints=joints)

    def way(self, here: Float64) -> Float64:
        """How far the joints go in this period from set-points `here`, (J,) [rad].

        A target too far for one period is approached along the straight line of the tip, turning evenly, as far as the
        speed limit allows: along that of the joints the tip would rise and fall on its way. Where there is no such line
        and the joints would lead the tip out of the workspace, the arm holds.
        """
        way: Float64 = self.joints - here
        if _largest(way) <= self._furthest:
            return way
        start = self.kinematics.forward(here)
        part = 1.0
        for _ in range(SHORTENINGS):
            part *= 0.95 * self._furthest / _largest(way)
            between = Pose(
                position=start.position + part * (self.tool.position - start.position),
                quaternion=_turned(start.quaternion, self.tool.quaternion, part),
            )
            solution = self.kinematics.inverse(self._allowed(between), here)
            if solution.error > CLOSE_ENOUGH:
                continue  # tilted so, the tip cannot be there: nearer to where it is, it can
            way = solution.joints - here
            if _largest(way) <= self._furthest:
                return way
        step: Float64 = way * (self._furthest / _largest(way))
        place = self.kinematics.forward(here + step).position
        strayed = np.maximum(self.limits.lower - place, place - self.limits.upper)
        # With its wrist turned over, the tip would leave the workspace on the way of the joints: the arm holds instead.
        return step if float(strayed.max()) <= STRAYING else np.zeros_like(step)

    def save(self) -> Float64:
        """Interventions, whether stopped, commanded joints and pose, (SAVED,)."""
        counts = (float(self.interventions), float(self.stopped))
        return np.concatenate([counts, self.joints, self.tool.position, self.tool.quaternion])

    def restore(self, saved: Float64) -> None:
        """Go on from what `save` gave."""
        self.interventions, self.stopped = int(saved[0]), bool(saved[1])
        self.joints = saved[2 : 2 + JOINTS].copy()
        self.tool = Pose(position=saved[-7:-4].copy(), quaternion=saved[-4:].copy())

    def _follow(self, target: Target) -> tuple[Float64, Pose, bool]:
        """Joints for a target, the pose that they give, and whether that is less than was asked."""
        if (target.joints is None) == (target.tool is None):
            raise SpecMismatch(
                "A target names either joints or a tool pose, not both; nothing was sent."
            )
        if target.tool is not None:
            _check(target.tool.position, 3, "tool position [m]")
            _check(target.tool.quaternion, 4, "tool quaternion")
            pose = target.tool
            joints = None
            clipped = False
        else:
            assert target.joints is not None
            _check(target.joints, JOINTS, "joint target [rad]")
            joints = np.clip(target.joints, self.kinematics.lower, self.kinematics.upper)
            clipped = bool((joints != target.joints).any())
            pose = self.kinematics.forward(joints)
        allowed = self._allowed(pose)
        moved = 0.0 if allowed is pose else float(np.abs(allowed.position - pose.position).max())
        if joints is not None and moved < ROUNDING:
            return joints, pose, clipped
        return self._solve(allowed, allowed is not pose)

    def _allowed(self, pose: Pose) -> Pose:
        """The pose itself, or the nearest within the workspace and the arm's reach."""
        lower, upper = self.limits.lower, self.limits.upper
        x, y, z = pose.position.tolist()
        inside = (
            min(max(x, lower[0]), upper[0]),
            min(max(y, lower[1]), upper[1]),
            min(max(z, lower[2]), upper[2]),
        )
        position = pose.position if inside == (x, y, z) else np.array(inside)
        if points_down(pose.quaternion):
            position = self.kinematics.within_reach(position)
        if position is pose.position:
            return pose
        return Pose(position=position, quaternion=pose.quaternion)

    def _solve(self, pose: Pose, changed: bool) -> tuple[Float64, Pose, bool]:
        solution = self.kinematics.inverse(pose, self.joints)
        if solution.error > CLOSE_ENOUGH:
            return self.joints, self.tool, True
        return solution.joints, pose, changed


def _turned(here: Float64, there: Float64, part: float) -> Float64:
    """An orientation part of the way from one to another, wxyz; where they are the same, exactly the other."""
    if abs(float(here @ there)) > SAME_TURN:
        return there
    return geometry.turned_towards(here, there, part)


def _largest(way: Float64) -> float:
    return float(max(way.max(), -way.min()))


def _check(numbers: Float64, size: int, what: str) -> None:
    if numbers.shape != (size,) or not np.isfinite(numbers).all():
        raise SpecMismatch(
            f"The {what} {numbers} is not {size} finite numbers; nothing was sent to the arm."
        )
