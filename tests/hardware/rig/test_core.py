"""The controller without sockets: whatever bytes come, the answer is whole and the arm keeps its limits."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.hardware.rig import frames
from ibc_gym.hardware.rig.calls import Call
from ibc_gym.hardware.rig.configuration import Identity
from ibc_gym.hardware.rig.core import Core
from ibc_gym.hardware.rig.frames import Request, floats
from ibc_gym.hardware.rig.kinematic_arm import KinematicArm
from ibc_gym.hardware.rig.registers import TABLE, answer
from ibc_gym.hardware.rig.stream_registers import STREAMS
from ibc_gym.records import Float64, Target

BENT = np.array([0.0, -0.5, -0.35, 0.0, 0.85, 0.0])
PERIOD = 0.01


def ask(
    core: Core, register: int, parameters: bytes = b"", *, wants: bool = False, transaction: int = 1
) -> tuple[int, bytes]:
    return answer(core, Call(Request(transaction, 3, register, parameters), 7, 2 if wants else 0))


def made(mode: int = 0, firmware: tuple[int, int, int] = (2, 6, 107)) -> Core:
    """A controller that is ready, its arm bent."""
    robot = KinematicArm(control_period=PERIOD)
    robot.reset(Target(joints=BENT))
    core = Core(robot, Identity(firmware=firmware))
    for register, parameters in ((11, b"\x08\x01"), (19, bytes([mode])), (12, b"\0")):
        assert ask(core, register, parameters)[0] & (frames.INVALID | frames.ERROR) == 0
    assert core.machine.ready
    return core


def run(core: Core, periods: int) -> None:
    for _ in range(periods):
        core.advance()


def joints7(joints: Float64, *more: float) -> bytes:
    return floats([*joints, 0.0, *more])


numbers = st.floats(width=32) | st.floats(-3.25, 3.25, width=32) | st.floats(-700, 700, width=32)
packets = st.lists(numbers, max_size=16).flatmap(
    lambda values: st.binary(max_size=5).map(lambda tail: floats(values) + tail)
)
wild = st.tuples(st.integers(0, 255), packets | st.binary(max_size=80))


def _near(place: list[float], by: list[float], *more: float) -> st.SearchStrategy[bytes]:
    """Numbers near a place, and those that follow them."""
    parts = [st.floats(-step, step) for step in by]
    return st.tuples(*parts).map(
        lambda way: floats([*(a + b for a, b in zip(place, way, strict=True)), *more])
    )


JOINTS, TOOL = [*BENT, 0.0], [292.0, 0.0, 282.0, math.pi, 0.0, 0.0]
steps = st.sampled_from([0.002, 0.02, 0.5, 4.0])
sensible = steps.flatmap(
    lambda size: st.one_of(
        st.tuples(st.just(29), _near(JOINTS, [size] * 7, 0.0, 0.0, 0.0)),
        st.tuples(st.just(23), _near(JOINTS, [size] * 7, 3.0, 20.0, 0.0)),
        st.tuples(st.just(30), _near(TOOL, [300 * size] * 3 + [size] * 3, 0.0, 0.0, 0.0)),
        st.tuples(
            st.just(21),
            _near(TOOL, [300 * size] * 3 + [size] * 3, 900.0, 9e3, 0.0, -1.0).map(
                lambda data: data + bytes(3)
            ),
        ),
        st.tuples(st.just(81), _near([0.0] * 7, [size] * 7).map(lambda data: data + b"\1")),
        st.tuples(
            st.just(82),
            _near([0.0] * 6, [500 * size] * 3 + [size] * 3).map(lambda data: data + b"\0"),
        ),
        st.just((12, b"\3")),
        st.just((12, b"\4")),
        st.just((12, b"\0")),
    )
)
commands = sensible | sensible | sensible | wild


@pytest.mark.parametrize("mode", [0, 1, 4, 5, 6, 7])
@settings(max_examples=trials(15))
@given(sequence=st.lists(commands, max_size=12))
def test_no_bytes_take_the_arm_out_of_its_limits(
    mode: int, sequence: list[tuple[int, bytes]]
) -> None:
    core = made(mode)
    lower, upper = core.identity.ranges()
    before = core.mover.joints
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for register, parameters in sequence:
            _, body = ask(core, register, parameters)
            assert isinstance(body, bytes)
            for _ in range(5):
                core.advance()
                now = core.mover.joints
                assert np.isfinite(now).all()
                assert (now >= lower - 1e-3).all() and (now <= upper + 1e-3).all()
                assert np.abs(now - before).max() <= math.pi * PERIOD * 1.03
                before = now


@given(sequence=st.lists(st.tuples(st.sampled_from(sorted(STREAMS)), packets), max_size=8))
def test_whatever_target_comes_in_is_heard(sequence: list[tuple[int, bytes]]) -> None:
    core = made(1)
    for register, parameters in sequence:
        status, _ = ask(core, register, parameters)
        if len(parameters) >= 45:
            entry = core.heard[-1]
            assert entry["register"] == register
            if entry["accepted"]:
                assert not status & (frames.INVALID | frames.ERROR)


@pytest.mark.parametrize("register", sorted(TABLE))
def test_answer_without_parameters_has_its_full_length_even_if_it_is_refused(register: int) -> None:
    status, body = ask(made(), register)
    row = TABLE[register]
    if status & frames.INVALID:
        assert body == bytes(row.size)
    else:
        assert len(body) >= row.size


def test_unknown_register_is_warned_of() -> None:
    core = made()
    status, body = ask(core, 252)
    assert status & frames.INVALID and body == b""
    assert core.machine.warning == 13


@pytest.mark.parametrize(
    "register, parameters, since",
    [(83, bytes(46), (1, 8, 100)), (67, b"", (2, 0, 0)), (253, b"", (2, 0, 102))],
)
def test_older_firmware_knows_fewer_commands(
    register: int, parameters: bytes, since: tuple[int, int, int]
) -> None:
    old = (since[0], since[1], since[2] - 1) if since[2] else (since[0] - 1, 9, 0)
    assert ask(made(firmware=old), register, parameters)[0] & frames.INVALID
    assert made(firmware=since).machine.warning == 0
    new = made(firmware=since)
    ask(new, register, parameters)
    assert new.machine.warning != 13


def test_older_firmware_has_no_online_modes() -> None:
    core = made(firmware=(1, 9, 0))
    assert ask(core, 19, b"\x06")[0] & frames.INVALID
    assert core.machine.mode == 0


@pytest.mark.parametrize(
    "firmware, taken", [((2, 4, 100), False), ((2, 4, 101), True)], ids=["old", "new"]
)
def test_infinite_number_means_keep_only_for_newer_firmware(
    firmware: tuple[int, int, int], taken: bool
) -> None:
    core = made(firmware=firmware)
    goal = [0.1, *[math.inf] * 6]
    status, _ = ask(core, 23, floats([*goal, 1.0, 10.0, 0.0]))
    assert bool(status & frames.INVALID) is not taken
    run(core, 100)
    assert core.mover.joints == pytest.approx([0.1, *BENT[1:]] if taken else BENT)


@pytest.mark.parametrize("firmware, code", [((1, 12, 0), 24), ((2, 6, 107), 60)])
def test_fast_joint_stream_has_another_code_in_newer_firmware(
    firmware: tuple[int, int, int], code: int
) -> None:
    core = made(1, firmware)
    far = BENT + [0.1, 0, 0, 0, 0, 0]  # noqa: RUF005 - it is an array
    assert ask(core, 29, joints7(far, 0, 0, 0))[0] & frames.ERROR
    assert core.machine.error == code


def test_finished_motion_is_told_to_who_asked() -> None:
    core = made()
    goal = joints7(np.array([0.05, *BENT[1:]]), 1.0, 10.0, 0.0)
    ask(core, 23, goal, wants=True, transaction=11)
    ask(core, 23, joints7(BENT, 1.0, 10.0, 0.0), transaction=12)
    ask(core, 253, transaction=13)
    run(core, 200)
    told = [(ticket.transaction, ticket.client, result) for ticket, result in core.notices]
    assert told == [(11, 7, frames.SUCCESS), (13, 7, frames.SUCCESS)]


@pytest.mark.parametrize("stop, results", [(True, [2, 2]), (False, [1, 2])], ids=["stop", "error"])
def test_motion_that_never_ends_is_told_of_too(stop: bool, results: list[int]) -> None:
    core = made()
    for transaction in (1, 2):
        goal = joints7(np.array([0.5 * transaction, *BENT[1:]]), 1.0, 10.0, 0.0)
        ask(core, 23, goal, wants=True, transaction=transaction)
    run(core, 5)
    if stop:
        ask(core, 12, b"\x04")
    else:
        core.fail(24)
    assert [result for _, result in core.notices] == results


def test_load_that_is_in_force_is_told_to_who_asked_for_such_notices() -> None:
    core = made()
    load = Request(5, 3, 36, floats([0.5, 0, 0, 0]))
    answer(core, Call(load, 7, frames.FINISHED))
    assert core.notices == []
    answer(core, Call(load, 7, frames.TRIGGERED))
    [(ticket, result)] = core.notices
    assert (ticket.transaction, ticket.kind, result) == (5, frames.TRIGGERED, frames.SUCCESS)


def test_buffer_that_is_full_is_warned_of() -> None:
    core = made()
    for _ in range(512):
        ask(core, 26, floats([1.0]))
    assert core.mover.buffered == 512 and core.machine.warning == 0
    ask(core, 26, floats([1.0]))
    assert core.mover.buffered == 512 and core.machine.warning == 11


def test_stopped_arm_brakes_within_its_deceleration() -> None:
    core = made(4)
    ask(core, 81, floats([1.0, 0, 0, 0, 0, 0, 0]) + b"\x01")
    run(core, 30)
    assert core.mover.velocities[0] == pytest.approx(1.0)
    ask(core, 12, b"\x04")
    speeds = []
    while core.mover.moving:
        core.advance()
        speeds.append(core.mover.velocities[0])
    assert len(speeds) == 5 and sorted(speeds, reverse=True) == speeds and speeds[-1] == 0.0


@pytest.mark.parametrize("stopped_at", [None, 0.02], ids=["on its own", "told shortly before"])
def test_fast_joint_does_not_cross_its_limit(stopped_at: float | None) -> None:
    core = made(4)
    ask(core, 81, floats([0, 0, 3.0, 0, 0, 0, 0]) + b"\1")
    _, upper = core.identity.ranges()
    for _ in range(200):
        if stopped_at is not None and upper[2] - core.mover.joints[2] < stopped_at:
            ask(core, 12, b"\4")
        core.advance()
        assert core.mover.joints[2] <= upper[2] + 1e-3
    assert not core.mover.moving
    assert upper[2] - core.mover.joints[2] < 0.04
    assert core.machine.error == (23 if stopped_at is None else 0)


def test_tool_does_not_cross_the_fence_however_fast_it_is() -> None:
    core = made(5)
    ask(core, 52, np.array([1000, -1000, 100, -100, 1000, -1000], dtype="<i4").tobytes())
    ask(core, 59, b"\1")
    for register, parameters in ((19, b"\5"), (12, b"\0")):
        ask(core, register, parameters)
    ask(core, 82, floats([0, 900.0, 0, 0, 0, 0]) + b"\0")
    for _ in range(200):
        core.advance()
        assert core.tool[1, 3] <= 0.1 + 1e-6
    assert core.machine.error == 35 and core.tool[1, 3] > 0.08


def test_arm_that_was_moved_by_hand_starts_where_it_is() -> None:
    core = made(1)
    ask(core, 12, b"\x04")
    moved = BENT + np.array([0.3, 0, 0, 0, 0, 0])
    assert isinstance(core.robot, KinematicArm)
    core.robot.reset(Target(joints=moved))
    core._state = None
    ask(core, 12, b"\0")
    assert core.mover.joints == pytest.approx(moved)
    run(core, 3)
    assert core.state.joints == pytest.approx(moved)


def test_restart_forgets_all_but_what_was_saved_and_the_button_that_is_held() -> None:
    core = made()
    ask(core, 36, floats([0.7, 0, 0, 0]))
    ask(core, 40)
    ask(core, 37, b"\x05")
    core.fail(1, held=True)
    ask(core, 10, b"\x02")
    assert core.configuration.load_mass == pytest.approx(0.7)
    assert core.configuration.collision_sensitivity == 3
    assert (core.machine.error, core.machine.held, core.machine.mode) == (1, 1, 0)


def test_narrow_serial_has_narrow_ranges() -> None:
    wide, narrow = Identity(), Identity(serial="XI130500A01B02")
    assert (
        narrow.ranges()[0][1] > wide.ranges()[0][1] and narrow.ranges()[1][2] < wide.ranges()[1][2]
    )


@pytest.mark.parametrize("lost, too_fast", [(0.0, True), (0.2, False)])
def test_stream_is_no_faster_than_it_was_sent_where_the_arm_moves_too_seldom(
    lost: float, too_fast: bool
) -> None:
    core = made(mode=1)
    for number in range(1, 31):  # three targets in every period of motion that there was time for
        ask(core, 29, joints7(BENT + number * np.array([0.02, 0, 0, 0, 0, 0]), 0, 0, 0))
        if number % 3 == 0:
            core.advance()
            core.lost += lost / 10
    assert (core.machine.error in (24, 60)) == too_fast
