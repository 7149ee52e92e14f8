"""Registers that move the arm. Whatever target comes in is noted, whether it is followed or not."""

from __future__ import annotations

from math import inf
from typing import Any, Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose

from . import frames
from .calls import Call, Refused, Row
from .core import Core
from .frames import MM, words
from .machine import (
    BAD_PARAMETER,
    JOINT_VELOCITY,
    ONLINE_JOINTS,
    ONLINE_TOOL,
    POSITION,
    SERVO,
    TOOL_VELOCITY,
)
from .model import SPEED, MotionError
from .motion import Arc, JointMove, Line, Path, Pause, Planned, ToolMove
from .streams import step_error

KEEP_SINCE: Final = (2, 4, 101)
"""Firmware that takes an infinite number for "as it is"."""
BASE, TOOL_FRAME = 0, 1
FASTEST_TOOL, FASTEST_JOINT = 1.0, np.pi
"""What no velocity may pass [m/s], [rad/s]."""


def _hear(core: Core, call: Call, name: str, **values: Any) -> dict[str, Any]:
    """Note a target before anything is done about it."""
    entry = {
        "register": call.request.register,
        "name": name,
        "time": core.time,
        "mode": core.machine.mode,
        "state": core.state_code,
        "accepted": False,
        **{key: _plain(value) for key, value in values.items()},
    }
    core.heard.append(entry)
    return entry


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _posed(numbers: Float64, *, axis_angle: bool = False) -> dict[str, Float64]:
    """Position [m] and quaternion of a pose that may hold anything."""
    pose = frames.read_pose(numbers, axis_angle=axis_angle)
    return {"position": pose.position, "quaternion": pose.quaternion}


def _ready(core: Core, *modes: int) -> bool:
    return core.machine.ready and core.machine.mode in modes


def _told(core: Core, check: int = 0) -> bytes:
    return words([core.mover.buffered]) + bytes([check])


def _limits(core: Core, speed: float, acceleration: float, *, of_joints: bool) -> tuple[float, float]:
    """Speed and acceleration of a planned motion, brought below what is configured; SI.

    Raises:
        Refused: They are not positive numbers.
    """
    if not (0 < speed < inf and 0 < acceleration < inf):
        raise Refused(BAD_PARAMETER)
    c, model = core.configuration, core.model
    if of_joints:
        return min(speed, model.joint_speed), min(acceleration, c.joint_acceleration)
    return min(speed, model.tcp_speed), min(acceleration, c.tcp_acceleration)


def _plan(core: Core, call: Call, entry: dict[str, Any], check: int, make: Any) -> bytes:
    """Plan a motion and put it into the buffer, or only say whether it could be planned."""
    if check:
        try:
            make()
        except MotionError as error:
            return _told(core, error.code)
        return _told(core)
    if not _ready(core, POSITION):
        return _told(core)
    motion: Planned = make()
    entry["accepted"] = core.plan(motion, call.ticket)
    return _told(core)


def _kept(core: Core, wanted: Float64, now: Float64) -> Float64:
    """The target with what it is to keep filled in.

    Raises:
        Refused: It holds what is no number, or an infinite one that this firmware does not know.
    """
    if core.identity.firmware >= KEEP_SINCE:
        wanted = np.where(wanted == inf, now, wanted)
    if not np.isfinite(wanted).all():
        raise Refused(BAD_PARAMETER)
    return wanted


def _joints(core: Core, call: Call) -> bytes:
    """Joints, planned; with a radius for blending (24), which is not emulated: the arm stops in between."""
    numbers = call.floats(10)
    speed, acceleration = numbers[7:9].tolist()
    entry = _hear(
        core, call, "joints", joints=numbers[:6], speed=speed, acceleration=acceleration
    )
    start = core.mover.end
    goal = _kept(core, numbers[:6], start)
    speed, acceleration = _limits(core, speed, acceleration, of_joints=True)
    return _to_joints(core, call, entry, goal, (speed, acceleration), call.byte(40, default=0))


def _to_joints(
    core: Core,
    call: Call,
    entry: dict[str, Any],
    goal: Float64,
    limits: tuple[float, float],
    check: int,
) -> bytes:
    def make() -> Planned:
        core.model.check_joints(goal)
        return JointMove(core.mover.end, goal, *limits)

    if _ready(core, ONLINE_JOINTS) and not check:
        core.model.check_joints(goal)
        core.model.check_fence(goal)
        core.mover.online_joints().take(goal, *limits)
        entry["accepted"] = True
        return _told(core)
    return _plan(core, call, entry, check, make)


