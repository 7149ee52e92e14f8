"""Where the arm goes so that the camera sees the board from all sides: near and far, all over the picture, tilted.

Nothing here moves. The plan needs to know roughly where the camera stands and how the board is screwed on; a few
centimetres and degrees do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil, cos, pi, sin
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics
from ibc_gym.records import Bool, CameraSpec, Float64, Pose, RobotLimits

from .board import Board
from .clearance import Clearance

GOLDEN: Final = pi * (3 - 5**0.5)
"""Turns by this angle never come near one another for long, so the tilts of a few views point all ways [rad]."""
SEEDS: Final = 16
"""Joints that inverse kinematics starts from, until one solution is found; later ones start from that."""
SEARCHES: Final = 12
"""Views for which that is done, until one of them has a solution; a wide lens has some that are out of reach."""
TRIES: Final = 20
"""Candidates, at most, for every view that is wanted."""
SPARE: Final = 1.5
"""Views that are looked for, for every one that is wanted: to some there is no free way."""
BORDER: Final = 6.0
"""Corners nearer to the edge of the picture are not counted on [px]."""


@dataclass(frozen=True, kw_only=True)
class PlanConfig:
    """What the views shall be like."""

    count: int = 25
    """Views."""
    tilt: tuple[float, float] = (0.35, 0.70)
    """Least and greatest angle between the board and the picture plane [rad]; 20 and 40 degrees."""
    roll: float = 0.5
    """Greatest turn about the line of sight, either way [rad]."""
    share: tuple[float, float] = (0.30, 0.60)
    """Least and greatest width of the board in the picture, face on, in picture widths."""
    seen: float = 0.75
    """Least share of the board's corners that lie in the picture."""

    def __post_init__(self) -> None:
        require_finite(self)
        if self.count < 3:
            raise ConfigError(f"PlanConfig.count is {self.count}, but at least 3 views are needed.")
        ordered = self.tilt[0] <= self.tilt[1] and self.share[0] <= self.share[1]
        if not ordered or self.tilt[0] < 0 or self.tilt[1] > 1.2 or not 0 < self.share[0] <= 1:
            raise ConfigError(
                f"PlanConfig.tilt is {self.tilt} rad and share {self.share}, but must be (least, greatest), a tilt from 0 "
                "to 1.2 rad, a share above 0."
            )


def plan_views(
    board: Board,
    camera: CameraSpec,
    flange_T_board: Pose,
    kinematics: Kinematics,
    limits: RobotLimits,
    home: Float64,
    rng: np.random.Generator,
    config: PlanConfig | None = None,
) -> list[Float64]:
    """Joints (J,) [rad] of every view, in the order in which to go there in straight lines of the joints.

    Args:
        board: What is looked at.
        camera: Its intrinsics, and roughly its pose.
        flange_T_board: Roughly.
        kinematics: Of the arm with its tool.
        limits: Where the tool may be.
        home: Joints from which the arm sets out, (J,) [rad].
        rng: Draws the views.
        config: What they shall be like.

    Raises:
        ConfigError: Fewer than three in five of the wanted views can be reached, seen and gone to without touching anything.
    """
    config = config or PlanConfig()
    clearance = Clearance(board, camera, flange_T_board, kinematics, limits)
    candidates = _views(board, camera, rng, config)
    poses = _flange_poses(candidates, camera, flange_T_board)
    reachable = _reachable(poses, Kinematics(kinematics.arm, 0.0), clearance, home, rng)
    allowed = (joints for joints in reachable if clearance.allows(joints))
    wanted = list(islice(allowed, ceil(SPARE * config.count)))
    way = _in_order(wanted, home, clearance, config.count)
    if len(way) < max(3, ceil(0.6 * config.count)):
        raise ConfigError(
            f"Only {len(way)} of {config.count} views of the board can be reached before camera {camera.name!r}, which is "
            f"said to stand at {tuple(round(x, 3) for x in camera.position)} m: is that so, within a few centimetres, and "
            "does it look at where the arm can hold the board? A smaller board needs less room."
        )
    return way


