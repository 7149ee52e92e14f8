"""A point goes to the set-point evenly and straight, and always arrives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.hardware.arm.config import ARM
from ibc_gym.hardware.arm.trajectory import Course
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import Float64, Pose

PERIOD, SPEED = 0.01, 2.0
KINEMATICS = Kinematics(ARM, 0.1524)
REST = np.array(ARM.rest)


def course(start: Float64) -> Course:
    return Course(KINEMATICS, start, period=PERIOD, speed=SPEED)


def down(x: float, y: float, z: float = 0.02) -> tuple[Float64, Pose]:
    pose = Pose(position=np.array([x, y, z]), quaternion=DOWN)
    solution = KINEMATICS.inverse(pose, REST)
    assert solution.error == 0.0
    return solution.joints, pose


def test_point_goes_evenly_along_the_straight_line_of_the_tool() -> None:
    start, before = down(0.35, -0.1)
    joints, pose = down(0.38, -0.07)
    way = course(start)
    way.aim(joints, pose, 20)
    for number in range(1, 21):
        place = KINEMATICS.forward(way.next()).position
        wanted = before.position + number / 20 * (pose.position - before.position)
        np.testing.assert_allclose(place, wanted, atol=1e-9)
    assert way.arrived
    assert np.array_equal(way.next(), joints)


def test_point_goes_evenly_along_the_straight_line_of_the_joints_if_they_are_the_target() -> None:
    start, _ = down(0.35, -0.1)
    way = course(start)
    way.aim(start + 0.05, None, 10)
    steps = np.array([way.next() for _ in range(10)])
    np.testing.assert_allclose(steps, start + 0.005 * np.arange(1, 11)[:, None], atol=1e-12)


place = st.tuples(st.floats(0.2, 0.5), st.floats(-0.3, 0.3), st.floats(0.01, 0.3))


@settings(max_examples=trials(15))
@given(place, place, st.integers(1, 40), st.floats(0.1, 1.0))
def test_point_is_never_faster_than_joints_and_tip_may_be_and_arrives(
    start: tuple[float, float, float],
    end: tuple[float, float, float],
    samples: int,
    tip_speed: float,
) -> None:
    here, _ = down(*start)
    joints, pose = down(*end)
    way = course(here)
    way.aim(joints, pose, samples, tip_speed=tip_speed)
    before = KINEMATICS.forward(here).position
    for _ in range(4000):
        if way.arrived:
            break
        point = way.next()
        after = KINEMATICS.forward(point).position
        assert np.abs(point - here).max() <= SPEED * PERIOD * (1 + 1e-9)
        assert np.linalg.norm(after - before) <= tip_speed * PERIOD * (1 + 1e-2)
        here, before = point, after
    assert way.arrived


@settings(max_examples=trials(15))
@given(place, st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6), st.floats(0.1, 1.0))
def test_tip_is_no_faster_where_the_joints_go_straight(
    start: tuple[float, float, float], turn: list[float], tip_speed: float
) -> None:
    here, _ = down(*start)
    way = course(here)
    way.aim(
        np.clip(here + np.array(turn), KINEMATICS.lower, KINEMATICS.upper),
        None,
        20,
        tip_speed=tip_speed,
    )
    before = KINEMATICS.forward(here).position
    for _ in range(4000):
        if way.arrived:
            break
        after = KINEMATICS.forward(way.next()).position
        assert np.linalg.norm(after - before) <= tip_speed * PERIOD * (1 + 5e-2)
        before = after
    assert way.arrived


def test_joints_turn_over_where_the_tool_is_there_but_they_are_not() -> None:
    joints, pose = down(0.35, 0.0, 0.2)
    turned = KINEMATICS.least_squares(
        pose, joints + np.array([0, 0, 0, np.pi, -2 * joints[4], np.pi])
    )
    here = turned.joints if turned.error < 1e-6 else joints + 2 * np.pi * np.eye(6)[5]
    way = course(here)
    way.aim(joints, pose, 20)
    for _ in range(1000):
        way.next()
    assert way.arrived


def test_samples_that_were_left_out_do_not_delay_the_arrival() -> None:
    start, _ = down(0.35, -0.1)
    joints, pose = down(0.36, -0.1)
    way = course(start)
    way.aim(joints, pose, 20)
    for _ in range(5):
        way.next()
    way.skip(10)
    for _ in range(5):
        assert not way.arrived
        way.next()
    assert way.arrived


def test_target_that_is_replaced_on_the_way_is_forgotten() -> None:
    start, _ = down(0.35, -0.1)
    way = course(start)
    way.aim(*down(0.5, 0.2), 20)
    for _ in range(5):
        way.next()
    way.stay()
    assert way.arrived
    assert np.array_equal(way.next(), way.next())
    assert way.tool is not None, "it stays on the tool's line"


@pytest.mark.parametrize("by", [0.1, -2.0], ids=["a little", "far"])
def test_wrist_in_line_that_the_tool_says_nothing_of_turns_all_the_same(by: float) -> None:
    start = REST.copy()
    start[3:] = 0.3, 0.0, 0.2  # joints 4 and 6 turn about one axis
    way = course(start)
    way.aim(start + by * np.array([0, 0, 0, 1, 0, -1]), KINEMATICS.forward(start), 20)
    for _ in range(400):
        way.next()
    assert way.arrived


def test_tool_that_only_turns_goes_by_its_own_line_to_the_end() -> None:
    start, pose = down(0.35, -0.1)
    turned = Pose(position=pose.position, quaternion=np.array([0.0, np.sin(0.2), np.cos(0.2), 0.0]))
    joints = KINEMATICS.inverse(turned, start).joints
    way = course(start)
    way.aim(joints, turned, 40)
    for _ in range(40):
        way.next()
        assert way.tool is not None
    assert way.arrived
