"""The xArm6 in MuJoCo: joint servos that follow a commanded tool tip."""

from __future__ import annotations

import mujoco

from ibc_gym.records import Pose, RobotLimits, RobotState, Target

from .following import JOINTS
from .mujoco_scene import TIP
from .mujoco_world import MujocoWorld


class MujocoRobot:
    """The arm of a world; the tool tip is commanded within the workspace and within reach.

    What it carries from one period to the next is the world's, so that the world's saved state is complete.
    """

    def __init__(self, world: MujocoWorld) -> None:
        """Take over the arm of a world."""
        self._world = world
        self._tip = mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_SITE, TIP)
        self._tool = mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_BODY, "tool")

    @property
    def limits(self) -> RobotLimits:
        """The workspace of the tip, and the control period."""
        return self._world.following.limits

    def reset(self, home: Target | None = None) -> None:
        """Put the arm at `home`, at rest; the things on the table stand as the scene was built."""
        self._world.reset()
        if home is not None:
            self._world.following.place(home)
            self._world.place_arm()

    def observe(self) -> RobotState:
        """Joints and tip as they are now."""
        data, following = self._world.data, self._world.following
        return RobotState(
            time=data.time,
            joints=data.qpos[:JOINTS].copy(),
            joint_velocities=data.qvel[:JOINTS].copy(),
            tool=Pose(
                position=data.site_xpos[self._tip].copy(), quaternion=data.xquat[self._tool].copy()
            ),
            target=Target(tool=following.tool),
            interventions=following.interventions,
        )

    def command(self, target: Target) -> Target:
        """Set the target; what is sent lies within workspace, reach and limits, as `Following.command` says.

        Raises:
            SpecMismatch: It names neither joints nor tool, or both, or is not finite; nothing was sent.
        """
        return self._world.following.command(target)

    def advance(self) -> None:
        """Let one control period pass; joints run evenly to their targets, at the speed limit at most.

        An arm that lags goes on as it went before for that long.
        """
        world = self._world
        data = world.data
        late = world.late_substeps
        if late:
            world.let_pass(late)
        if not world.following.stopped:
            speeds = world.following.way(data.act) / world.spec.control_period
            data.ctrl[:JOINTS] = speeds
            data.ctrl[JOINTS:] = speeds
        world.step(world.substeps - late)

    def stop(self) -> None:
        """Stand still until the next reset."""
        data = self._world.data
        self._world.following.stopped = True
        data.act[:] = data.qpos[:JOINTS]
        data.ctrl[:] = 0.0

    def close(self) -> None:
        """Nothing is held."""
