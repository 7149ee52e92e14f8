"""The three streams in which the controller says how it is, ten or a hundred times as often as anybody asks."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from . import frames
from .core import Core
from .frames import AXES, MM, floats, words

NORMAL, RICH, REAL = 30001, 30002, 30003
RATES: Final = {NORMAL: 5.0, RICH: 5.0, REAL: 100.0}
"""Frames per second, by port [1/s]."""


def report(core: Core, port: int) -> bytes:
    """The frame of a stream, as things are now."""
    body = _head(core)
    if port == REAL:
        body += bytes(2 * 24)  # the force sensor, which is not there
    else:
        body += _settings(core)
    if port == RICH:
        body += _limits(core) + _servos(core) + _motion(core) + _collision(core) + _rest(core)
    return struct.pack(">I", len(body) + 4) + body


def _head(core: Core) -> bytes:
    state = core.state_code | core.machine.mode << 4
    pose = floats(frames.pose(core.tool))
    angles = floats(frames.joints(core.state.joints))
    return bytes([state]) + words([core.mover.buffered]) + angles + pose + bytes(4 * AXES)


def _settings(core: Core) -> bytes:
    c, machine = core.configuration, core.machine
    bits = sum(1 << index for index, on in enumerate(machine.enabled) if on)
    if all(machine.enabled):
        bits = 0x7F
    offset = floats(frames.six(c.tcp_offset))
    load = floats([c.load_mass, *(c.load_centre * MM)])
    return (
        bytes([bits, bits, machine.error, machine.warning])
        + offset
        + load
        + bytes([c.collision_sensitivity, c.teach_sensitivity])
        + floats(c.gravity)
    )


def _limits(core: Core) -> bytes:
    c = core.configuration
    kind = bytes([core.identity.kind, 6, 2, 1, 1, 1])
    version = frames.text(f"v{'.'.join(map(str, core.identity.firmware))}", size=30)
    tool = [c.tcp_jerk * MM, 1.0, c.tcp_acceleration * MM, 0.1, 1000.0]
    joint = [c.joint_jerk, 0.01, c.joint_acceleration, 0.0001, 4.0]
    return kind + version + floats([*tool, *joint, 20.0, 10.0])


def _servos(core: Core) -> bytes:
    codes = [*core.servo_codes, 0]
    return b"".join(bytes([3 if code else 0, code]) for code in codes) + bytes([35] * 6 + [0])


def _motion(core: Core) -> bytes:
    speeds = floats([core.tool_speed * MM, *frames.joints(core.state.joint_velocities)])
    offset = floats(frames.six(core.configuration.world_offset))
    return speeds + struct.pack(">I", core.counter & 0xFFFFFFFF) + offset


def _collision(core: Core) -> bytes:
    c = core.configuration
    switches = bytes([0, 0, c.simulated, c.self_collision_on, c.tool_model])
    voltages = words([4800] * 6 + [0])  # of the joints' supply, in hundredths of a volt
    box = core.box
    functions = b"".join(
        bytes(half)
        for half in (
            box.input_functions[:8],
            box.output_functions[:8],
            box.input_functions[8:],
            box.output_functions[8:],
        )
    )
    return (
        switches
        + floats(c.tool_sizes * MM)
        + voltages
        + bytes(4 * AXES)
        + bytes(2)
        + words(box.words())
        + functions
    )


def _rest(core: Core) -> bytes:
    c = core.configuration
    forces = bytes(2 * 24 + 1)
    turn = floats(frames.pose_aa(core.tool)[3:])
    flags = (
        c.reduced_on
        | c.fence_on << 1
        | c.report_currents << 2
        | c.approximate << 3
        | c.continuous << 4
    )
    box = frames.box(c.box)
    speeds = floats([c.reduced_tcp_speed * MM, c.reduced_joint_speed])
    ranges = floats(np.asarray(c.reduced_ranges).ravel())
    switches = bytes([c.fence_on, c.rebound_on])
    return (
        forces + turn + bytes([flags, c.reduced_on]) + box + speeds + ranges + switches + bytes(13)
    )