def _home(core: Core, call: Call) -> bytes:
    """All joints to zero."""
    speed, acceleration = call.finite(3)[:2].tolist()
    goal = np.zeros(6)
    entry = _hear(core, call, "home", joints=goal, speed=speed, acceleration=acceleration)
    limits = _limits(core, speed, acceleration, of_joints=True)
    return _to_joints(core, call, entry, goal, limits, call.byte(12, default=0))


def _line(core: Core, call: Call) -> bytes:
    """A pose of the tool, by a straight line; long form, short form, in the tool's frame, with a rotation vector."""
    register = call.request.register
    numbers = call.floats(9)
    if register == 21 and call.size >= 43:
        frame, axis_angle, check = call.byte(40), bool(call.byte(41)), call.byte(42)
    elif register == 92:
        frame, axis_angle, check = call.byte(36), True, call.byte(38, default=0)
    else:
        frame = TOOL_FRAME if register == 28 else BASE
        axis_angle, check = False, call.byte(40 if register == 22 else 36, default=0)
    relative = register == 92 and bool(call.byte(37)) and frame == BASE
    limits = (numbers[6] / MM, numbers[7] / MM)
    entry = _hear(
        core,
        call,
        "tool",
        **_posed(numbers, axis_angle=axis_angle),
        frame="tool" if frame == TOOL_FRAME else "base",
        relative=relative,
        speed=limits[0],
        acceleration=limits[1],
    )
    goal = _goal(core, numbers[:6], frame, axis_angle=axis_angle, relative=relative)
    return _to_pose(core, call, entry, goal, limits, check)


def _start(core: Core) -> Pose:
    """Where the tool will be when all that is planned is over."""
    return core.model.tool(core.mover.end)


def _goal(
    core: Core, numbers: Float64, frame: int, *, axis_angle: bool, relative: bool = False
) -> Pose:
    start = _start(core)
    if frame == TOOL_FRAME:
        delta = frames.read_pose(_kept(core, numbers, np.zeros(6)), axis_angle=axis_angle)
        return geometry.compose(start, delta)
    if relative:
        delta = frames.read_pose(_kept(core, numbers, np.zeros(6)), axis_angle=axis_angle)
        turn = geometry.rotation(delta.quaternion) * geometry.rotation(start.quaternion)
        return Pose(
            position=start.position + delta.position, quaternion=geometry.quaternion(turn)
        )
    now = frames.pose_aa(start) if axis_angle else frames.pose(start)
    return frames.read_pose(_kept(core, numbers, np.array(now)), axis_angle=axis_angle)


def _to_pose(
    core: Core,
    call: Call,
    entry: dict[str, Any],
    goal: Pose,
    wanted: tuple[float, float],
    check: int,
) -> bytes:
    limits = _limits(core, *wanted, of_joints=False)
    if _ready(core, ONLINE_TOOL) and not check:
        core.model.check_fence(core.model.solve(goal, core.mover.joints))
        core.mover.online_tool().take(goal, *limits)
        entry["accepted"] = True
        return _told(core)
    return _plan(core, call, entry, check, lambda: _along(core, Line(_start(core), goal), limits))


def _along(core: Core, path: Path, limits: tuple[float, float]) -> Planned:
    return ToolMove(core.model, core.mover.end, path, *limits)


def _relative(core: Core, call: Call) -> bytes:
    """A way instead of a place, of the joints or of the tool."""
    numbers = call.floats(11)
    of_joints, axis_angle, check = bool(call.byte(44)), bool(call.byte(45)), call.byte(46, default=0)
    if of_joints:
        limits = (numbers[7], numbers[8])
        entry = _hear(
            core, call, "joints", joints=numbers[:6], relative=True, speed=limits[0], acceleration=limits[1]
        )
        goal = core.mover.end + _kept(core, numbers[:6], np.zeros(6))
        return _to_joints(core, call, entry, goal, _limits(core, *limits, of_joints=True), check)
    limits = (numbers[7] / MM, numbers[8] / MM)
    entry = _hear(
        core,
        call,
        "tool",
        **_posed(numbers, axis_angle=axis_angle),
        frame="base",
        relative=True,
        speed=limits[0],
        acceleration=limits[1],
    )
    if axis_angle:
        pose = _goal(core, numbers[:6], BASE, axis_angle=True, relative=True)
    else:
        way = _kept(core, numbers[:6], np.zeros(6))
        pose = frames.read_pose(np.array(frames.pose(_start(core))) + way)
    return _to_pose(core, call, entry, pose, limits, check)


