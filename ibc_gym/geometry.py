"""Rotations and poses, the few functions that all share; quaternions are wxyz.

SciPy does the work; this file converts to its xyzw order once.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym.records import Float64, Pose


def rotation(quaternion: Float64) -> Rotation:
    """SciPy's rotation of a wxyz quaternion, (..., 4)."""
    return Rotation.from_quat(np.asarray(quaternion), scalar_first=True)


def quaternion(turn: Rotation) -> Float64:
    """The wxyz quaternion of a SciPy rotation, (..., 4), with w >= 0."""
    return np.asarray(turn.as_quat(canonical=True, scalar_first=True), dtype=np.float64)


def quaternion_of_yaw(yaw: float) -> Float64:
    """Turn about +z by `yaw` [rad]."""
    return np.array([np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)])


def yaw_of(quaternion: Float64) -> float:
    """The z angle of the extrinsic x-y-z Euler angles [rad], in (-pi, pi]."""
    w, x, y, z = (float(part) for part in quaternion)
    return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def matrix(pose: Pose) -> Float64:
    """The 4x4 transform base_T_body of a pose."""
    base_T_body = np.eye(4)
    base_T_body[:3, :3] = rotation(pose.quaternion).as_matrix()
    base_T_body[:3, 3] = pose.position
    return base_T_body


def pose_of(base_T_body: Float64) -> Pose:
    """The pose of a 4x4 transform."""
    return Pose(
        position=np.array(base_T_body[:3, 3], dtype=np.float64),
        quaternion=quaternion(Rotation.from_matrix(base_T_body[:3, :3])),
    )


def compose(a_T_b: Pose, b_T_c: Pose) -> Pose:
    """a_T_c, chained by eye."""
    turn = rotation(a_T_b.quaternion)
    return Pose(
        position=a_T_b.position + turn.apply(b_T_c.position),
        quaternion=quaternion(turn * rotation(b_T_c.quaternion)),
    )


def inverse(a_T_b: Pose) -> Pose:
    """b_T_a."""
    turn = rotation(a_T_b.quaternion).inv()
    return Pose(position=-turn.apply(a_T_b.position), quaternion=quaternion(turn))


def turned_towards(here: Float64, there: Float64, part: float) -> Float64:
    """The orientation part of the shortest way from one to another, wxyz."""
    start = rotation(here)
    way = (start.inv() * rotation(there)).as_rotvec()
    return quaternion(start * Rotation.from_rotvec(part * way))


def turned_in_plane(vectors: Float64, cosine: Float64 | float, sine: Float64 | float) -> Float64:
    """Vectors (B, 2), turned by one angle or each by its own, which is given as cosine and sine."""
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)


def wrap_angle(angle: float | Float64, period: float | Float64 = 2 * np.pi) -> float | Float64:
    """Bring an angle into [-period/2, period/2) [rad]."""
    return (angle + period / 2) % period - period / 2
