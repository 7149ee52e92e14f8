"""Planned motion and streams: they arrive, on their way, within their limits."""

from __future__ import annotations

from math import inf, pi

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym import geometry
from ibc_gym.hardware.rig.configuration import Configuration, Identity
from ibc_gym.hardware.rig.frames import turn_of
from ibc_gym.hardware.rig.model import Model, MotionError
from ibc_gym.hardware.rig.motion import Arc, JointMove, Line, Profile, ToolMove
from ibc_gym.hardware.rig.streams import (
    Brake,
    JointVelocity,
    OnlineJoints,
    OnlineTool,
    Servo,
    ToolVelocity,
)
from ibc_gym.records import Float64, Pose

PERIOD = 0.01
BENT = np.array([0.0, -0.5, -0.35, 0.0, 0.85, 0.0])
positive = st.floats(1e-3, 10.0)
joints = st.tuples(*[st.floats(-0.6, 0.6)] * 6).map(lambda way: BENT + np.array(way))


def model_of(**settings: object) -> Model:
    configuration = Configuration()
    for name, value in settings.items():
        setattr(configuration, name, value)
    return Model(configuration, Identity().ranges())


@given(length=st.floats(0, 5), speed=positive, acceleration=positive)
@example(length=5e-324, speed=1.0, acceleration=2.0)
def test_profile_rises_from_0_to_1_within_its_speed_and_acceleration(
    length: float, speed: float, acceleration: float
) -> None:
    profile = Profile(length, speed, acceleration)
    times = np.linspace(0, profile.duration, 400)
    way = length * np.array([profile.part(time) for time in times])
    assert profile.part(profile.duration) == 1.0 and profile.part(inf) == 1.0
    if length < 1e-6:
        return
    assert way[0] == 0.0 and way[-1] == length
    step = times[1]
    speeds = np.diff(way) / step
    assert speeds.min() >= -1e-9 * speed and speeds.max() <= speed * (1 + 1e-6)
    assert np.abs(np.diff(speeds)).max() <= acceleration * step * (1 + 1e-6) + 1e-9 * speed


@given(start=joints, goal=joints, speed=st.floats(0.1, 3.0), acceleration=st.floats(1.0, 20.0))
def test_joints_arrive_along_a_straight_line(
    start: Float64, goal: Float64, speed: float, acceleration: float
) -> None:
    move = JointMove(start, goal, speed, acceleration)
    now, places = start, [start]
    while not move.over:
        now = move.advance(now, PERIOD)
        places.append(now)
    assert now == pytest.approx(goal)
    way = goal - start
    if np.abs(way).max() > 1e-6:
        parts = (np.array(places) - start) @ way / (way @ way)
        assert np.array(places) == pytest.approx(start + parts[:, None] * way, abs=1e-9)
        assert np.abs(np.diff(places, axis=0)).max() <= speed * PERIOD * (1 + 1e-9)


def test_pause_brings_a_motion_to_a_stand_and_it_arrives_afterwards() -> None:
    goal = BENT + np.array([1.0, 0, 0, 0, 0, 0])
    move, now = JointMove(BENT, goal, 1.0, 5.0), BENT
    for _ in range(30):
        now = move.advance(now, PERIOD)
    move.paused = True
    for _ in range(30):
        before, now = now, move.advance(now, PERIOD)
    assert move.waiting and (now == before).all() and 0 < now[0] < 1
    move.paused = False
    while not move.over:
        now = move.advance(now, PERIOD)
    assert now == pytest.approx(goal)


@settings(max_examples=trials(15))
@given(
    way=st.tuples(*[st.floats(-0.05, 0.05)] * 3),
    turn=st.tuples(*[st.floats(-0.4, 0.4)] * 3),
)
def test_line_is_straight_and_turns_evenly(way: tuple[float, ...], turn: tuple[float, ...]) -> None:
    model = model_of(tcp_offset=np.array([0, 0, 0.1, 0, 0, 0]))
    start = model.tool(BENT)
    goal = _led(start, way, turn)
    move, now = ToolMove(model, BENT, Line(start, goal), 0.3, 2.0), BENT
    whole = float(np.linalg.norm(turn))
    while not move.over:
        now = move.advance(now, PERIOD)
        pose = model.tool(now)
        part = _part(pose.position - start.position, np.array(way))
        assert pose.position == pytest.approx(start.position + part * np.array(way), abs=1e-5)
        turned = _angle(start, pose)
        if whole > 1e-3 and np.linalg.norm(way) > 1e-3:
            assert turned / whole == pytest.approx(part, abs=2e-2)
    assert now == pytest.approx(move.goal, abs=1e-4)
    assert model.tool(now).position == pytest.approx(goal.position, abs=1e-5)


