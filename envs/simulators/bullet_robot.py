"""The xArm6 in PyBullet: joint motors that follow a commanded tool tip."""

from __future__ import annotations

from ibc_gym.records import RobotLimits, RobotState, Target

from .bullet_world import BulletWorld


class BulletRobot:
    """The arm of a world; the tool tip is commanded within the workspace and within reach.

    What it carries from one period to the next is the world's, so that the world's saved state is complete.
    """

    def __init__(self, world: BulletWorld) -> None:
        """Take over the arm of a world."""
        self._world = world

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
        world, following = self._world, self._world.following
        return RobotState(
            time=world.time,
            joints=world.joints.copy(),
            joint_velocities=world.joint_velocities.copy(),
            tool=world.tool(),
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
        aim = world.set_points.copy()
        if not world.following.stopped:
            aim += world.following.way(world.set_points)
        world.step(world.substeps, aim, world.late_substeps)

    def stop(self) -> None:
        """Stand still until the next reset."""
        self._world.following.stopped = True
        self._world.set_points[:] = self._world.joints

    def close(self) -> None:
        """Let go of PyBullet's client; may be called twice."""
        self._world.close()
