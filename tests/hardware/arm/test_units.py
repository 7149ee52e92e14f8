"""Poses go to the vendor's units and back without loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.hardware.arm.units import pose_of, six_of
from ibc_gym.records import Pose

vectors = st.lists(st.floats(-2.0, 2.0), min_size=3, max_size=3).map(np.array)


@given(vectors, vectors)
def test_pose_comes_back(position: np.ndarray, turn: np.ndarray) -> None:
    pose = Pose(position=position, quaternion=geometry.quaternion(Rotation.from_rotvec(turn)))
    back = pose_of(six_of(pose))
    np.testing.assert_allclose(back.position, position, atol=1e-12)
    apart = geometry.rotation(back.quaternion).inv() * geometry.rotation(pose.quaternion)
    assert apart.magnitude() < 1e-6


def test_vendors_example_is_read_as_it_means_it() -> None:
    pose = pose_of([437.611, 254.286, 294.963, *np.radians([-171.763, 15.189, -73.168])])
    np.testing.assert_allclose(pose.position, [0.437611, 0.254286, 0.294963])
    roll, pitch, yaw = np.radians([-171.763, 15.189, -73.168])
    turn = Rotation.from_rotvec([0, 0, yaw])
    turn *= Rotation.from_rotvec([0, pitch, 0]) * Rotation.from_rotvec([roll, 0, 0])
    assert (geometry.rotation(pose.quaternion).inv() * turn).magnitude() == pytest.approx(
        0, abs=1e-9
    )
