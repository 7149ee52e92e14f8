"""Views of a board by the pinhole's equations alone: exact, or with noise, of any camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.hardware.calibration.board import Board, Detection
from ibc_gym.hardware.calibration.views import View, project
from ibc_gym.records import CameraSpec, Float64, Pose


def transform(rotvec: tuple[float, ...] | Float64, place: tuple[float, ...] | Float64) -> Float64:
    turn = geometry.quaternion(Rotation.from_rotvec(rotvec))
    return geometry.matrix(Pose(position=np.array(place), quaternion=turn))


def seen(board: Board, camera: CameraSpec, camera_T_board: Float64) -> Detection:
    """All corners of the board, wherever they are."""
    points = board.corners @ camera_T_board[:3, :3].T + camera_T_board[:3, 3]
    return Detection(
        ids=np.arange(len(points)), pixels=project(camera, points), points=board.corners
    )


def before_camera(board: Board, rng: np.random.Generator) -> Float64:
    """camera_T_board of a tilted board before the camera."""
    width, height = board.spec.size
    axis = rng.uniform(-np.pi, np.pi)
    tilt = rng.uniform(0.35, 0.7) * np.array([np.cos(axis), np.sin(axis), 0.0])
    turn = Rotation.from_euler("z", rng.uniform(-0.5, 0.5)) * Rotation.from_rotvec(tilt)
    middle = np.array([*rng.uniform(-0.08, 0.08, 2), rng.uniform(0.35, 0.6)])
    place = middle - turn.apply([width / 2, height / 2, 0.0])
    return transform(turn.as_rotvec(), place)


def synthetic_views(
    board: Board,
    camera: CameraSpec,
    base_T_camera: Float64,
    flange_T_board: Float64,
    rng: np.random.Generator,
    count: int = 25,
) -> list[View]:
    views = []
    for _ in range(count):
        camera_T_board = before_camera(board, rng)
        base_T_flange = base_T_camera @ camera_T_board @ np.linalg.inv(flange_T_board)
        views.append(
            View(
                base_T_flange=geometry.pose_of(base_T_flange),
                seen=seen(board, camera, camera_T_board),
            )
        )
    return views


def noisy(
    views: list[View],
    rng: np.random.Generator,
    *,
    pixels: float,
    metres: float = 0.0,
    radians: float = 0.0,
) -> list[View]:
    """The same with errors of these standard deviations, of every corner and of every pose of the robot."""
    made = []
    for view in views:
        off = rng.normal(0.0, pixels, view.seen.pixels.shape)
        turn = Rotation.from_rotvec(rng.normal(0.0, radians, 3))
        pose = view.base_T_flange
        made.append(
            View(
                base_T_flange=Pose(
                    position=pose.position + rng.normal(0.0, metres, 3),
                    quaternion=geometry.quaternion(geometry.rotation(pose.quaternion) * turn),
                ),
                seen=replace(view.seen, pixels=view.seen.pixels + off),
            )
        )
    return made


def apart(one: Float64, other: Float64) -> tuple[float, float]:
    """Distance [m] and angle [deg] between two transforms."""
    turn = Rotation.from_matrix(one[:3, :3].T @ other[:3, :3]).magnitude()
    return float(np.linalg.norm(one[:3, 3] - other[:3, 3])), float(np.degrees(turn))