def visible(board: Board, camera: CameraSpec, camera_T_board: Float64) -> Bool:
    """Which corners of the board lie in the picture, away from its border, (K,)."""
    seen = board.corners @ camera_T_board[:3, :3].T + camera_T_board[:3, 3]
    depth = np.maximum(seen[:, 2], 1e-9)
    right = camera.cx + camera.fx * seen[:, 0] / depth
    down = camera.cy + camera.fy * seen[:, 1] / depth
    inside: Bool = (
        (seen[:, 2] > 0)
        & (right > BORDER)
        & (right < camera.width - BORDER)
        & (down > BORDER)
        & (down < camera.height - BORDER)
    )
    return inside


def _views(
    board: Board, camera: CameraSpec, rng: np.random.Generator, config: PlanConfig
) -> Iterator[Float64]:
    """camera_T_board of many views that show enough of the board."""
    width, height = board.spec.size
    middle = np.array([width / 2, height / 2, 0.0])
    for number in range(TRIES * config.count):
        axis = number * GOLDEN
        tilt = rng.uniform(*config.tilt)
        turn = Rotation.from_euler("z", rng.uniform(-config.roll, config.roll))
        turn = turn * Rotation.from_rotvec([tilt * cos(axis), tilt * sin(axis), 0.0])
        depth = camera.fx * width / (rng.uniform(*config.share) * camera.width)
        right, down = rng.uniform(0.2, 0.8, 2) * (camera.width, camera.height)
        centre = depth * np.array(
            [(right - camera.cx) / camera.fx, (down - camera.cy) / camera.fy, 1.0]
        )
        camera_T_board = np.eye(4)
        camera_T_board[:3, :3] = turn.as_matrix()
        camera_T_board[:3, 3] = centre - turn.apply(middle)
        if visible(board, camera, camera_T_board).mean() >= config.seen:
            yield camera_T_board


def _flange_poses(
    views: Iterator[Float64], camera: CameraSpec, flange_T_board: Pose
) -> Iterator[Pose]:
    """base_T_flange of every view."""
    base_T_camera = geometry.matrix(
        Pose(position=np.array(camera.position), quaternion=np.array(camera.quaternion))
    )
    board_T_flange = np.linalg.inv(geometry.matrix(flange_T_board))
    for camera_T_board in views:
        yield geometry.pose_of(base_T_camera @ camera_T_board @ board_T_flange)


def _reachable(
    poses: Iterator[Pose],
    flange: Kinematics,
    clearance: Clearance,
    home: Float64,
    rng: np.random.Generator,
) -> Iterator[Float64]:
    """Joints of those poses that the arm can have; all of them near those of the first, so that it never turns over."""
    anchor, searches = None, 0
    for pose in poses:
        if anchor is None and searches == SEARCHES:
            return  # the board cannot be held before this camera
        if anchor is None:
            anchor = _first_solution(flange, pose, clearance, home, rng)
            searches += 1
        if anchor is not None:
            found = flange.least_squares(pose, anchor)
            if found.error < CLOSE_ENOUGH:
                yield found.joints


def _first_solution(
    flange: Kinematics,
    pose: Pose,
    clearance: Clearance,
    home: Float64,
    rng: np.random.Generator,
) -> Float64 | None:
    """Of the joints that bring the flange to a pose and that the arm can go to, those that are least far from home."""
    best, least = None, np.inf
    for number in range(SEEDS):
        near = home + rng.normal(0.0, 0.2 + 1.0 * number / SEEDS, len(home))
        found = flange.least_squares(pose, near)
        far = float(np.abs(found.joints - home).max())
        if found.error < CLOSE_ENOUGH and far < least and clearance.allows_way(home, found.joints):
            best, least = found.joints, far
    return best


def _in_order(
    wanted: list[Float64], home: Float64, clearance: Clearance, count: int
) -> list[Float64]:
    """From each view to the nearest that can be gone to; those of the first `count` that cannot are replaced."""
    way: list[Float64] = []
    here, left, spare = home, wanted[:count], wanted[count:]
    while left and len(way) < count:
        left.sort(key=lambda joints: float(np.abs(joints - here).max()))
        for number, joints in enumerate(left):
            if clearance.allows_way(here, joints):
                here = left.pop(number)
                way.append(here)
                break
        else:
            if not spare:
                break
            left = [spare.pop() for _ in range(min(len(left), len(spare)))]
    return way
