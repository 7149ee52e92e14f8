"""What the lens does: focal lengths and principal point from pictures of the board, beside what the device says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import CameraSpec, Float64

from .board import HALF_PIXEL, Detection
from .library import cv2
from .selection import hold_out, inliers, rms
from .views import board_in_camera, matrix_of, project

LEAST_VIEWS: Final = 8
LEAST_CORNERS: Final = 8
"""Of one picture."""
EXACT: Final = 0.3
"""Pictures in which the corners are off by less than this are never dropped [px]."""


@dataclass(frozen=True, kw_only=True)
class Intrinsics:
    """A pinhole, and how well it explains the pictures."""

    width: int
    """[px]"""
    height: int
    """[px]"""
    fx: float
    """Focal length [px]."""
    fy: float
    cx: float
    """Principal point from the left edge, as in `CameraSpec` [px]."""
    cy: float
    reprojection: float
    """Distance of seen corners from where the pinhole has them, over the pictures that were held out (RMS) [px]."""
    bend: float
    """How far a lens with radial distortion, fitted to the same corners, is from a pinhole there, at most [px]."""
    views: int
    """Pictures that it was solved from."""
    dropped: int
    """Pictures that were far off."""
    held_out: int

    @property
    def errors(self) -> dict[str, float]:
        """What a bound is set on."""
        return {"reprojection_px": self.reprojection, "bend_px": self.bend}

    def camera(self, device: CameraSpec) -> CameraSpec:
        """The device's spec with these numbers in it."""
        return replace(device, fx=self.fx, fy=self.fy, cx=self.cx, cy=self.cy)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How found intrinsics differ from the device's own."""

    focal: float
    """Greater relative difference of the two focal lengths."""
    centre: float
    """Distance of the principal points [px]."""
    worst: float
    """Greatest distance between where both see the same direction, over the corners of the picture [px]."""


def solve_intrinsics(seen: Sequence[Detection], device: CameraSpec) -> Intrinsics:
    """Find the pinhole.

    Args:
        seen: Corners of the board in many pictures, tilted this way and that, near and far, all over the picture.
        device: Size of the pictures, and where the search begins.

    Raises:
        ConfigError: There are too few pictures with enough corners.
    """
    enough = [picture for picture in seen if len(picture) >= LEAST_CORNERS]
    if len(enough) < LEAST_VIEWS:
        raise ConfigError(
            f"{len(enough)} of {len(seen)} pictures show {LEAST_CORNERS} corners of the board or more, but "
            f"{LEAST_VIEWS} are needed. Is it the board that was printed, in focus, and well lit?"
        )
    solve, judge = hold_out(enough)
    matrix, _, errors = _calibrate(solve, device, bent=False)
    kept = inliers(errors, EXACT)
    if not kept.all():
        solve = [picture for picture, good in zip(solve, kept, strict=True) if good]
        matrix, _, _ = _calibrate(solve, device, bent=False)
    found = _as_camera(matrix, device)
    return Intrinsics(
        width=device.width,
        height=device.height,
        fx=found.fx,
        fy=found.fy,
        cx=found.cx,
        cy=found.cy,
        reprojection=rms(np.concatenate([_residuals(picture, found) for picture in judge])),
        bend=_bend(solve, device),
        views=len(solve),
        dropped=int((~kept).sum()),
        held_out=len(judge),
    )


def compare(found: Intrinsics, device: CameraSpec) -> Comparison:
    """Hold found intrinsics against the device's own.

    Raises:
        SpecMismatch: They are of pictures of another size.
    """
    if (found.width, found.height) != (device.width, device.height):
        raise SpecMismatch(
            f"Intrinsics of {found.width} x {found.height} px do not fit camera {device.name!r}, which gives "
            f"{device.width} x {device.height} px."
        )
    corners = np.array([[u, v] for u in (0.0, device.width) for v in (0.0, device.height)])
    rays = (corners - (device.cx, device.cy)) / (device.fx, device.fy)
    again = project(found.camera(device), np.column_stack([rays, np.ones(len(rays))]))
    return Comparison(
        focal=max(abs(found.fx / device.fx - 1), abs(found.fy / device.fy - 1)),
        centre=float(np.hypot(found.cx - device.cx, found.cy - device.cy)),
        worst=float(np.linalg.norm(again - corners, axis=1).max()),
    )


def _calibrate(
    seen: Sequence[Detection], device: CameraSpec, *, bent: bool
) -> tuple[Float64, Float64, Float64]:
    """Camera matrix (3, 3), distortion (5,) and error of each picture [px], (N,)."""
    flags = cv2.CALIB_USE_INTRINSIC_GUESS | cv2.CALIB_ZERO_TANGENT_DIST
    flags |= cv2.CALIB_FIX_K2 | cv2.CALIB_FIX_K3  # more coefficients would fit the noise
    answer: Any = cv2.calibrateCameraExtended(
        [picture.points.astype(np.float32) for picture in seen],
        [(picture.pixels - HALF_PIXEL).astype(np.float32) for picture in seen],
        (device.width, device.height),
        matrix_of(device),
        np.zeros(5),
        flags=flags if bent else flags | cv2.CALIB_FIX_K1,
    )
    _, matrix, distortion, *_, errors = answer
    return np.asarray(matrix), np.ravel(distortion), np.ravel(errors)


def _as_camera(matrix: Float64, device: CameraSpec) -> CameraSpec:
    return replace(
        device,
        fx=float(matrix[0, 0]),
        fy=float(matrix[1, 1]),
        cx=float(matrix[0, 2]) + HALF_PIXEL,
        cy=float(matrix[1, 2]) + HALF_PIXEL,
    )


def _residuals(picture: Detection, camera: CameraSpec) -> Float64:
    """Distances of seen corners from where they ought to be (N,) [px]."""
    camera_T_board = board_in_camera(picture, camera)
    points = picture.points @ camera_T_board[:3, :3].T + camera_T_board[:3, 3]
    return np.asarray(np.linalg.norm(project(camera, points) - picture.pixels, axis=1))


def _bend(seen: Sequence[Detection], device: CameraSpec) -> float:
    """How far a lens with radial distortion, fitted to the corners, is from its nearest pinhole there, at most [px]."""
    matrix, distortion, _ = _calibrate(seen, device, bent=True)
    pixels = np.concatenate([picture.pixels for picture in seen])
    rays = cv2.undistortPoints((pixels - HALF_PIXEL)[:, None], matrix, distortion).reshape(-1, 2)
    off = np.empty_like(pixels)
    for axis in (0, 1):
        line = np.polyfit(rays[:, axis], pixels[:, axis], 1)
        off[:, axis] = np.polyval(line, rays[:, axis]) - pixels[:, axis]
    return float(np.linalg.norm(off, axis=1).max())
