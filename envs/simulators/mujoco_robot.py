"""The xArm6 in MuJoCo: joint servos that follow a commanded tool tip."""

from __future__ import annotations

import mujoco
import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target

from ..kinematics import CLOSE_ENOUGH, points_down
from ..xarm6 import XARM6
from .mujoco_scene import TIP
from .mujoco_world import JOINTS, MujocoWorld

ROUNDING = 1e-9
"""Joints whose tip lies outside of the workspace by no more than this [m] are inside."""
SHORTENINGS = 4
"""Attempts at a step short enough for the speed limit."""


class MujocoRobot:
    """The arm of a world; the tool tip is commanded within the workspace and within reach.

    What it carries from one period to the next is the world's, so that the world's saved state is complete.
    """

    def __init__(self, world: MujocoWorld) -> None:
        """Take over the arm of a world."""
        self._world = world
        spec = world.spec
        self._lower, self._upper = spec.workspace_lower, spec.workspace_upper
        self._limits = RobotLimits(
            control_period=spec.control_period, lower=self._lower, upper=self._upper
        )
        self._tip = mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_SITE, TIP)
        self._tool = mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_BODY, "tool")
        self._furthest = XARM6.speed_limit * spec.control_period

    @property
    def limits(self) -> RobotLimits:
        """The workspace of the tip, and the control period."""
        return self._limits

    def reset(self, home: Target | None = None) -> None:
        """Put the arm at `home`, at rest; the things on the table stand as the scene was built."""
        self._world.reset()
        if home is not None:
            joints, tool, _ = self._follow(home)
            self._world.place_arm(joints, tool)

    def observe(self) -> RobotState:
        """Joints and tip as they are now."""
        world = self._world
        data = world.data
        return RobotState(
            time=data.time,
            joints=data.qpos[:JOINTS].copy(),
            joint_velocities=data.qvel[:JOINTS].copy(),
            tool=Pose(
                position=data.site_xpos[self._tip].copy(), quaternion=data.xquat[self._tool].copy()
            ),
            target=Target(tool=world.tool),
            interventions=world.interventions,
        )

    def command(self, target: Target) -> Target:
        """Set the target; what lies outside of workspace or reach is brought to the border.

        A tilted tool that the arm cannot bring there leaves the target before in force, as does a robot that was
        stopped.

        Raises:
            SpecMismatch: It names neither joints nor tool, or both, or is not finite; nothing was sent.
        """
        world = self._world
        joints, tool, changed = self._follow(target)
        if world.stopped:
            joints, tool, changed = world.joints, world.tool, True
        world.interventions += changed
        world.joints, world.tool = joints, tool
        return Target(tool=tool) if target.joints is None else Target(joints=joints)

    def advance(self) -> None:
        """Let one control period pass; joints run evenly to their targets, at the speed limit at most."""
        world = self._world
        data = world.data
        if not world.stopped:
            speeds = self._way() / world.spec.control_period
            data.ctrl[:JOINTS] = speeds
            data.ctrl[JOINTS:] = speeds
        world.step(world.substeps)

    def stop(self) -> None:
        """Stand still until the next reset."""
        data = self._world.data
        self._world.stopped = True
        data.act[:] = data.qpos[:JOINTS]
        data.ctrl[:] = 0.0

    def close(self) -> None:
        """Nothing is held."""

    def _way(self) -> Float64:
        """How far the joints go in this period, (J,) [rad].

        A target too far for one period is approached along the straight line of the tip, as far as the speed limit
        allows: along that of the joints the tip would rise and fall on its way.
        """
        world = self._world
        here: Float64 = world.data.act
        way: Float64 = world.joints - here
        if _largest(way) <= self._furthest:
            return way
        start = world.kinematics.forward(here).position
        part = 1.0
        for _ in range(SHORTENINGS):
            part *= 0.95 * self._furthest / _largest(way)
            between = Pose(
                position=start + part * (world.tool.position - start),
                quaternion=world.tool.quaternion,
            )
            way = world.kinematics.inverse(self._allowed(between), here).joints - here
            if _largest(way) <= self._furthest:
                return way
        return way * (self._furthest / _largest(way))

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
            kinematics = self._world.kinematics
            joints = np.clip(target.joints, kinematics.lower, kinematics.upper)
            clipped = bool((joints != target.joints).any())
            pose = kinematics.forward(joints)
        allowed = self._allowed(pose)
        moved = 0.0 if allowed is pose else float(np.abs(allowed.position - pose.position).max())
        if joints is not None and moved < ROUNDING:
            return joints, pose, clipped
        return self._solve(allowed, allowed is not pose)

    def _allowed(self, pose: Pose) -> Pose:
        """The pose itself, or the nearest within the workspace and the arm's reach."""
        x, y, z = pose.position.tolist()
        inside = (
            min(max(x, self._lower[0]), self._upper[0]),
            min(max(y, self._lower[1]), self._upper[1]),
            min(max(z, self._lower[2]), self._upper[2]),
        )
        position = pose.position if inside == (x, y, z) else np.array(inside)
        if points_down(pose.quaternion):
            position = self._world.kinematics.within_reach(position)
        if position is pose.position:
            return pose
        return Pose(position=position, quaternion=pose.quaternion)

    def _solve(self, pose: Pose, changed: bool) -> tuple[Float64, Pose, bool]:
        world = self._world
        solution = world.kinematics.inverse(pose, world.joints)
        if solution.error > CLOSE_ENOUGH:
            return world.joints, world.tool, True
        return solution.joints, pose, changed


def _largest(way: Float64) -> float:
    return float(max(way.max(), -way.min()))


def _check(numbers: Float64, size: int, what: str) -> None:
    if numbers.shape != (size,) or not np.isfinite(numbers).all():
        raise SpecMismatch(
            f"The {what} {numbers} is not {size} finite numbers; nothing was sent to the arm."
        )
