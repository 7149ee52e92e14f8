"""Situations on a table, for tests of what counts there: no simulator, only poses."""

from __future__ import annotations

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Pose, RobotState, Situation, Target


def table(
    tip: tuple[float, float] = (0.3, -0.4),
    **things: tuple[float, float] | tuple[float, float, float],
) -> Situation:
    """Things at (x, y) or (x, y, yaw), the tip at rest where it was sent."""
    robot = RobotState(
        time=0.0,
        joints=np.zeros(6),
        joint_velocities=np.zeros(6),
        tool=Pose(position=np.array([*tip, 0.01])),
        target=Target(tool=Pose(position=np.array([*tip, 0.01]))),
    )
    poses = {
        name: Pose(
            position=np.array([*place[:2], 0.02]),
            quaternion=geometry.quaternion_of_yaw(place[2] if len(place) > 2 else 0.0),
        )
        for name, place in things.items()
    }
    return Situation(robot=robot, poses=poses, step=0)
