"""What all registers that move the arm share: a target is noted before anything is done about it, and then judged."""

from __future__ import annotations

from math import inf
from typing import Any, Final

import numpy as np

from ibc_gym.records import Float64

from . import frames
from .calls import Call, Refused
from .core import Core
from .frames import words
from .machine import BAD_PARAMETER

KEEP_SINCE: Final = (2, 4, 101)
"""Firmware that takes an infinite number for "as it is"."""
SLOWEST: Final = 1e-4
"""Least speed and acceleration of a planned motion; SI."""


def hear(core: Core, call: Call, name: str, **values: Any) -> dict[str, Any]:
    """Note a target before anything is done about it."""
    entry = {
        **core.note(),
        "register": call.request.register,
        "name": name,
        "mode": core.machine.mode,
        "state": core.state_code,
        "accepted": False,
        **{key: _plain(value) for key, value in values.items()},
    }
    core.heard.append(entry)
    return entry


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def posed(numbers: Float64, *, axis_angle: bool = False) -> dict[str, Float64]:
    """Position [m] and quaternion of a pose that may hold anything."""
    pose = frames.read_pose(numbers, axis_angle=axis_angle)
    return {"position": pose.position, "quaternion": pose.quaternion}


def is_ready(core: Core, *modes: int) -> bool:
    """Whether the arm may move, in one of these modes."""
    return core.machine.ready and core.machine.mode in modes


def told(core: Core, check: int = 0) -> bytes:
    """The body of a reply: how many commands wait, and what a check found."""
    return words([core.mover.buffered]) + bytes([check])


def limited(
    core: Core, speed: float, acceleration: float, *, of_joints: bool
) -> tuple[float, float]:
    """Speed and acceleration of a planned motion, brought below what is configured; SI.

    Raises:
        Refused: They are not positive numbers.
    """
    if not (0 < speed < inf and 0 < acceleration < inf):
        raise Refused(BAD_PARAMETER)
    c, model = core.configuration, core.model
    speed, acceleration = max(speed, SLOWEST), max(acceleration, SLOWEST)
    if of_joints:
        return min(speed, model.joint_speed), min(acceleration, c.joint_acceleration)
    return min(speed, model.tcp_speed), min(acceleration, c.tcp_acceleration)


def kept(core: Core, wanted: Float64, now: Float64) -> Float64:
    """The target with what it is to keep filled in.

    Raises:
        Refused: It holds what is no number, or an infinite one that this firmware does not know.
    """
    if core.identity.firmware >= KEEP_SINCE:
        wanted = np.where(wanted == inf, now, wanted)
    if not np.isfinite(wanted).all():
        raise Refused(BAD_PARAMETER)
    return wanted