def _circle(core: Core, call: Call) -> bytes:
    """Round the circle through the tool and two poses, by per cent of the circle."""
    numbers = call.finite(16)
    frame, axis_angle, check = BASE, False, call.byte(64, default=0)
    if call.size >= 67:
        frame, axis_angle, check = call.byte(64), bool(call.byte(65)), call.byte(66)
    limits = (numbers[12] / MM, numbers[13] / MM)
    entry = _hear(
        core,
        call,
        "circle",
        **_posed(numbers[6:12], axis_angle=axis_angle),
        through=numbers[:3] / MM,
        circles=float(numbers[15]) / 100,
        speed=limits[0],
        acceleration=limits[1],
    )
    through = _goal(core, numbers[:6], frame, axis_angle=axis_angle)
    end = _goal(core, numbers[6:12], frame, axis_angle=axis_angle)
    limits = _limits(core, *limits, of_joints=False)

    def make() -> Planned:
        return _along(core, Arc(_start(core), through, end, float(numbers[15]) / 100), limits)

    return _plan(core, call, entry, check, make)


def _sleep(core: Core, call: Call) -> bytes:
    """Wait before what is planned next."""
    duration = float(call.finite(1)[0])
    if _ready(core, POSITION) and duration > 0:
        core.plan(Pause(core.mover.end, duration), call.ticket)
    return _told(core)


def _servo_joints(core: Core, call: Call) -> bytes:
    """The next joints of a servo stream."""
    numbers = call.floats(10)
    entry = _hear(core, call, "servo_joints", joints=numbers[:6])
    if not np.isfinite(numbers[:6]).all():
        raise Refused(BAD_PARAMETER)
    if _ready(core, SERVO):
        code = step_error(core.identity.firmware, of_joints=True)
        core.mover.servo().take(numbers[:6], core.model, core.time, code)
        entry["accepted"] = True
    return _told(core)


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
    entry = _hear(
        core,
        call,
        "servo_tool",
        **_posed(numbers, axis_angle=axis_angle),
        frame="tool" if tool_frame else "base",
        relative=relative,
    )
    if not np.isfinite(numbers[:6]).all():
        raise Refused(BAD_PARAMETER)
    if _ready(core, SERVO):
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
        servo.take(joints, core.model, core.time, code)
        entry["accepted"] = True
    return _told(core)


def _joint_velocity(core: Core, call: Call) -> bytes:
    """Velocities of the joints, for a time or until something else is told."""
    velocities, duration = call.floats(7)[:6], _duration(call, 29)
    entry = _hear(core, call, "joint_velocities", velocities=velocities, duration=duration)
    if not np.isfinite(velocities).all():
        raise Refused(BAD_PARAMETER)
    if _ready(core, JOINT_VELOCITY):
        velocities = _slowed(velocities, FASTEST_JOINT, core.model.joint_speed, joints=True)
        core.mover.joint_velocity().take(velocities, duration)
        entry["accepted"] = True
    return _told(core)


def _tool_velocity(core: Core, call: Call) -> bytes:
    """A twist of the tool, for a time or until something else is told."""
    numbers, duration = call.floats(6), _duration(call, 25)
    in_tool = bool(call.byte(24))
    twist = np.concatenate([numbers[:3] / MM, numbers[3:]])
    entry = _hear(
        core,
        call,
        "tool_velocity",
        twist=twist,
        duration=duration,
        frame="tool" if in_tool else "base",
    )
    if not np.isfinite(twist).all():
        raise Refused(BAD_PARAMETER)
    if _ready(core, TOOL_VELOCITY):
        linear = _slowed(twist[:3], FASTEST_TOOL, core.model.tcp_speed, joints=False)
        twist = np.concatenate([linear, twist[3:]])
        core.mover.tool_velocity().take(twist, duration, in_tool=in_tool)
        entry["accepted"] = True
    return _told(core)


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


MOTION: Final[dict[int, Row]] = {
    21: Row(_line, 3),
    22: Row(_line, 3),
    23: Row(_joints, 3),
    24: Row(_joints, 3),
    25: Row(_home, 3),
    26: Row(_sleep, 3),
    27: Row(_circle, 3),
    28: Row(_line, 3),
    29: Row(_servo_joints, 3),
    30: Row(_servo_tool, 3),
    81: Row(_joint_velocity, 3),
    82: Row(_tool_velocity, 3),
    83: Row(_relative, 3, since=(1, 8, 100)),
    92: Row(_line, 3),
    93: Row(_servo_tool_aa, 3),
}
