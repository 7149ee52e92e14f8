"""Make gymnasium-robotics' joint helpers work with mujoco 3.12 and newer.

From 3.12 on, a NumPy integer is no longer found `in` a tuple of MuJoCo's enumeration members, and four helper
functions of gymnasium-robotics assert just that, so that many of its environments cannot be made. We put functions with
the same meaning in their place, and only where the fault shows.
"""

from __future__ import annotations

from typing import Any, Final

import mujoco
import numpy as np
from gymnasium_robotics.utils import mujoco_utils

from ibc_gym.records import Float64

_JOINT: Final[Any] = mujoco.mjtJoint

_WIDTHS: Final = {
    int(_JOINT.mjJNT_FREE): (7, 6),
    int(_JOINT.mjJNT_BALL): (4, 3),
    int(_JOINT.mjJNT_SLIDE): (1, 1),
    int(_JOINT.mjJNT_HINGE): (1, 1),
}
"""How many positions and velocities a joint of each type has."""


def is_needed() -> bool:
    """Whether the installed mujoco shows the fault."""
    return np.int32(int(_JOINT.mjJNT_HINGE)) not in (_JOINT.mjJNT_HINGE,)


def install() -> None:
    """Replace the four helpers, if need be; may be called again."""
    if is_needed():
        mujoco_utils.get_joint_qpos = get_joint_qpos
        mujoco_utils.get_joint_qvel = get_joint_qvel
        mujoco_utils.set_joint_qpos = set_joint_qpos
        mujoco_utils.set_joint_qvel = set_joint_qvel


def get_joint_qpos(model: Any, data: Any, name: str) -> Float64:
    """Position of a joint, (7,), (4,) or (1,) [m, rad]."""
    position: Float64 = data.qpos[_positions(model, name)].copy()
    return position


def get_joint_qvel(model: Any, data: Any, name: str) -> Float64:
    """Velocity of a joint, (6,), (3,) or (1,) [m/s, rad/s]."""
    velocity: Float64 = data.qvel[_velocities(model, name)].copy()
    return velocity


def set_joint_qpos(model: Any, data: Any, name: str, value: Any) -> None:
    """Set the position of a joint."""
    data.qpos[_positions(model, name)] = value


def set_joint_qvel(model: Any, data: Any, name: str, value: Any) -> None:
    """Set the velocity of a joint."""
    data.qvel[_velocities(model, name)] = value


def _positions(model: Any, name: str) -> slice:
    joint = model.joint(name).id
    first = int(model.jnt_qposadr[joint])
    return slice(first, first + _WIDTHS[int(model.jnt_type[joint])][0])


def _velocities(model: Any, name: str) -> slice:
    joint = model.joint(name).id
    first = int(model.jnt_dofadr[joint])
    return slice(first, first + _WIDTHS[int(model.jnt_type[joint])][1])
