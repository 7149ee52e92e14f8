"""A view: where the flange was, and what the camera saw of the board then; the board's pose from one view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.records import CameraSpec, Float64, Pose

from .board import HALF_PIXEL, Detection
from .library import cv2


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One picture of the board."""

    base_T_flange: Pose
    """As the robot measured it."""
    seen: Detection


def matrix_of(camera: CameraSpec) -> Float64:
    """The camera matrix that OpenCV takes, (3, 3) [px]; it counts from the middle of the first pixel."""
    return np.array(
        [
            [camera.fx, 0.0, camera.cx - HALF_PIXEL],
            [0.0, camera.fy, camera.cy - HALF_PIXEL],
            [0.0, 0.0, 1.0],
        ]
    )


def board_in_camera(seen: Detection, camera: CameraSpec) -> Float64:
    """camera_T_board, (4, 4), from the corners of one picture.

    Raises:
        ConfigError: They are too few, or all in one line.
    """
    if (
        len(seen) < 6
        or np.linalg.matrix_rank(seen.points[:, :2] - seen.points[0, :2], tol=1e-6) < 2
    ):
        raise ConfigError(
            f"{len(seen)} corners of the board do not give its pose; at least 6, not all in one line, are needed."
        )
    found, turn, place = cv2.solvePnP(
        seen.points, seen.pixels - HALF_PIXEL, matrix_of(camera), None, flags=cv2.SOLVEPNP_ITERATIVE
    )
    if not found:
        raise ConfigError("The corners of the board fit no pose of it; look at the picture.")
    camera_T_board = np.eye(4)
    camera_T_board[:3, :3] = cv2.Rodrigues(turn)[0]
    camera_T_board[:3, 3] = np.ravel(place)
    return camera_T_board


def project(camera: CameraSpec, points: Float64) -> Float64:
    """Where points (..., 3) in the camera's frame [m] are seen, (..., 2) from the picture's edge [px]."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack([camera.cx + camera.fx * x / z, camera.cy + camera.fy * y / z], axis=-1)


def mean_transform(transforms: Float64) -> Float64:
    """The mean of transforms (N, 4, 4)."""
    mean = np.eye(4)
    mean[:3, :3] = Rotation.from_matrix(transforms[:, :3, :3]).mean().as_matrix()
    mean[:3, 3] = transforms[:, :3, 3].mean(axis=0)
    return mean


def differences(transforms: Float64, reference: Float64) -> tuple[Float64, Float64]:
    """How far each of (N, 4, 4) is from a transform: distance [m] and angle [rad], (N,) each."""
    far = np.linalg.norm(transforms[:, :3, 3] - reference[:3, 3], axis=1)
    turns = Rotation.from_matrix(reference[:3, :3]).inv() * Rotation.from_matrix(
        transforms[:, :3, :3]
    )
    return far, np.asarray(turns.magnitude())


def flange_of(base_T_tool: Pose, tool_length: float) -> Pose:
    """base_T_flange of a measured tool, whose tip is `tool_length` [m] along the flange's +z."""
    flange_T_tool = Pose(position=np.array([0.0, 0.0, tool_length]))
    return geometry.compose(base_T_tool, geometry.inverse(flange_T_tool))
