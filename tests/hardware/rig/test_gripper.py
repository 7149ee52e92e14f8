"""The gripper on its line, and the inputs and outputs: registers that keep what is written and fingers that run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.hardware.rig import gripper as registers
from ibc_gym.hardware.rig.frames import words
from ibc_gym.hardware.rig.gripper import CLOSED, OPEN, Gripper
from ibc_gym.hardware.rig.tool_io import (
    BAUD,
    NEW_BAUD,
    OUTPUTS,
    OUTPUTS_SET,
    RESTART,
    ControlBox,
    ToolBoard,
)


def write(gripper: Gripper, address: int, *values: int) -> bytes | None:
    head = bytes([8, 0x10]) + words([address, len(values)]) + bytes([2 * len(values)])
    return gripper.answer(head + words(values))


def read(gripper: Gripper, address: int, count: int = 1) -> int:
    answer = gripper.answer(bytes([8, 3]) + words([address, count]))
    assert answer is not None and answer[:3] == bytes([8, 3, 2 * count])
    return int.from_bytes(answer[3:], "big", signed=count == 2)


@given(target=st.integers(-(1 << 31), (1 << 31) - 1), speed=st.integers(1, 5000))
def test_fingers_run_to_the_target_at_their_speed_as_far_as_they_go(
    target: int, speed: int
) -> None:
    gripper = Gripper()
    assert write(gripper, registers.ENABLE, 1) == bytes([8, 0x10]) + words([registers.ENABLE, 1])
    write(gripper, registers.SPEED, speed)
    write(gripper, registers.TARGET, (target >> 16) & 0xFFFF, target & 0xFFFF)
    goal = min(max(target, CLOSED), OPEN)
    assert read(gripper, registers.STATUS) == (goal != 0)
    for _ in range(int(abs(goal) / (0.1 * speed)) + 2):
        before = gripper.place
        gripper.advance(0.1)
        assert abs(gripper.place - before) <= 0.1 * speed + 1
    assert read(gripper, registers.PLACE, 2) == goal and read(gripper, registers.STATUS) == 0


def test_gripper_that_is_switched_off_stands() -> None:
    gripper = Gripper()
    write(gripper, registers.TARGET, 0, 500)
    gripper.advance(1.0)
    assert gripper.place == 0


def test_error_stays_until_it_is_cleared() -> None:
    gripper = Gripper()
    write(gripper, registers.ENABLE, 1)
    gripper.fail(9)
    assert read(gripper, registers.ERROR) == 9 and read(gripper, registers.ENABLE) == 0
    write(gripper, registers.CLEAR, 1)
    assert read(gripper, registers.ERROR) == 0


@given(frame=st.binary(max_size=40))
def test_any_frame_is_answered_or_meant_for_another(frame: bytes) -> None:
    answer = Gripper().answer(frame)
    assert (answer is None) == (len(frame) < 6 or frame[0] != 8)


def test_unknown_function_is_answered_with_an_exception() -> None:
    assert Gripper().answer(bytes([8, 0x2B, 0, 0, 0, 1])) == bytes([8, 0xAB, 1])


def test_outputs_of_the_tool_change_where_they_are_named() -> None:
    board = ToolBoard()
    board.write(OUTPUTS, 0x0303)
    board.write(OUTPUTS, 0x0100)
    assert board.read(OUTPUTS_SET) == 0x02


def test_baud_rate_changes_when_the_board_restarts() -> None:
    board = ToolBoard(baud=5)
    board.write(NEW_BAUD, 11)
    assert board.read(BAUD) == 5
    board.write(RESTART, 1)
    assert board.read(BAUD) == 11


def test_outputs_of_the_box_change_where_they_are_named() -> None:
    box = ControlBox()
    box.set_outputs(0x0300, 0x8000)
    assert box.outputs == 0xFFFF & ~0x8003
    box.set_outputs(0x0101, 0)
    assert box.outputs == 0xFFFF & ~0x8002
