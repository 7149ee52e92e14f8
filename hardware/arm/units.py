"""The vendor's units and ours: millimetres and roll, pitch, yaw on that side, metres and wxyz quaternions on this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose

MM: Final = 1e-3
"""One millimetre [m]."""


def metres(millimetres: Sequence[float]) -> Float64:
    """Lengths as the vendor says them, in metres."""
    return np.asarray(millimetres, dtype=np.float64) * MM


def millimetres(metres: Sequence[float] | Float64) -> list[float]:
    """Lengths as the vendor takes them."""
    return [float(value) / MM for value in metres]


def pose_of(six: Sequence[float]) -> Pose:
    """The pose of x, y, z [mm] and roll, pitch, yaw [rad], which turn about fixed axes in this order."""
    turn = Rotation.from_euler("xyz", [float(angle) for angle in six[3:6]])
    return Pose(position=metres(six[:3]), quaternion=geometry.quaternion(turn))


def six_of(pose: Pose) -> list[float]:
    """x, y, z [mm] and roll, pitch, yaw [rad] of a pose."""
    angles = geometry.rotation(pose.quaternion).as_euler("xyz")
    return [*millimetres(pose.position), *(float(angle) for angle in angles)]
