"""The way home from wherever the arm was left: up, across, and down, tried out in thought before anything moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from ibc_gym.errors import RobotFault
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics
from ibc_gym.records import Float64, Pose

from .config import XArmConfig
from .targets import Admitted
from .trajectory import Course

STRIDE: Final = 0.01
"""Between two looks along a way that is tried out [m]."""
MOST: Final = 200
"""Looks after which a way leads nowhere."""
HIGHER: Final = (0.0, 0.1, 0.25)
"""By how much more than asked for the tip is lifted, where it cannot cross lower [m]."""
DIP: Final = 0.01
"""By how much the tip may come down on a leg that does not lead down [m]."""
BESIDE: Final = 1e-3
"""A tip that is no further to the side from home is above or below it [m]."""
FENCE_ROUNDING: Final = 1e-3
"""By which a tip outside of the fence is still inside [m]."""


def plan(
    config: XArmConfig, kinematics: Kinematics, here: Admitted, goal: Admitted
) -> list[Admitted]:
    """Legs that lead home, one after the other; those named by joints are straight lines of the joints.

    Args:
        config: Has the fence, and the height to cross the table at.
        kinematics: Of the arm and its tool.
        here: Where the arm is.
        goal: Where it is to go.

    Raises:
        RobotFault: None was found; nothing has moved.
    """
    for way in _ways(config, kinematics, here, goal):
        if _leads(config, kinematics, here, way):
            return way
    raise RobotFault(
        f"No safe way leads from where the arm at {config.address} is (tip at {here.tool.position.round(3).tolist()} m, "
        f"joints {here.joints.round(3).tolist()} rad) to its home. Bring it near by hand in the vendor's manual mode."
    )


def no_way_on(
    config: XArmConfig, kinematics: Kinematics, joints: Float64, leg: Admitted
) -> RobotFault:
    """What to raise where the arm has come to stand at joints (J,) [rad], on its way to the end of a leg."""
    tip = kinematics.forward(joints).position
    return RobotFault(
        f"The arm at {config.address} was stopped on its way home: within its limits no way leads on from where it stands "
        f"(tip at {tip.round(4).tolist()} m, joints {joints.round(3).tolist()} rad) to where it was to go next (tip at "
        f"{leg.tool.position.round(4).tolist()} m, joints {leg.joints.round(3).tolist()} rad). Bring it near by hand in the "
        "vendor's manual mode."
    )


def _ways(
    config: XArmConfig, kinematics: Kinematics, here: Admitted, goal: Admitted
) -> Iterator[list[Admitted]]:
    if np.linalg.norm(here.tool.position[:2] - goal.tool.position[:2]) <= BESIDE:
        yield [goal]
    lowest = max(config.reset_height, here.tool.position[2], goal.tool.position[2])
    for height in (lowest + more for more in HIGHER):
        above = _raised(kinematics, here, height, here.joints)
        over = _raised(kinematics, goal, height, goal.joints)
        if over is None:
            continue
        turned = replace(over, by_joints=True)  # for a wrist that has to turn over
        if above is not None:
            yield [above, over, goal]
            yield [above, turned, goal]
        yield [turned, goal]


def _raised(
    kinematics: Kinematics, place: Admitted, height: float, near: Float64
) -> Admitted | None:
    """The same pose at a height, or None where the arm cannot hold it there."""
    position = np.array([*place.tool.position[:2], height])
    pose = Pose(position=position, quaternion=place.tool.quaternion)
    solution = kinematics.inverse(pose, near)
    if solution.error > CLOSE_ENOUGH:
        return None
    return Admitted(joints=solution.joints, tool=pose)


def _leads(config: XArmConfig, kinematics: Kinematics, here: Admitted, way: list[Admitted]) -> bool:
    """Whether all legs end where they should, inside of the fence, and come down only at the end."""
    lower = np.array(config.fence_lower) - FENCE_ROUNDING
    upper = np.array(config.fence_upper) + FENCE_ROUNDING
    before = here
    for leg in way:
        lowest = min(before.tool.position[2], leg.tool.position[2]) - DIP
        lower[2] = max(lowest, config.fence_lower[2] - FENCE_ROUNDING)
        course = Course(kinematics, before.joints, period=1.0, speed=10 * STRIDE)
        course.aim(leg.joints, None if leg.by_joints else leg.tool, 1, tip_speed=STRIDE)
        for _ in range(MOST):
            tip = kinematics.forward(course.next()).position
            if (tip < lower).any() or (tip > upper).any():
                return False
            if course.arrived:
                break
        else:
            return False
        before = leg
    return True
