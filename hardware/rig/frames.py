"""The vendor's frames, byte by byte: the one place that knows its headers, its byte orders and its millimetres.

A request and its reply share a header of three big-endian words (transaction, protocol, bytes that follow) and a register;
floating-point numbers are little-endian, in mm, rad, kg and s. What leaves this file is SI.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose

HEADER: Final = struct.Struct(">HHH")
"""Transaction, protocol, bytes that follow."""
KEEP_ALIVE: Final = 1
"""Protocol of a client's sign of life, which is not answered."""
PROTOCOLS: Final = (2, 3)
"""Private protocols: without and with a watch on silence."""
LONGEST: Final = 1024
"""Bytes that a frame may announce; who announces more does not speak this protocol."""

INVALID: Final = 0x08
"""Status bit: the result means nothing, or the call failed."""
NOT_READY: Final = 0x10
"""Status bit: the arm is stopped or not enabled."""
WARNING: Final = 0x20
"""Status bit: a warning is pending."""
ERROR: Final = 0x40
"""Status bit: an error is pending."""

NOTICE: Final = 0xFF
"""Register of what the controller sends unasked."""
FINISHED, TRIGGERED = 2, 4
"""Kinds of notices, as bits: a motion is over, a setting is in force."""
SUCCESS, FAILURE, DISCARDED = 0, 1, 2
"""How it ended."""

MM: Final = 1000.0
"""Millimetres in a metre."""
AXES: Final = 7
"""Joints that the protocol has room for; the last of an xArm6 is always 0."""


class FrameError(ValueError):
    """Bytes that are no frame of this protocol."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command of a client."""

    transaction: int
    protocol: int
    register: int
    parameters: bytes = b""


def encode_request(request: Request) -> bytes:
    """The bytes of a request."""
    length = 1 + len(request.parameters)
    header = HEADER.pack(request.transaction, request.protocol, length)
    return header + bytes([request.register]) + request.parameters


def decode_requests(heard: bytes) -> tuple[list[Request], bytes]:
    """The whole requests in a stream of bytes, and what is left of it; signs of life are dropped.

    Raises:
        FrameError: The stream is not of this protocol: it must be hung up on, for its frames cannot be found again.
    """
    found = []
    while len(heard) >= HEADER.size:
        transaction, protocol, length = HEADER.unpack_from(heard)
        if not 1 <= length <= LONGEST or protocol not in (*PROTOCOLS, KEEP_ALIVE):
            raise FrameError(f"protocol {protocol} with {length} bytes to follow")
        end = HEADER.size + length
        if len(heard) < end:
            break
        if protocol != KEEP_ALIVE:
            body = heard[HEADER.size : end]
            found.append(Request(transaction, protocol, body[0], body[1:]))
        heard = heard[end:]
    return found, heard


def encode_reply(request: Request, status: int, body: bytes = b"") -> bytes:
    """The answer to a request: its header, its register, the status byte, the rest."""
    header = HEADER.pack(request.transaction, request.protocol, 2 + len(body))
    return header + bytes([request.register, status]) + body


def decode_reply(frame: bytes) -> tuple[int, int, bytes]:
    """Transaction, status and body of a whole reply."""
    if len(frame) < HEADER.size + 2:
        raise FrameError(f"{len(frame)} bytes are no reply")
    transaction, _, length = HEADER.unpack_from(frame)
    if len(frame) != HEADER.size + length:
        raise FrameError(f"{len(frame)} bytes where {HEADER.size + length} were announced")
    return transaction, frame[7], frame[8:]


def encode_notice(transaction: int, protocol: int, kind: int, result: int) -> bytes:
    """What the controller says of the command of a transaction, unasked."""
    body = bytes([NOTICE, 0, kind, 0, 0, 0, result])
    return HEADER.pack(transaction, protocol, len(body)) + body


