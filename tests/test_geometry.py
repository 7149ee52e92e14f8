"""Pose algebra holds for every pose."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import Pose

ANGLES = st.floats(-3.0, 3.0)
LENGTHS = st.floats(-2.0, 2.0)


@st.composite
def poses(draw: st.DrawFn) -> Pose:
    turn = Rotation.from_euler("xyz", [draw(ANGLES), draw(ANGLES), draw(ANGLES)])
    position = np.array([draw(LENGTHS), draw(LENGTHS), draw(LENGTHS)])
    return Pose(position=position, quaternion=geometry.quaternion(turn))


def assert_same(a: Pose, b: Pose) -> None:
    np.testing.assert_allclose(geometry.matrix(a), geometry.matrix(b), atol=1e-12)


@given(a=poses(), b=poses())
def test_composition_is_the_matrix_product(a: Pose, b: Pose) -> None:
    product = geometry.matrix(a) @ geometry.matrix(b)
    np.testing.assert_allclose(geometry.matrix(geometry.compose(a, b)), product, atol=1e-12)


@given(pose=poses())
def test_inverse_undoes_a_pose(pose: Pose) -> None:
    identity = Pose(position=np.zeros(3))
    assert_same(geometry.compose(pose, geometry.inverse(pose)), identity)
    assert_same(geometry.compose(geometry.inverse(pose), pose), identity)


@given(pose=poses())
def test_a_pose_survives_its_matrix(pose: Pose) -> None:
    assert_same(geometry.pose_of(geometry.matrix(pose)), pose)


@given(yaw=st.floats(-3.14, 3.14))
def test_yaw_survives_its_quaternion(yaw: float) -> None:
    assert abs(geometry.yaw_of(geometry.quaternion_of_yaw(yaw)) - yaw) < 1e-12


def test_quaternions_are_wxyz() -> None:
    quarter_turn = geometry.quaternion_of_yaw(np.pi / 2)
    np.testing.assert_allclose(quarter_turn, [np.sqrt(0.5), 0, 0, np.sqrt(0.5)])
    np.testing.assert_allclose(
        geometry.rotation(quarter_turn).apply([1, 0, 0]), [0, 1, 0], atol=1e-12
    )


@given(angle=st.floats(-100, 100), period=st.sampled_from([2 * np.pi, np.pi / 2]))
def test_wrapped_angle_lies_in_one_period_and_means_the_same(angle: float, period: float) -> None:
    wrapped = float(geometry.wrap_angle(angle, period))
    assert -period / 2 <= wrapped < period / 2 + 1e-12
    turns = (angle - wrapped) / period
    assert abs(turns - round(turns)) < 1e-9
