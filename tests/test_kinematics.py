"""Forward kinematics against the vendor's tables, inverse kinematics against forward kinematics."""

from __future__ import annotations

from math import atan2, cos, hypot, pi, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import Float64, Pose
from ibc_gym.xarm6 import XARM6

BARE = Kinematics(XARM6, 0.0)
WITH_TOOL = Kinematics(XARM6, 0.135)
REST = np.array(XARM6.rest)

A2, T2 = hypot(0.2845, 0.0535), -1.3849179
DH = (
    (0.267, -pi / 2, 0.0, 0.0),
    (0.0, 0.0, A2, T2),
    (0.0, -pi / 2, 0.0775, -T2),
    (0.3425, pi / 2, 0.0, 0.0),
    (0.0, -pi / 2, 0.076, 0.0),
    (0.097, 0.0, 0.0, 0.0),
)
"""The vendor's standard Denavit-Hartenberg table: d [m], alpha, a [m], offset of the angle."""

JOINTS = st.tuples(
    *(st.floats(max(joint.lower, -pi), min(joint.upper, pi)) for joint in XARM6.joints)
).map(np.array)
BEARING = st.floats(-1.3, 1.3)


def by_denavit_hartenberg(joints: Float64) -> Float64:
    base_T_flange = np.eye(4)
    for angle, (d, alpha, a, offset) in zip(joints, DH, strict=True):
        c, s = cos(angle + offset), sin(angle + offset)
        ca, sa = cos(alpha), sin(alpha)
        base_T_flange = base_T_flange @ np.array(
            [
                [c, -s * ca, s * sa, a * c],
                [s, c * ca, -c * sa, a * s],
                [0.0, sa, ca, d],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
    return base_T_flange


@pytest.mark.parametrize(
    "degrees, millimetres, rpy",
    [
        ((0, 0, 0, 0, 0, 0), (207, 0, 112), (180, 0, 0)),
        ((0, -30, -20, 0, 50, 0), (292.269, 0, 282.348), (180, 0, 0)),
        ((30, 10, -60, 20, 40, 90), (437.611, 254.286, 294.963), (-171.763, 15.189, -73.168)),
    ],
)
def test_flange_is_where_the_vendor_says(
    degrees: tuple[float, ...], millimetres: tuple[float, ...], rpy: tuple[float, ...]
) -> None:
    pose = BARE.forward(np.radians(degrees))
    np.testing.assert_allclose(pose.position * 1000, millimetres, atol=1e-3)
    wanted = Rotation.from_euler("xyz", rpy, degrees=True)
    assert (geometry.rotation(pose.quaternion).inv() * wanted).magnitude() < 1e-5


@given(JOINTS)
def test_flange_agrees_with_the_denavit_hartenberg_table(joints: Float64) -> None:
    np.testing.assert_allclose(BARE.frames(joints)[-1], by_denavit_hartenberg(joints), atol=1e-7)


@given(JOINTS)
def test_tip_lies_along_the_flange(joints: Float64) -> None:
    flange, tip = BARE.frames(joints)[-1], WITH_TOOL.forward(joints)
    np.testing.assert_allclose(tip.position, (flange @ [0, 0, 0.135, 1])[:3], atol=1e-12)


@given(JOINTS)
def test_jacobian_is_the_derivative_of_the_tip(joints: Float64) -> None:
    step = 1e-6
    J = WITH_TOOL.jacobian(joints)
    for column in range(6):
        ahead = WITH_TOOL.forward(joints + step * np.eye(6)[column])
        behind = WITH_TOOL.forward(joints - step * np.eye(6)[column])
        linear = (ahead.position - behind.position) / (2 * step)
        turn = geometry.rotation(ahead.quaternion) * geometry.rotation(behind.quaternion).inv()
        np.testing.assert_allclose(
            J[:, column], [*linear, *turn.as_rotvec() / (2 * step)], atol=1e-6
        )


@given(BEARING, st.floats(0.0, 1.0), st.floats(0.0, 0.35))
def test_tool_pointing_down_reaches_every_point_within_reach(
    bearing: float, radius: float, height: float
) -> None:
    asked = np.array([radius * cos(bearing), radius * sin(bearing), height])
    position = WITH_TOOL.within_reach(asked)
    solution = WITH_TOOL.inverse(Pose(position=position, quaternion=DOWN), REST)
    reached = WITH_TOOL.forward(solution.joints)
    np.testing.assert_allclose(reached.position, position, atol=2e-6)
    assert abs(float(reached.quaternion @ DOWN)) == pytest.approx(1.0, abs=1e-9)
    assert (solution.joints >= WITH_TOOL.lower).all() and (solution.joints <= WITH_TOOL.upper).all()


@given(BEARING, st.floats(0.2, 0.68))
def test_point_within_reach_is_left_alone(bearing: float, radius: float) -> None:
    position = np.array([radius * cos(bearing), radius * sin(bearing), 0.01])
    assert WITH_TOOL.within_reach(position) is position


@given(BEARING, st.floats(0.0, 2.0))
def test_limiting_the_reach_keeps_bearing_and_height(bearing: float, radius: float) -> None:
    position = WITH_TOOL.within_reach(
        np.array([radius * cos(bearing), radius * sin(bearing), 0.05])
    )
    assert position[2] == 0.05
    if radius > 1e-6:
        assert atan2(position[1], position[0]) == pytest.approx(bearing, abs=1e-9)


@given(BEARING, st.floats(0.25, 0.6), st.floats(0.01, 0.3))
def test_least_squares_agrees_with_the_closed_form(
    bearing: float, radius: float, height: float
) -> None:
    pose = Pose(
        position=np.array([radius * cos(bearing), radius * sin(bearing), height]), quaternion=DOWN
    )
    closed = WITH_TOOL.inverse(pose, REST)
    iterated = WITH_TOOL.least_squares(pose, closed.joints + 0.05)
    assert iterated.error < 1e-5
    np.testing.assert_allclose(
        WITH_TOOL.forward(iterated.joints).position, pose.position, atol=1e-5
    )


@given(BEARING, st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
def test_tilted_tool_is_solved_too(bearing: float, roll: float, pitch: float) -> None:
    upright = Pose(
        position=np.array([0.4 * cos(bearing), 0.4 * sin(bearing), 0.1]), quaternion=DOWN
    )
    tilt = Rotation.from_euler("xyz", [roll, pitch, 0.0])
    tilted = Pose(
        position=upright.position,
        quaternion=geometry.quaternion(tilt * geometry.rotation(DOWN)),
    )
    solution = WITH_TOOL.inverse(tilted, WITH_TOOL.inverse(upright, REST).joints)
    assert solution.error < 1e-5


def test_of_many_turns_of_the_flange_the_nearest_is_taken() -> None:
    pose = Pose(position=np.array([0.4, 0.1, 0.05]), quaternion=DOWN)
    here = WITH_TOOL.inverse(pose, REST).joints
    turned = WITH_TOOL.inverse(pose, here + np.array([0, 0, 0, 0, 0, 2 * pi])).joints
    assert turned[5] - here[5] == pytest.approx(2 * pi)


def test_pose_out_of_reach_says_how_far_off_the_best_is() -> None:
    far = Pose(position=np.array([2.0, 0.0, 0.1]), quaternion=DOWN)
    assert WITH_TOOL.inverse(far, REST).error > 1.0
