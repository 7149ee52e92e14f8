"""What a target is: whether it is one at all, whether two are the same, and the one by which a robot stands where it is."""

from __future__ import annotations

from math import isfinite
from typing import Final

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import RobotState, Target

from .limits import angle_between

ARRIVED: Final = 1e-3
"""From its target is a tip that has arrived [m]: standing there moves it less than that."""
TURNED: Final = 5e-3
"""And so far from it a tool or a joint that has turned there [rad]."""


def standing(state: RobotState) -> Target:
    """Where a robot is measured; what it is told already, once it is there.

    A robot that holds a weight rests a little off its target: told each time to be where it is, it would sink.
    """
    told, tool = state.target, state.tool
    if told.joints is not None:
        near = bool(np.abs(told.joints - state.joints).max() <= TURNED)
        return told if near else Target(joints=state.joints.copy())
    if told.tool is None or tool is None:
        return told  # nobody knows better
    apart = float(np.linalg.norm(told.tool.position - tool.position))
    turned = angle_between(told.tool.quaternion, tool.quaternion)
    return told if apart <= ARRIVED and turned <= TURNED else Target(tool=tool)


def same(one: Target, other: Target) -> bool:
    """Whether two targets are the same numbers."""
    if one.tool is not None and other.tool is not None:
        places = np.array_equal(one.tool.position, other.tool.position)
        return places and np.array_equal(one.tool.quaternion, other.tool.quaternion)
    if one.joints is not None and other.joints is not None:
        return np.array_equal(one.joints, other.joints)
    return False


def check(target: Target) -> None:
    """Refuse what is no target for any robot."""
    tool, joints = target.tool, target.joints
    if (joints is None) == (tool is None):
        raise SpecMismatch(
            "A target names either joints or a tool pose, not both; nothing was sent."
        )
    if tool is not None:
        turn = tool.quaternion.ravel().tolist()
        numbers = [*tool.position.ravel().tolist(), *turn]
        sound = tool.position.shape == (3,) and tool.quaternion.shape == (4,) and any(turn)
    else:
        assert joints is not None
        numbers = joints.tolist()
        sound = joints.ndim == 1
    if not (sound and all(map(isfinite, numbers))):
        raise SpecMismatch(
            f"The target {numbers} is not joints (J,) or a tool's place (3,) and quaternion (4,), all of them finite; "
            "nothing was sent."
        )
