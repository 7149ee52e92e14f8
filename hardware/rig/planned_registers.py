"""Registers of planned motion, and of targets that replace each other: joints, lines, circles, home."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose

from . import frames
from .calls import Call, Row
from .core import Core
from .frames import MM
from .machine import ONLINE_JOINTS, ONLINE_TOOL, POSITION
from .model import MotionError
from .motion import Arc, JointMove, Line, Path, Pause, Planned, ToolMove
from .targets import hear, is_ready, kept, limited, posed, told

BASE, TOOL_FRAME = 0, 1
"""In whose axes a pose is given."""


def _plan(
    core: Core, call: Call, entry: dict[str, Any], check: int, make: Callable[[], Planned]
) -> bytes:
    """Plan a motion and put it into the buffer, or only say whether it could be planned."""
    if check:
        try:
            make()
        except MotionError as error:
            return told(core, error.code)
        return told(core)
    if not is_ready(core, POSITION):
        return told(core)
    entry["accepted"] = core.plan(make(), call.ticket())
    return told(core)


def _joints(core: Core, call: Call) -> bytes:
    """Joints, planned; with a radius for blending (24), which is not emulated: the arm stops in between."""
    numbers = call.floats(10)
    speed, acceleration = numbers[7:9].tolist()
    entry = hear(core, call, "joints", joints=numbers[:6], speed=speed, acceleration=acceleration)
    start = core.mover.end
    goal = kept(core, numbers[:6], start)
    speed, acceleration = limited(core, speed, acceleration, of_joints=True)
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

    if is_ready(core, ONLINE_JOINTS) and not check:
        core.model.check_joints(goal)
        core.model.check_fence(goal)
        core.mover.online_joints().take(goal, *limits)
        entry["accepted"] = True
        return told(core)
    return _plan(core, call, entry, check, make)


def _home(core: Core, call: Call) -> bytes:
    """All joints to zero."""
    speed, acceleration = call.finite(3)[:2].tolist()
    goal = np.zeros(6)
    entry = hear(core, call, "home", joints=goal, speed=speed, acceleration=acceleration)
    limits = limited(core, speed, acceleration, of_joints=True)
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
    entry = hear(
        core,
        call,
        "tool",
        **posed(numbers, axis_angle=axis_angle),
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
        delta = frames.read_pose(kept(core, numbers, np.zeros(6)), axis_angle=axis_angle)
        return geometry.compose(start, delta)
    if relative:
        delta = frames.read_pose(kept(core, numbers, np.zeros(6)), axis_angle=axis_angle)
        turn = geometry.rotation(delta.quaternion) * geometry.rotation(start.quaternion)
        return Pose(position=start.position + delta.position, quaternion=geometry.quaternion(turn))
    here = core.model.matrix(core.mover.end)
    now = frames.pose_aa(here) if axis_angle else frames.pose(here)
    return frames.read_pose(kept(core, numbers, np.array(now)), axis_angle=axis_angle)


def _to_pose(
    core: Core,
    call: Call,
    entry: dict[str, Any],
    goal: Pose,
    wanted: tuple[float, float],
    check: int,
) -> bytes:
    limits = limited(core, *wanted, of_joints=False)
    if is_ready(core, ONLINE_TOOL) and not check:
        core.model.check_fence(core.model.solve(goal, core.mover.joints))
        core.mover.online_tool().take(goal, *limits)
        entry["accepted"] = True
        return told(core)
    return _plan(core, call, entry, check, lambda: _along(core, Line(_start(core), goal), limits))


def _along(core: Core, path: Path, limits: tuple[float, float]) -> Planned:
    return ToolMove(core.model, core.mover.end, path, *limits)


def _relative(core: Core, call: Call) -> bytes:
    """A way instead of a place, of the joints or of the tool."""
    numbers = call.floats(11)
    of_joints, axis_angle, check = (
        bool(call.byte(44)),
        bool(call.byte(45)),
        call.byte(46, default=0),
    )
    if of_joints:
        limits = (numbers[7], numbers[8])
        entry = hear(
            core,
            call,
            "joints",
            joints=numbers[:6],
            relative=True,
            speed=limits[0],
            acceleration=limits[1],
        )
        goal = core.mover.end + kept(core, numbers[:6], np.zeros(6))
        return _to_joints(core, call, entry, goal, limited(core, *limits, of_joints=True), check)
    limits = (numbers[7] / MM, numbers[8] / MM)
    entry = hear(
        core,
        call,
        "tool",
        **posed(numbers, axis_angle=axis_angle),
        frame="base",
        relative=True,
        speed=limits[0],
        acceleration=limits[1],
    )
    if axis_angle:
        pose = _goal(core, numbers[:6], BASE, axis_angle=True, relative=True)
    else:
        way = kept(core, numbers[:6], np.zeros(6))
        pose = frames.read_pose(np.array(frames.pose(core.model.matrix(core.mover.end))) + way)
    return _to_pose(core, call, entry, pose, limits, check)


def _circle(core: Core, call: Call) -> bytes:
    """Round the circle through the tool and two poses, by per cent of the circle."""
    numbers = call.finite(16)
    frame, axis_angle, check = BASE, False, call.byte(64, default=0)
    if call.size >= 67:
        frame, axis_angle, check = call.byte(64), bool(call.byte(65)), call.byte(66)
    limits = (numbers[12] / MM, numbers[13] / MM)
    entry = hear(
        core,
        call,
        "circle",
        **posed(numbers[6:12], axis_angle=axis_angle),
        through=numbers[:3] / MM,
        circles=float(numbers[15]) / 100,
        speed=limits[0],
        acceleration=limits[1],
    )
    through = _goal(core, numbers[:6], frame, axis_angle=axis_angle)
    end = _goal(core, numbers[6:12], frame, axis_angle=axis_angle)
    limits = limited(core, *limits, of_joints=False)

    def make() -> Planned:
        return _along(core, Arc(_start(core), through, end, float(numbers[15]) / 100), limits)

    return _plan(core, call, entry, check, make)


def _sleep(core: Core, call: Call) -> bytes:
    """Wait before what is planned next."""
    duration = float(call.finite(1)[0])
    if is_ready(core, POSITION) and duration > 0:
        core.plan(Pause(core.mover.end, duration), call.ticket())
    return told(core)


PLANNED: Final[dict[int, Row]] = {
    21: Row(_line, 3),
    22: Row(_line, 3),
    23: Row(_joints, 3),
    24: Row(_joints, 3),
    25: Row(_home, 3),
    26: Row(_sleep, 3),
    27: Row(_circle, 3),
    28: Row(_line, 3),
    83: Row(_relative, 3, since=(1, 8, 100)),
    92: Row(_line, 3),
}
