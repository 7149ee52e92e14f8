"""The controller's report frames, from bytes to records of ours: SI units, six joints.

A frame begins with its own size. The first 87 bytes are the same in all streams; the "rich" one, five times a second,
goes on with errors and everything that is configured, the "real" one, a hundred times a second, stops there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from ibc_gym.errors import IbcGymError
from ibc_gym.records import Float64, Pose

from .units import MM, metres, pose_of

JOINTS: Final = 6
HEAD: Final = 87
"""Bytes that every frame has."""
RICH: Final = 315
"""Bytes of a rich frame that are read; whole ones have 587, those of older firmware fewer."""
LONGEST: Final = 4096
"""Bytes; no frame is longer."""


class BadFrame(IbcGymError, ValueError):
    """A report that makes no sense: the stream is out of step, or somebody else sends it."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Motion:
    """What every report says."""

    time: float
    """When it arrived, on this process's monotonic clock [s]."""
    state: int
    """0 and 1 in motion, 2 idle, 3 paused, 4 stopped, 5 reset by a change of mode or configuration."""
    mode: int
    joints: Float64
    """(6,) [rad]"""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Setup:
    """What a rich report says besides: errors, and what is configured."""

    time: float
    """When it arrived [s]."""
    error: int
    enabled: bool
    """Whether all six joints are enabled and their brakes released."""
    tool: Pose
    """World_T_tool, as the controller computes it."""
    tool_offset: Pose
    """Flange_T_tool."""
    world_offset: Pose
    """World_T_base."""
    payload: float
    """[kg]"""
    payload_centre: Float64
    """In the flange's frame, (3,) [m]."""
    gravity: Float64
    """Its direction in the base frame, (3,)."""
    collision_sensitivity: int
    joint_acceleration: float
    """Greatest [rad/s^2]."""
    joint_speed: float
    """Greatest [rad/s]."""
    tip_speed: float
    """Greatest [m/s]."""
    servos: tuple[int, ...]
    """Error of every joint's servo, 0 for none."""
    simulated: bool
    """Whether the controller plays an arm of its own instead of moving the real one."""


def motion_of(frame: bytes, time: float) -> Motion:
    """The head of any report.

    Raises:
        BadFrame: It is too short, or its joints are no numbers.
    """
    if len(frame) < HEAD:
        raise BadFrame(f"A report has {len(frame)} bytes instead of {HEAD} or more.")
    joints = np.array(struct.unpack_from("<6f", frame, 7), dtype=np.float64)
    if not np.isfinite(joints).all():
        raise BadFrame(f"A report gives the joints as {joints}.")
    return Motion(
        time=time,
        state=frame[4] & 0x0F,
        mode=frame[4] >> 4,
        joints=joints,
    )


def setup_of(frame: bytes, time: float) -> Setup:
    """All of a rich report.

    Raises:
        BadFrame: It is too short, or holds no numbers where there should be some.
    """
    if len(frame) < RICH:
        raise BadFrame(f"A rich report has {len(frame)} bytes instead of {RICH} or more.")

    def floats(offset: int, count: int) -> list[float]:
        values = list(struct.unpack_from(f"<{count}f", frame, offset))
        if not np.isfinite(values).all():
            raise BadFrame(f"A report holds {values} at byte {offset}.")
        return values

    load = floats(115, 4)
    every = (1 << JOINTS) - 1
    return Setup(
        time=time,
        enabled=frame[87] & frame[88] & every == every,
        error=frame[89],
        tool=pose_of(floats(35, 6)),
        tool_offset=pose_of(floats(91, 6)),
        world_offset=pose_of(floats(288, 6)),
        payload=load[0],
        payload_centre=metres(load[1:]),
        gravity=np.array(floats(133, 3)),
        collision_sensitivity=frame[131],
        tip_speed=floats(181, 5)[4] * MM,
        joint_acceleration=floats(201, 5)[2],
        joint_speed=floats(201, 5)[4],
        servos=tuple(frame[230 + 2 * joint] for joint in range(JOINTS)),
        simulated=bool(frame[314]),
    )


class Cutter:
    """Cuts a stream of bytes into frames, however it arrives."""

    def __init__(self) -> None:
        """Begin at the border of a frame, where a connection begins."""
        self._unread = b""
        self._size = 0

    def feed(self, heard: bytes) -> list[bytes]:
        """The frames that are whole by now.

        Raises:
            BadFrame: A size is impossible, or is another than that of the frames before.
        """
        self._unread += heard
        whole = []
        while len(self._unread) >= 4:
            size = int.from_bytes(self._unread[:4], "big")
            if not HEAD <= size <= LONGEST or (self._size and size != self._size):
                raise BadFrame(
                    f"A report says that it has {size} bytes; those before had {self._size or 'none'}."
                )
            if len(self._unread) < size:
                break
            self._size = size
            whole.append(self._unread[:size])
            self._unread = self._unread[size:]
        return whole
