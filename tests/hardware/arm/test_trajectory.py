"""From set-points to a stream: never beyond a limit, never past a target, always there in the end."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.hardware.arm.config import ARM
from ibc_gym.hardware.arm.trajectory import Course, Follower, Guard
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import Float64, Pose

PERIOD, SPEED, ACCELERATION, JERK = 0.01, 2.0, 20.0, 2000.0
KINEMATICS = Kinematics(ARM, 0.1524)
REST = np.array(ARM.rest)

points = st.lists(
    st.tuples(
        st.lists(st.floats(-1.0, 1.0), min_size=3, max_size=3).map(np.array), st.integers(1, 30)
    ),
    min_size=1,
    max_size=6,
)
"""Where the point jumps to, and for how many samples it stays there."""
limits = st.tuples(st.floats(0.3, 3.0), st.floats(2.0, 50.0), st.floats(50.0, 5000.0))


def follower(start: Float64, speed: float, acceleration: float, jerk: float) -> Follower:
    return Follower(start, period=PERIOD, speed=speed, acceleration=acceleration, jerk=jerk)


def followed(moves: list[tuple[Float64, int]], given_limits: tuple[float, float, float]) -> Float64:
    """All samples, (N, 3), from rest at zero until the arm rests at the last point."""
    moving = follower(np.zeros(3), *given_limits)
    samples = [np.zeros(3)] * 4
    for point, times in moves:
        samples += [moving.push(point) for _ in range(times)]
    speed, acceleration, _ = given_limits
    longest = ceil((6.0 / speed + 4 * speed / acceleration) / PERIOD) + 400
    for _ in range(longest):
        if moving.resting:
            break
        samples.append(moving.push(moves[-1][0]))
    assert moving.resting, "it never comes to rest"
    return np.array(samples)


@settings(max_examples=trials(25))
@given(points, limits)
def test_no_sequence_of_points_takes_it_beyond_a_limit(
    moves: list[tuple[Float64, int]], given_limits: tuple[float, float, float]
) -> None:
    samples = followed(moves, given_limits)
    for order, limit in enumerate(given_limits, start=1):
        greatest = np.abs(np.diff(samples, n=order, axis=0)).max() / PERIOD**order
        assert greatest <= limit * (1 + 1e-6) + 1e-12 / PERIOD**order


@settings(max_examples=trials(25))
@given(points, limits)
def test_it_ends_exactly_at_the_last_point_and_at_rest(
    moves: list[tuple[Float64, int]], given_limits: tuple[float, float, float]
) -> None:
    samples = followed(moves, given_limits)
    np.testing.assert_allclose(samples[-1], moves[-1][0], rtol=0, atol=1e-9)


@settings(max_examples=trials(25))
@given(points, limits)
def test_no_joint_ever_passes_where_its_point_has_been(
    moves: list[tuple[Float64, int]], given_limits: tuple[float, float, float]
) -> None:
    samples = followed(moves, given_limits)
    seen = np.array([np.zeros(3), *(point for point, _ in moves)])
    assert (samples >= seen.min(axis=0) - 1e-9).all()
    assert (samples <= seen.max(axis=0) + 1e-9).all()


def test_an_arm_at_rest_is_sent_the_very_same_numbers() -> None:
    start = np.array([0.1, -2.345678901234567, 3.0])
    moving = follower(start, SPEED, ACCELERATION, JERK)
    for _ in range(50):
        assert np.array_equal(moving.push(start), start)


def test_it_lags_a_steady_point_by_its_way_to_brake_and_half_the_average() -> None:
    speed = 0.5
    moving = follower(np.zeros(1), SPEED, ACCELERATION, JERK)
    for number in range(1, 200):
        sample = moving.push(np.array([speed * PERIOD * number]))
    lag = (speed * PERIOD * 199 - sample[0]) / speed
    assert lag == pytest.approx(speed / (2 * ACCELERATION) + ACCELERATION / JERK, abs=PERIOD)


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
    way.stay(way.here)
    assert way.arrived
    assert np.array_equal(way.next(), way.next())


@given(place, st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_guard_keeps_the_tip_in_its_box_and_moves_it_no_more_than_needed(
    start: tuple[float, float, float], dx: float, dz: float
) -> None:
    _, pose = down(*start)
    lower, upper = pose.position - 0.005, pose.position + 0.005
    guard = Guard(KINEMATICS, lower, upper)
    outside, there = down(start[0] + dx, start[1], start[2] + dz)
    kept, moved = guard.keep(outside)
    place = KINEMATICS.forward(kept).position
    nearest = np.clip(there.position, lower, upper)
    np.testing.assert_allclose(place, nearest, atol=2e-6)
    assert moved == pytest.approx(float(np.linalg.norm(nearest - there.position)), abs=1e-8)


def test_guard_leaves_what_is_inside_alone() -> None:
    joints, pose = down(0.35, -0.1)
    guard = Guard(KINEMATICS, pose.position, pose.position)
    kept, moved = guard.keep(joints)
    assert kept is joints
    assert moved == 0.0


def test_guard_says_when_nothing_brings_the_tip_back() -> None:
    joints, _ = down(0.35, -0.1)
    guard = Guard(KINEMATICS, np.array([2.0, 0.0, 0.0]), np.array([2.1, 0.0, 0.0]))
    _, moved = guard.keep(joints)
    assert moved == np.inf