def test_line_is_refused_whose_end_takes_a_joint_out_of_its_range() -> None:
    model = model_of(tcp_offset=np.array([0, 0, 0.1, 0, 0, 0]))
    start = model.tool(BENT)
    ToolMove(model, BENT, Line(start, _led(start, (-0.05, 0, 0), (0, 0.5, 0))), 0.3, 2.0)
    beyond = _led(start, (-0.0547, 0, 0), (0, 0.5, 0))  # the third joint ends at 0.19 rad
    with pytest.raises(MotionError):
        ToolMove(model, BENT, Line(start, beyond), 0.3, 2.0)


def _led(start: Pose, way: tuple[float, ...], turn: tuple[float, ...]) -> Pose:
    """The pose that is so far away [m] and turned about its own axes by a rotation vector [rad]."""
    delta = Pose(
        position=np.zeros(3), quaternion=geometry.quaternion(turn_of(np.array(turn), True))
    )
    return Pose(
        position=start.position + np.array(way),
        quaternion=geometry.compose(start, delta).quaternion,
    )


def _part(moved: Float64, way: Float64) -> float:
    return float(moved @ way / max(float(way @ way), 1e-12))


def _angle(first: Pose, second: Pose) -> float:
    inner = abs(float(first.quaternion @ second.quaternion))
    return 2 * float(np.arccos(min(inner, 1.0)))


def test_arc_goes_through_its_points() -> None:
    start = Pose(position=np.array([0.3, 0.0, 0.2]))
    side = Pose(position=np.array([0.32, 0.02, 0.2]))
    end = Pose(position=np.array([0.3, 0.04, 0.2]))
    arc = Arc(start, side, end, 1.0)
    assert arc.length == pytest.approx(2 * pi * 0.02)
    for part, place in ((0.0, start), (0.25, side), (0.5, end), (1.0, start)):
        assert arc.at(part).position == pytest.approx(place.position)


def test_arc_through_points_on_a_line_is_error_25() -> None:
    first, second, third = (
        Pose(position=np.array([0.3 + 0.01 * step, 0.0, 0.2])) for step in range(3)
    )
    with pytest.raises(MotionError) as error:
        Arc(first, second, third, 0.5)
    assert error.value.code == 25


@given(target=joints)
def test_servo_runs_at_the_full_speed_of_the_joints_and_holds(target: Float64) -> None:
    servo = Servo(BENT)
    servo.target, now = target, BENT
    periods = int(np.abs(target - BENT).max() / (pi * PERIOD)) + 1
    for _ in range(periods):
        before, now = now, servo.advance(now, PERIOD)
        assert np.abs(now - before).max() <= pi * PERIOD * (1 + 1e-9)
    assert (now == target).all() and (servo.advance(now, PERIOD) == target).all()


def test_servo_measures_the_speed_over_a_time_and_not_between_two_commands() -> None:
    model, servo = model_of(), Servo(BENT)
    step = np.array([0.01, 0, 0, 0, 0, 0])  # 3 mm
    for number in range(1, 11):  # ten at once, as after a stall
        servo.take(BENT + number * step, model, 0.0, 60)
    assert (servo.target == BENT + 10 * step).all()
    taken = 10
    while taken < 50:
        try:
            servo.take(BENT + (taken + 1) * step, model, 0.05, 60)
        except MotionError:
            break
        taken += 1
    # A tenth of a metre, or of the greatest turn, in the tenth of a second.
    assert taken == min(int(0.1 / _reach(model, step)), int(0.1 * pi / 0.01))


def _reach(model: Model, step: Float64) -> float:
    way = model.tool(BENT + step).position - model.tool(BENT).position
    return float(np.linalg.norm(way))


@given(velocities=st.tuples(*[st.floats(-3, 3)] * 6))
def test_brake_stops_all_joints_together(velocities: tuple[float, ...]) -> None:
    brake, now, periods = Brake(np.array(velocities)), BENT, 0
    while not brake.over:
        now = brake.advance(now, PERIOD)
        periods += 1
    assert periods <= np.abs(velocities).max() / (20 * PERIOD) + 2
    assert np.abs(now - BENT).max() <= np.abs(velocities).max() ** 2 / 40 + 1e-9


def test_joint_velocity_ends_with_its_time() -> None:
    stream, now = JointVelocity(np.zeros(6)), BENT
    stream.take(np.array([0.5, 0, 0, 0, 0, 0]), 0.2)
    for _ in range(60):
        now = stream.advance(now, PERIOD)
    assert stream.over
    assert now[0] == pytest.approx(0.1, abs=0.02) and (now[1:] == BENT[1:]).all()


