"""Where a fixed camera stands, from views of a board on the flange: base_T_camera.

Two closed forms, Park and Martin 1994 and Daniilidis 1999, must agree roughly; from the first, the distance between seen
and expected corners is minimised over all views at once, for base_T_camera and flange_T_board together. A view's error is
how far off it has the board on the flange, which is the same for all. What is reported is that of views that were held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.records import Bool, CameraSpec, Float64, Int64, Pose

from .library import cv2
from .selection import hold_out, inliers, rms
from .views import View, board_in_camera, differences, mean_transform, project

LEAST_VIEWS: Final = 8
LEAST_CORNERS: Final = 8
"""Of one view."""
LEAST_TURN: Final = 0.15
"""How much the flange must turn about a second axis, from view to view (RMS) [rad]."""
EXACT: Final = 0.001
"""Views that are off by less than this are never dropped [m]."""
CORNER: Final = 0.2
"""How exactly a corner is found (standard deviation) [px]."""
ROBOT: Final = np.array([4e-4] * 3 + [2e-4] * 3)
"""How exactly a robot knows where its flange is (standard deviation): turned [rad], shifted [m]."""
SOFT: Final = 3.0
"""Corners that are off by more than so many standard deviations count for less."""


@dataclass(frozen=True, kw_only=True)
class HandEye:
    """Where the camera stands, and how sure that is."""

    base_T_camera: Pose
    """The camera looks along its +z with +x right and +y down."""
    flange_T_board: Pose
    """Where the board is on the flange, found beside it."""
    spread: float
    """How far off held-out views have the board on the flange (RMS) [m]."""
    spread_angle: float
    """The same of its orientation [rad]."""
    reprojection: float
    """Distance of seen corners from where they ought to be, in held-out views (RMS) [px]."""
    methods_apart: float
    """Between the camera's place by Park and by Daniilidis [m]."""
    methods_apart_angle: float
    """[rad]"""
    views: int
    """That it was solved from."""
    dropped: int
    """Views that were far off."""
    held_out: int

    @property
    def errors(self) -> dict[str, float]:
        """What a bound is set on."""
        return {
            "spread_m": self.spread,
            "spread_rad": self.spread_angle,
            "reprojection_px": self.reprojection,
            "methods_apart_m": self.methods_apart,
            "methods_apart_rad": self.methods_apart_angle,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class _Samples:
    """Views as arrays."""

    base_T_flange: Float64
    """(V, 4, 4)"""
    camera_T_board: Float64
    """(V, 4, 4), each from its own picture alone."""
    view: Int64
    """(N,) which view a corner is of."""
    points: Float64
    """(N, 3) in the board's frame [m]."""
    pixels: Float64
    """(N, 2) [px]"""


def solve_hand_eye(views: Sequence[View], camera: CameraSpec) -> HandEye:
    """Find where the camera stands.

    Args:
        views: The board on the flange, from all sides.
        camera: Its intrinsics; its pose is not looked at.

    Raises:
        ConfigError: There are too few views, or the flange hardly turned between them.
    """
    enough = [view for view in views if len(view.seen) >= LEAST_CORNERS]
    if len(enough) < LEAST_VIEWS:
        raise ConfigError(
            f"{len(enough)} of {len(views)} views show {LEAST_CORNERS} corners of the board or more, but {LEAST_VIEWS} are "
            "needed. Is it the board that was printed, in focus, well lit, and does the camera see it?"
        )
    chosen, judge = hold_out(enough)
    solve = _samples(chosen, camera)
    _require_turns(solve.base_T_flange)
    park, daniilidis = (_closed_form(solve, method) for method in ("PARK", "DANIILIDIS"))
    kept = _kept(solve, park)
    base_T_camera, flange_T_board = _refined(solve, kept, park, camera)
    after = _kept(solve, base_T_camera)
    if not np.array_equal(after, kept):
        kept = after
        base_T_camera, flange_T_board = _refined(solve, kept, base_T_camera, camera)
    held = _samples(judge, camera)
    far, turned = differences(_on_flange(held, base_T_camera), flange_T_board)
    apart, apart_angle = differences(daniilidis[None], park)
    return HandEye(
        base_T_camera=geometry.pose_of(base_T_camera),
        flange_T_board=geometry.pose_of(flange_T_board),
        spread=rms(far),
        spread_angle=rms(turned),
        reprojection=rms(
            np.linalg.norm(_misses(held, base_T_camera, flange_T_board, camera), axis=1)
        ),
        methods_apart=float(apart[0]),
        methods_apart_angle=float(apart_angle[0]),
        views=int(kept.sum()),
        dropped=int((~kept).sum()),
        held_out=len(judge),
    )


def _samples(views: Sequence[View], camera: CameraSpec) -> _Samples:
    counts = [len(view.seen) for view in views]
    return _Samples(
        base_T_flange=np.array([geometry.matrix(view.base_T_flange) for view in views]),
        camera_T_board=np.array([board_in_camera(view.seen, camera) for view in views]),
        view=np.repeat(np.arange(len(views)), counts),
        points=np.concatenate([view.seen.points for view in views]),
        pixels=np.concatenate([view.seen.pixels for view in views]),
    )


def _require_turns(base_T_flange: Float64) -> None:
    """Refuse views between which the flange turns about one axis only, or hardly."""
    turns = Rotation.from_matrix(base_T_flange[:, :3, :3])
    ways = np.concatenate([(turns[:-k].inv() * turns[k:]).as_rotvec() for k in (1, 2, 3)])
    second = float(np.linalg.svd(ways, compute_uv=False)[1] / np.sqrt(len(ways)))
    if second < LEAST_TURN:
        raise ConfigError(
            f"Between the views the flange turned about a second axis by {second:.3f} rad (RMS), but {LEAST_TURN} are needed: "
            "tilt the board by 20 to 40 degrees, this way and that."
        )


def _closed_form(samples: _Samples, method: str) -> Float64:
    """base_T_camera by one of OpenCV's methods; a fixed camera takes the inverse of the robot's poses."""
    flange_T_base = np.linalg.inv(samples.base_T_flange)
    seen = samples.camera_T_board
    turn, place = cv2.calibrateHandEye(
        list(flange_T_base[:, :3, :3]),
        list(flange_T_base[:, :3, 3]),
        list(seen[:, :3, :3]),
        list(seen[:, :3, 3]),
        method=getattr(cv2, f"CALIB_HAND_EYE_{method}"),
    )
    base_T_camera = np.eye(4)
    base_T_camera[:3, :3], base_T_camera[:3, 3] = turn, np.ravel(place)
    if not np.isfinite(base_T_camera).all():
        raise ConfigError(f"The views determine no pose of the camera ({method}); take others.")
    return base_T_camera


def _on_flange(samples: _Samples, base_T_camera: Float64) -> Float64:
    """flange_T_board as each view has it by itself, (V, 4, 4)."""
    flange_T_board: Float64 = (
        np.linalg.inv(samples.base_T_flange) @ base_T_camera @ samples.camera_T_board
    )
    return flange_T_board


def _kept(samples: _Samples, base_T_camera: Float64) -> Bool:
    """Views that have the board near where the median view has it, (V,)."""
    on_flange = _on_flange(samples, base_T_camera)
    middle = np.median(on_flange[:, :3, 3], axis=0)
    return inliers(np.asarray(np.linalg.norm(on_flange[:, :3, 3] - middle, axis=1)), EXACT)


def _refined(
    samples: _Samples, kept: Bool, base_T_camera: Float64, camera: CameraSpec
) -> tuple[Float64, Float64]:
    """Both transforms, such that the corners of all kept views are seen where they ought to be.

    What the robot says of its flange is not exact either, which moves all corners of a view together. So misses are
    weighed by what corners and robot together let expect: else a third of a millimetre of the robot would count as an
    error of each of forty corners.
    """
    start = base_T_camera, mean_transform(_on_flange(samples, base_T_camera)[kept])
    weights = _weights(samples, *start, camera)

    def misses(unknown: Float64) -> Float64:
        ends = _moved(start[0], unknown[:6]), _moved(start[1], unknown[6:])
        off = _misses(samples, *ends, camera)
        weighed = [
            weights[view] @ off[samples.view == view].ravel() for view in np.flatnonzero(kept)
        ]
        return np.concatenate(weighed)

    found = least_squares(misses, np.zeros(12), loss="huber", f_scale=SOFT, x_scale="jac")
    return _moved(start[0], found.x[:6]), _moved(start[1], found.x[6:])


def _weights(
    samples: _Samples, base_T_camera: Float64, flange_T_board: Float64, camera: CameraSpec
) -> list[Float64]:
    """For every view a matrix (2 N, 2 N) after which its misses are independent, with a standard deviation of 1."""
    views = len(samples.base_T_flange)
    exact = _misses(samples, base_T_camera, flange_T_board, camera)
    slopes = []
    for column in range(6):
        shift = np.zeros((views, 6))
        shift[:, column] = ROBOT[column]
        moved = replace(samples, base_T_flange=_shifted(samples.base_T_flange, shift))
        slopes.append(_misses(moved, base_T_camera, flange_T_board, camera) - exact)
    by_robot = np.stack(slopes, axis=-1)  # (N, 2, 6) [px], for one standard deviation of the robot
    weights = []
    for view in range(views):
        along = by_robot[samples.view == view].reshape(-1, 6)
        expected = CORNER**2 * np.eye(len(along)) + along @ along.T
        weights.append(np.linalg.inv(np.linalg.cholesky(expected)))
    return weights


def _shifted(base_T_flange: Float64, shifts: Float64) -> Float64:
    """Transforms (V, 4, 4), each turned [rad] and shifted [m] by its own (V, 6)."""
    shifted = base_T_flange.copy()
    shifted[:, :3, :3] = shifted[:, :3, :3] @ Rotation.from_rotvec(shifts[:, :3]).as_matrix()
    shifted[:, :3, 3] += shifts[:, 3:]
    return shifted


def _moved(transform: Float64, change: Float64) -> Float64:
    """A transform, turned by a rotation vector [rad] about its own origin and shifted [m]; change (6,)."""
    moved = transform.copy()
    moved[:3, :3] = transform[:3, :3] @ Rotation.from_rotvec(change[:3]).as_matrix()
    moved[:3, 3] += change[3:]
    return moved


def _misses(
    samples: _Samples, base_T_camera: Float64, flange_T_board: Float64, camera: CameraSpec
) -> Float64:
    """From where corners are seen to where they ought to be, (N, 2) [px]."""
    camera_T_board = np.linalg.inv(base_T_camera) @ samples.base_T_flange @ flange_T_board
    of_view = camera_T_board[samples.view]
    points = np.einsum("nij,nj->ni", of_view[:, :3, :3], samples.points) + of_view[:, :3, 3]
    return np.asarray(project(camera, points) - samples.pixels)
