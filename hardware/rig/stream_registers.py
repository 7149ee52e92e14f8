"""Registers of streams: servo targets of joints and of the tool, and velocities of both."""

from __future__ import annotations

from math import inf
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose

from . import frames
from .calls import Call, Refused, Row
from .core import Core
from .frames import MM
from .machine import BAD_PARAMETER, JOINT_VELOCITY, SERVO, TOOL_VELOCITY
from .model import SPEED, MotionError
from .streams import step_error
from .targets import hear, is_ready, posed, told

FASTEST_TOOL, FASTEST_JOINT = 1.0, np.pi
"""What no velocity may pass [m/s], [rad/s]."""


def _servo_joints(core: Core, call: Call) -> bytes:
    """The next joints of a servo stream."""
    numbers = call.floats(10)
    entry = hear(core, call, "servo_joints", joints=numbers[:6])
    if not np.isfinite(numbers[:6]).all():
        raise Refused(BAD_PARAMETER)
    if is_ready(core, SERVO):
        code = step_error(core.identity.firmware, of_joints=True)
        core.mover.servo().take(numbers[:6], core.model, core.now, code)
        entry["accepted"] = True
    return told(core)


def _servo_tool(core: Core, call: Call) -> bytes:
    """The next pose of a servo stream; the flag of the tool's frame comes where others have their time."""
    numbers = call.floats(9)
    return _servo_pose(core, call, numbers, tool_frame=bool(numbers[8]))


def _servo_tool_aa(core: Core, call: Call) -> bytes:
    """The same with a rotation vector."""
    numbers = call.floats(8)
    in_tool = bool(frames.read_integers(call.request.parameters, 1, 32)[0])
    return _servo_pose(
        core, call, numbers, tool_frame=in_tool, axis_angle=True, relative=bool(call.byte(36))
    )


def _servo_pose(
    core: Core,
    call: Call,
    numbers: Float64,
    *,
    tool_frame: bool,
    axis_angle: bool = False,
    relative: bool = False,
) -> bytes:
    entry = hear(
        core,
        call,
        "servo_tool",
        **posed(numbers, axis_angle=axis_angle),
        frame="tool" if tool_frame else "base",
        relative=relative,
    )
    if not np.isfinite(numbers[:6]).all():
        raise Refused(BAD_PARAMETER)
    if is_ready(core, SERVO):
        servo = core.mover.servo()
        pose = frames.read_pose(numbers, axis_angle=axis_angle)
        here = core.model.tool(servo.target)
        if tool_frame:
            pose = geometry.compose(here, pose)
        elif relative:
            turn = geometry.rotation(pose.quaternion) * geometry.rotation(here.quaternion)
            pose = Pose(
                position=here.position + pose.position, quaternion=geometry.quaternion(turn)
            )
        joints = core.model.solve(pose, servo.target)
        code = step_error(core.identity.firmware, of_joints=False)
        servo.take(joints, core.model, core.now, code)
        entry["accepted"] = True
    return told(core)


def _joint_velocity(core: Core, call: Call) -> bytes:
    """Velocities of the joints, for a time or until something else is told."""
    velocities, duration = call.floats(7)[:6], _duration(call, 29)
    entry = hear(core, call, "joint_velocities", velocities=velocities, duration=duration)
    if not np.isfinite(velocities).all():
        raise Refused(BAD_PARAMETER)
    if is_ready(core, JOINT_VELOCITY):
        velocities = _slowed(velocities, FASTEST_JOINT, core.model.joint_speed, joints=True)
        core.mover.joint_velocity().take(velocities, duration)
        entry["accepted"] = True
    return told(core)


def _tool_velocity(core: Core, call: Call) -> bytes:
    """A twist of the tool, for a time or until something else is told."""
    numbers, duration = call.floats(6), _duration(call, 25)
    in_tool = bool(call.byte(24))
    twist = np.concatenate([numbers[:3] / MM, numbers[3:]])
    entry = hear(
        core,
        call,
        "tool_velocity",
        twist=twist,
        duration=duration,
        frame="tool" if in_tool else "base",
    )
    if not np.isfinite(twist).all():
        raise Refused(BAD_PARAMETER)
    if is_ready(core, TOOL_VELOCITY):
        linear = _slowed(twist[:3], FASTEST_TOOL, core.model.tcp_speed, joints=False)
        twist = np.concatenate([linear, twist[3:]])
        core.mover.tool_velocity().take(twist, duration, in_tool=in_tool)
        entry["accepted"] = True
    return told(core)


def _duration(call: Call, offset: int) -> float | None:
    """Time that a velocity lasts [s]; None for ever. What is no number lasts for ever, too: it is no time."""
    if call.size < offset + 4:
        return None
    duration = float(call.floats(1, offset)[0])
    return duration if 0 < duration < inf else None


def _slowed(velocity: Float64, most: float, allowed: float, *, joints: bool) -> Float64:
    """Velocity brought below what is configured.

    Raises:
        MotionError: 24, it is more than the arm can do at all.
    """
    speed = float(np.abs(velocity).max() if joints else np.linalg.norm(velocity))
    if speed > most * 1.001:
        raise MotionError(SPEED)
    return velocity if speed <= allowed else velocity * (allowed / speed)


STREAMS: Final[dict[int, Row]] = {
    29: Row(_servo_joints, 3),
    30: Row(_servo_tool, 3),
    81: Row(_joint_velocity, 3),
    82: Row(_tool_velocity, 3),
    93: Row(_servo_tool_aa, 3),
}