@pytest.mark.parametrize("in_tool", [False, True])
def test_tool_velocity_moves_the_tool_and_turns_it_about_its_tip(in_tool: bool) -> None:
    model = model_of(
        tcp_offset=np.array([0.02, 0, 0.12, 0, 0, 0.3]),
        world_offset=np.array([0.1, 0.2, 0.0, 0.0, 0.0, 0.7]),
    )
    stream, now = ToolVelocity(model), BENT
    start = model.tool(BENT)
    stream.take(np.array([0, 0, 0, 0, 0, 0.4]), None, in_tool=in_tool)
    for _ in range(50):
        now = stream.advance(now, PERIOD)
    assert model.tool(now).position == pytest.approx(start.position, abs=1e-4)
    assert _angle(start, model.tool(now)) == pytest.approx(0.19, abs=0.02)
    stream = ToolVelocity(model)
    start = model.tool(now)
    stream.take(np.array([0.05, 0, 0, 0, 0, 0]), None, in_tool=in_tool)
    for _ in range(50):
        now = stream.advance(now, PERIOD)
    axis = geometry.matrix(start)[:3, 0] if in_tool else np.array([1.0, 0, 0])
    moved = model.tool(now).position - start.position
    assert moved == pytest.approx(0.0245 * axis, abs=1e-3)


@given(first=joints, second=joints, speed=st.floats(0.2, 2.0), acceleration=st.floats(2.0, 20.0))
@example(  # passes its target to the side
    first=BENT + np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.5]),
    second=BENT + np.array([0.0, 0.0, 0.0, 0.5546875, 0.25, 0.25]),
    speed=1.640625,
    acceleration=3.25,
)
def test_online_joints_arrive_at_the_newest_target_within_speed_and_acceleration(
    first: Float64, second: Float64, speed: float, acceleration: float
) -> None:
    stream, now = OnlineJoints(BENT, np.zeros(6)), BENT
    stream.take(first, speed, acceleration)
    places = [BENT]
    for period in range(3000):
        if period == 20:
            stream.take(second, speed, acceleration)
        now = stream.advance(now, PERIOD)
        places.append(now)
        if stream.over and period > 20:
            break
    assert now == pytest.approx(second, abs=1e-8)
    velocities = np.diff(places, axis=0) / PERIOD
    assert np.linalg.norm(velocities, axis=1).max() <= speed * (1 + 1e-6)
    changes = np.linalg.norm(np.diff(velocities, axis=0), axis=1)
    assert changes.max() <= 2.1 * acceleration * PERIOD


def test_online_tool_arrives_where_it_was_sent_last() -> None:
    model, now = model_of(), BENT
    stream = OnlineTool(model, BENT)
    start = model.tool(BENT)
    for sideways in (0.05, -0.05):
        place = start.position + np.array([0, sideways, 0])
        stream.take(Pose(position=place, quaternion=start.quaternion), 0.2, 2.0)
        for _ in range(20):
            now = stream.advance(now, PERIOD)
    while not stream.over:
        now = stream.advance(now, PERIOD)
    assert model.tool(now).position == pytest.approx(place, abs=1e-6)


def test_offsets_move_what_is_reported_and_are_undone_by_solving() -> None:
    model = model_of(
        tcp_offset=np.array([0.02, 0.01, 0.12, 0.1, -0.2, 0.3]),
        world_offset=np.array([0.1, 0.2, 0.05, 0.0, 0.0, 0.7]),
    )
    target = BENT + 0.05
    solved = model.solve(model.tool(target), BENT)
    assert solved == pytest.approx(target, abs=1e-5)


def test_fence_and_reduced_ranges_are_kept() -> None:
    model = model_of(fence_on=True, box=np.array([0.5, 0.1, 0.1, -0.1, 0.5, 0.0]))
    model.check_fence(BENT)
    with pytest.raises(MotionError) as error:
        model.check_fence(BENT + np.array([0.5, 0, 0, 0, 0, 0]))
    assert error.value.code == 35
    ranges = Configuration().reduced_ranges
    ranges[0] = (-0.1, 0.1)
    narrow = model_of(reduced_on=True, reduced_ranges=ranges)
    narrow.check_joints(BENT)
    with pytest.raises(MotionError) as error:
        narrow.check_joints(BENT + np.array([0.2, 0, 0, 0, 0, 0]))
    assert error.value.code == 23
