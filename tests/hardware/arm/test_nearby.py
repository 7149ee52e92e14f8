"""Many postures at once are what one at a time is, and joints near by are found or said to be none."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym import geometry
from ibc_gym.hardware.arm.config import ARM
from ibc_gym.hardware.arm.coordinates import FAR, Box, ByJoints, ByTool
from ibc_gym.hardware.arm.nearby import Nearby
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64

KINEMATICS = Kinematics(ARM, 0.1524)
NEARBY = Nearby(KINEMATICS)
REST = np.array(ARM.rest)
ANYWHERE = Box(lower=np.full(3, -np.inf), upper=np.full(3, np.inf))

turns = st.lists(st.floats(-0.4, 0.4), min_size=6, max_size=6).map(np.array)
small = st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=6).map(np.array)


@settings(max_examples=trials(20))
@given(st.lists(turns, min_size=1, max_size=4))
def test_tools_and_jacobians_are_those_of_the_kinematics(by: list[Float64]) -> None:
    joints = REST + np.array(by)
    tips, rotations = NEARBY.tools(joints)
    jacobians = NEARBY.jacobians(joints)
    for each, tip, rotation, jacobian in zip(joints, tips, rotations, jacobians, strict=True):
        pose = KINEMATICS.forward(each)
        np.testing.assert_allclose(tip, pose.position, atol=1e-12)
        np.testing.assert_allclose(rotation, geometry.matrix(pose)[:3, :3], atol=1e-12)
        np.testing.assert_allclose(jacobian, KINEMATICS.jacobian(each), atol=1e-12)


@settings(max_examples=trials(20))
@given(st.lists(st.tuples(turns, small), min_size=1, max_size=4))
def test_joints_near_by_are_found(pairs: list[tuple[Float64, Float64]]) -> None:
    joints = REST + np.array([turn for turn, _ in pairs])
    near = joints + np.array([off for _, off in pairs])
    found = NEARBY.solve(*NEARBY.tools(joints), near)
    assert found is not None
    tips, rotations = NEARBY.tools(found)
    wanted_tips, wanted_rotations = NEARBY.tools(joints)
    np.testing.assert_allclose(tips, wanted_tips, atol=1e-8)
    np.testing.assert_allclose(rotations, wanted_rotations, atol=1e-7)


def test_pose_out_of_reach_far_away_or_beyond_a_range_has_no_joints_near_by() -> None:
    tips, rotations = NEARBY.tools(REST[None])
    assert NEARBY.solve(tips + np.array([2.0, 0.0, 0.0]), rotations, REST[None]) is None
    assert NEARBY.solve(tips, rotations, REST[None] + 1.0) is None
    beyond = REST.copy()
    beyond[1] = KINEMATICS.upper[1] + 0.01
    assert NEARBY.solve(*NEARBY.tools(beyond[None]), beyond[None] - 0.02) is None


@settings(max_examples=trials(20))
@given(turns, small)
def test_small_change_of_the_tools_numbers_turns_the_joints_as_it_should(
    by: Float64, off: Float64
) -> None:
    coordinates, joints, step = ByTool(NEARBY), REST + by, 1e-4 * off
    numbers = coordinates.numbers(joints)
    after = coordinates.of(KINEMATICS.forward(joints + step), numbers)
    turn = coordinates.turn(numbers, after - numbers, joints)
    assert turn is not None
    np.testing.assert_allclose(turn, step, atol=1e-9)
    same = after * [1, 1, 1, -2, -2, -2, -2]  # the same orientation
    back = coordinates.joints(same[None], joints[None], ANYWHERE)
    assert back is not None
    np.testing.assert_allclose(back[0], joints + step, atol=1e-9)


@settings(max_examples=trials(20))
@given(turns.map(lambda turn: 0.5 * turn), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_joints_that_lead_the_tip_out_of_its_box_are_brought_to_its_border(
    by: Float64, x: float, z: float
) -> None:
    joints = REST + by
    tips, rotations = NEARBY.tools(joints[None])
    box = Box(lower=tips[0] + [min(x, 0), -1, z], upper=tips[0] + [max(x, 0), 1, z])
    kept = ByJoints(NEARBY).joints(joints[None], joints[None], box)
    assert kept is not None
    places, turned = NEARBY.tools(kept)
    np.testing.assert_allclose(places, box.clip(tips), atol=1e-8)
    np.testing.assert_allclose(turned, rotations, atol=1e-7)


def test_joints_far_out_of_the_box_or_beyond_a_range_are_refused_and_those_inside_are_kept() -> (
    None
):
    by_joints, (tips, _) = ByJoints(NEARBY), NEARBY.tools(REST[None])
    kept = by_joints.joints(REST[None], REST[None], Box(lower=tips[0], upper=tips[0]))
    assert kept is not None and np.array_equal(kept[0], REST)
    away = tips[0] + [0.0, 0.0, 1.1 * FAR]
    assert by_joints.joints(REST[None], REST[None], Box(lower=away, upper=away)) is None
    beyond = KINEMATICS.upper[None] + 0.01
    assert by_joints.joints(beyond, beyond, ANYWHERE) is None
