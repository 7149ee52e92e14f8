"""Registers of what hangs on the arm: the RS-485 line with the gripper, the tool's board, the control box, notices."""

from __future__ import annotations

from typing import Final

from .calls import Call, Refused, Row
from .core import Core
from .frames import read_floats, words
from .machine import BAD_PARAMETER
from .mover import Ticket

TOOL_HOST, BOX_HOST = 9, 11
"""Which of the two lines is meant."""
NO_ANSWER: Final = 19
"""Error: nobody answers on the tool's line."""
SERVO_ERROR: Final = 0x0016
"""Where a servo keeps its error."""
SIX_NUMBERS: Final = (6, 12, 14)
"""Common parameters that are six numbers; others are one."""


def _line(core: Core, call: Call) -> bytes:
    """Pass a frame on to the gripper."""
    host, frame = call.byte(), call.request.parameters[1:]
    answer = core.gripper.answer(frame) if host == TOOL_HOST else None
    if answer is None:
        if host == TOOL_HOST:
            core.fail(NO_ANSWER)
        raise Refused
    return bytes([host]) + answer


def _read(core: Core, call: Call) -> bytes:
    address = int.from_bytes(call.request.parameters[1:3], "big")
    return core.tool_board.read(address).to_bytes(4, "big", signed=True)


def _write(core: Core, call: Call) -> None:
    address = int.from_bytes(call.request.parameters[1:3], "big")
    value = float(read_floats(call.request.parameters, 1, 3)[0])
    if value != value or abs(value) >= 1 << 31:
        raise Refused(BAD_PARAMETER)
    core.tool_board.write(address, int(value))


def _servo_read(core: Core, call: Call) -> bytes:
    """A register of a joint's servo: only its error is kept."""
    joint, address = call.byte(), int.from_bytes(call.request.parameters[1:3], "big")
    if not 1 <= joint <= 8:
        raise Refused(BAD_PARAMETER)
    code = core.servo_codes[joint - 1] if joint < 8 and address == SERVO_ERROR else 0
    return code.to_bytes(4, "big")


def _servo_states(core: Core, call: Call) -> bytes:
    """Status and code of seven servos and of the tool's board."""
    return b"".join(bytes([3 if code else 0, code]) for code in [*core.servo_codes, 0])


def _box_outputs(core: Core, call: Call) -> None:
    data = call.request.parameters
    first = int.from_bytes(data[:2], "big")
    second = int.from_bytes(data[2:4], "big") if call.size >= 4 else 0
    core.box.set_outputs(first, second)


def _box_analogue(number: int) -> Row:
    def handler(core: Core, call: Call) -> None:
        core.box.analogue_out[number] = int.from_bytes(call.request.parameters[:2], "big")

    return Row(handler)


def _box_functions(inputs: bool) -> Row:
    def handler(core: Core, call: Call) -> None:
        functions = core.box.input_functions if inputs else core.box.output_functions
        if call.byte() >= len(functions):
            raise Refused(BAD_PARAMETER)
        functions[call.byte()] = call.byte(1)

    return Row(handler)


def _box_state(core: Core, call: Call) -> bytes:
    box = core.box
    first = bytes(box.input_functions[:8]) + bytes(box.output_functions[:8])
    second = bytes(box.input_functions[8:]) + bytes(box.output_functions[8:])
    return bytes(2) + words(box.words()) + first + second


def _set_common(core: Core, call: Call) -> None:
    """Keep a parameter of a kind; nothing of what it sets is emulated."""
    core.parameters[call.byte()] = call.request.parameters[1:]


def _common(core: Core, call: Call) -> bytes:
    kind = call.byte()
    return core.parameters.get(kind, bytes(24 if kind in SIX_NUMBERS else 4))


def _when_empty(core: Core, call: Call) -> None:
    request = call.request
    core.mover.when_empty(Ticket(call.client, request.transaction, request.protocol))


TOOL: Final[dict[int, Row]] = {
    101: Row(lambda core, call: None),
    102: Row(_servo_read, 4),
    103: Row(lambda core, call: None),
    104: Row(_servo_read, 4),
    106: Row(_servo_states, 16),
    107: Row(_servo_read, 4),
    123: Row(lambda core, call: None),
    124: Row(_line, 7),
    125: Row(lambda core, call: bytes(2), 2),
    127: Row(_write),
    128: Row(_read, 4),
    129: Row(_write),
    130: Row(_read, 4),
    131: Row(lambda core, call: words([core.box.inputs]), 2),
    132: Row(lambda core, call: words([core.box.analogue_in[0]]), 2),
    133: Row(lambda core, call: words([core.box.analogue_in[1]]), 2),
    134: Row(_box_outputs),
    135: _box_analogue(0),
    136: _box_analogue(1),
    137: _box_functions(True),
    138: _box_functions(False),
    139: Row(_box_state, 50),
    150: Row(lambda core, call: bytes(24), 24),
    200: Row(lambda core, call: bytes(24), 24),
    203: Row(lambda core, call: bytes(1), 1),
    212: Row(lambda core, call: bytes(280), 280),
    232: Row(_set_common),
    233: Row(_common, 24),
    234: Row(lambda core, call: bytes(32), 32),
    240: Row(lambda core, call: None),
    241: Row(_line, 7),
    253: Row(_when_empty, since=(2, 0, 102)),
    254: Row(lambda core, call: None, since=(2, 0, 102)),
}
"""150 to 212 speak of a force sensor, which is not there and feels nothing. 254 is the connection's own affair: it remembers there what its client wants to be told."""