def floats(numbers: Sequence[float] | Float64) -> bytes:
    """32-bit floating-point numbers; what does not fit becomes infinite, as in the vendor's firmware."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(numbers, dtype="<f4").tobytes()


def read_floats(data: bytes, count: int, offset: int = 0) -> Float64:
    """`count` floating-point numbers, (count,).

    Raises:
        FrameError: There are not so many.
    """
    if len(data) < offset + 4 * count:
        raise FrameError(f"{len(data)} bytes where {offset + 4 * count} are needed")
    with np.errstate(invalid="ignore"):  # a signalling NaN is one like all others
        return np.frombuffer(data, dtype="<f4", count=count, offset=offset).astype(np.float64)


def words(numbers: Sequence[int]) -> bytes:
    """Big-endian 16-bit words; negative ones as two's complement."""
    return b"".join((number & 0xFFFF).to_bytes(2, "big") for number in numbers)


def read_integers(data: bytes, count: int, offset: int = 0) -> list[int]:
    """`count` little-endian 32-bit integers."""
    if len(data) < offset + 4 * count:
        raise FrameError(f"{len(data)} bytes where {offset + 4 * count} are needed")
    return list(struct.unpack_from(f"<{count}i", data, offset))


def box(edges: Float64) -> bytes:
    """Six edges [m] as words of whole millimetres, as far as they fit."""
    return words([round(min(max(edge * MM, -32768.0), 32767.0)) for edge in edges.tolist()])


def text(*parts: str, size: int) -> bytes:
    """Texts that end with a zero each, filled up to a size; longer ones are longer."""
    return b"".join(part.encode("ascii") + b"\0" for part in parts).ljust(size, b"\0")


def joints(angles: Float64) -> list[float]:
    """Joints (6,) with the seventh that the protocol has room for."""
    return [*angles.tolist(), *[0.0] * (AXES - len(angles))]


def pose(base_T_tool: Float64) -> list[float]:
    """X y z [mm], roll pitch yaw [rad] about fixed axes, of a transform (4, 4)."""
    return [*(base_T_tool[:3, 3] * MM).tolist(), *_angles(base_T_tool)]


def pose_aa(base_T_tool: Float64) -> list[float]:
    """X y z [mm] and the rotation as axis times angle [rad], of a transform (4, 4)."""
    turn = Rotation.from_matrix(base_T_tool[:3, :3])
    return [*(base_T_tool[:3, 3] * MM).tolist(), *turn.as_rotvec().tolist()]


def six(numbers: Float64) -> list[float]:
    """X y z [m] and three angles [rad], as on the wire."""
    return [*(numbers[:3] * MM).tolist(), *numbers[3:].tolist()]


def read_pose(numbers: Float64, *, axis_angle: bool = False) -> Pose:
    """The pose of x y z [mm] and three angles [rad]; what is not finite stays so."""
    position, angles = numbers[:3] / MM, numbers[3:6]
    if not np.isfinite(angles).all():
        return Pose(position=position, quaternion=np.full(4, math.nan))
    return Pose(position=position, quaternion=geometry.quaternion(turn_of(angles, axis_angle)))


def turn_of(angles: Float64, axis_angle: bool) -> Rotation:
    """The rotation of roll pitch yaw about fixed axes, or of axis times angle [rad]."""
    return Rotation.from_rotvec(angles) if axis_angle else Rotation.from_euler("xyz", angles)


def _angles(base_T_tool: Float64) -> list[float]:
    """Roll pitch yaw; written out, because SciPy warns where pitch is +-90 degrees."""
    matrix = base_T_tool.tolist()
    across = math.hypot(matrix[0][0], matrix[1][0])
    pitch = math.atan2(-matrix[2][0], across)
    if across < 1e-9:  # roll and yaw turn about one axis: all of it is called roll
        return [math.atan2(-matrix[1][2], matrix[1][1]), pitch, 0.0]
    roll = math.atan2(matrix[2][1], matrix[2][2])
    return [roll, pitch, math.atan2(matrix[1][0], matrix[0][0])]
