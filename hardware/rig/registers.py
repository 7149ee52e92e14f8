"""The table of registers: what the controller does when it is asked, one row for each command of the vendor's client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64

from . import frames
from .calls import Call, Handler, Refused, Row
from .core import Core
from .frames import MM, FrameError, floats, words
from .machine import BAD_PARAMETER, BRAKE, STOP, UNKNOWN_COMMAND
from .model import MotionError
from .planned_registers import PLANNED
from .settings import SETTINGS
from .stream_registers import STREAMS
from .tool_registers import TOOL


def answer(core: Core, call: Call, *, rejecting: bool = False) -> tuple[int, bytes]:
    """Do what a request asks for, and say how that went: status byte and body of the reply.

    While it is `rejecting`, nothing is done that would move the arm, and the reply says so.
    """
    row = TABLE.get(call.request.register)
    if row is None or core.identity.firmware < row.since:
        core.machine.warn(UNKNOWN_COMMAND)
        return core.status | frames.INVALID, b""
    if rejecting and call.request.register in MOVING:
        return core.status | frames.INVALID, bytes(row.size)
    ready = core.machine.ready
    try:
        body = row.handler(core, call) or b""
    except Refused as refusal:
        if refusal.warning:
            core.machine.warn(refusal.warning)
    except FrameError:
        core.machine.warn(BAD_PARAMETER)
    except MotionError as error:
        core.fail(error.code)
        return core.status, bytes(row.size)
    else:
        # Whoever sets something is told how it stood before: the client takes some settings for commands to move.
        stood = ready and call.request.register in SETTINGS
        return core.status & ~(frames.NOT_READY if stood else 0), body
    return core.status | frames.INVALID, bytes(row.size)


def _version(core: Core, call: Call) -> bytes:
    return frames.text(core.identity.version, size=40)


def _serials(core: Core, call: Call) -> bytes:
    return frames.text(core.identity.serial, core.identity.box_serial, size=40)


def _system(core: Core, call: Call) -> None:
    if call.byte() not in (1, 2):
        raise Refused(BAD_PARAMETER)
    core.start()  # switched off and on, or only restarted: without a person it comes back either way


def _enable(core: Core, call: Call) -> None:
    joint, on = call.byte(), call.byte(1)
    if not 1 <= joint <= 8:
        raise Refused(BAD_PARAMETER)
    if not core.machine.enable(joint, bool(on)):
        raise Refused


def _brake(core: Core, call: Call) -> None:
    core.machine.enable(call.byte(), not call.byte(1))


def _set_state(core: Core, call: Call) -> None:
    if call.byte() in (STOP, BRAKE):
        core.stops.append(core.note())
    if not core.set_state(call.byte()):
        raise Refused


def _set_mode(core: Core, call: Call) -> None:
    mode = call.byte()
    online = mode in (6, 7) and core.identity.firmware < (1, 10, 0)
    if online or not core.machine.set_mode(mode):
        raise Refused(BAD_PARAMETER)


def _clean_error(core: Core, call: Call) -> None:
    core.clean_error()


def _clean_warning(core: Core, call: Call) -> None:
    core.machine.clean_warning()


def _errors(core: Core, call: Call) -> bytes:
    return bytes([core.machine.error, core.machine.warning])


def _joints(core: Core, call: Call) -> bytes:
    state, kinds = core.state, call.byte(default=0) & 0x0F
    zeros = np.zeros(6)
    rows = [state.joints, state.joint_velocities, zeros][: max(kinds, 1)]
    return b"".join(floats(frames.joints(row)) for row in rows)


def _inverse(core: Core, call: Call) -> bytes:
    pose = frames.read_pose(call.finite(6))
    near = core.state.joints
    if call.size >= 25 + 28:
        near = call.finite(7, 25)[:6]
    try:
        joints = core.model.solve(pose, near, limited=bool(call.byte(24, default=1)))
    except MotionError:
        raise Refused from None
    return floats(frames.joints(joints))


def _forward(core: Core, call: Call) -> bytes:
    return floats(frames.pose(core.model.matrix(call.finite(7)[:6])))


def _joint_limit(core: Core, call: Call) -> bytes:
    return bytes([_beyond(lambda: core.model.check_joints(call.finite(7)[:6]))])


def _tool_limit(core: Core, call: Call) -> bytes:
    pose = frames.read_pose(call.finite(6))
    return bytes([_beyond(lambda: core.model.solve(pose, core.state.joints))])


def _beyond(check: Callable[[], object]) -> bool:
    try:
        check()
    except MotionError:
        return True
    return False


def _reduced(core: Core, call: Call) -> bytes:
    c = core.configuration
    speeds = floats([c.reduced_tcp_speed * MM, c.reduced_joint_speed])
    switches = bytes([c.fence_on, c.rebound_on])
    return (
        bytes([c.reduced_on])
        + frames.box(c.box)
        + speeds
        + floats(c.reduced_ranges.ravel())
        + switches
    )


def _dh(core: Core, call: Call) -> bytes:
    return floats((core.configuration.dh * DH_UNITS).ravel())


def _set_dh(core: Core, call: Call) -> bytes:
    core.configuration.dh = call.finite(28).reshape(7, 4) / DH_UNITS
    core.configure()
    return b"\0"


def _offset(core: Core, call: Call) -> bytes:
    """The pose of the second tool pose in the first."""
    first = frames.read_pose(call.finite(6), axis_angle=bool(call.byte(48, default=0)))
    second = frames.read_pose(call.finite(6, 24), axis_angle=bool(call.byte(48, default=0)))
    way = np.linalg.inv(geometry.matrix(first)) @ geometry.matrix(second)
    return floats(frames.pose_aa(way) if call.byte(49, default=0) else frames.pose(way))


def _count(change: int) -> Handler:
    def handler(core: Core, call: Call) -> None:
        core.counter = core.counter + 1 if change else 0

    return handler


def _accept(core: Core, call: Call) -> None:
    """Nothing of what it sets is emulated."""


def _zeros(size: int) -> Row:
    def handler(core: Core, call: Call) -> bytes:
        return bytes(size)

    return Row(handler, size)


DH_UNITS: Final[Float64] = np.array([1.0, MM, 1.0, MM])
"""Of angle, d, alpha and a on the wire."""

MOVING: Final = frozenset((*PLANNED, *STREAMS))
"""Registers that move the arm."""

TABLE: Final[dict[int, Row]] = {
    1: Row(_version, 40),
    2: Row(_serials, 40),
    3: _zeros(1),
    4: Row(_accept),
    5: Row(lambda core, call: bytes([core.configuration.report_currents]), 1),
    7: Row(lambda core, call: bytes([core.configuration.approximate]), 1),
    10: Row(_system),
    11: Row(_enable),
    12: Row(_set_state),
    13: Row(lambda core, call: bytes([core.state_code]), 1),
    14: Row(lambda core, call: words([core.mover.buffered]), 2),
    15: Row(_errors, 2),
    16: Row(_clean_error),
    17: Row(_clean_warning),
    18: Row(_brake),
    19: Row(_set_mode),
    41: Row(lambda core, call: floats(frames.pose(core.tool)), 24),
    42: Row(_joints, 28),
    43: Row(_inverse, 28),
    44: Row(_forward, 24),
    45: Row(_joint_limit, 1),
    46: Row(_tool_limit, 1),
    49: Row(lambda core, call: bytes([core.configuration.reduced_on]), 1),
    53: Row(_reduced, 79),
    55: _zeros(28),
    56: Row(_accept),
    57: _zeros(1),
    65: _zeros(1),
    67: Row(_dh, 112, since=(2, 0, 0)),
    68: Row(_set_dh, 1, since=(2, 0, 0)),
    69: Row(lambda core, call: bytes([core.mover.moving]), 1),
    71: Row(_accept),
    72: Row(_accept),
    74: Row(_count(0)),
    75: Row(_count(1)),
    76: Row(_offset, 24),
    91: Row(lambda core, call: floats(frames.pose_aa(core.tool)), 24),
    140: _zeros(6),
    141: Row(lambda core, call: bytes([1, 1]), 2),
    **PLANNED,
    **STREAMS,
    **SETTINGS,
    **TOOL,
}
