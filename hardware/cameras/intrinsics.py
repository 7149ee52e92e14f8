"""The pinhole of a stream, from the device itself; a lens that bends too much is refused."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import CameraSpec

from .config import RealSenseConfig
from .library import rs

MAX_BEND: Final = 0.5
"""A pinhole that is off by more than this anywhere in the picture is none [px]."""
_GRID: Final = 9
MIDDLE: Final = 0.5
"""The library counts from the middle of the first pixel, a `CameraSpec` from the edge of the picture [px]."""


def spec_of(intrinsics: Any, config: RealSenseConfig) -> CameraSpec:
    """The spec of a camera.

    Raises:
        SpecMismatch: Its lens bends by more than `MAX_BEND`, which a `CameraSpec` cannot say.
    """
    bend = bend_of(intrinsics)
    if bend > MAX_BEND:
        coefficients = ", ".join(f"{value:.4g}" for value in intrinsics.coeffs)
        raise SpecMismatch(
            f"Camera {config.name!r} (serial {config.serial}) bends its picture by up to {bend:.1f} px "
            f"({intrinsics.model.name}: {coefficients}), but pictures are taken for those of a pinhole. "
            "A D415 or D435 as it was sold has no such distortion: write the factory's calibration back to it."
        )
    return CameraSpec(
        name=config.name,
        width=intrinsics.width,
        height=intrinsics.height,
        fx=intrinsics.fx,
        fy=intrinsics.fy,
        cx=intrinsics.ppx + MIDDLE,
        cy=intrinsics.ppy + MIDDLE,
        position=config.pose.position,
        quaternion=config.pose.quaternion,
    )


def bend_of(intrinsics: Any) -> float:
    """How far the lens is from a pinhole, at most over the picture [px]; by the library's own model of it."""
    if not any(intrinsics.coeffs):
        return 0.0
    pinhole = np.array([intrinsics.ppx, intrinsics.ppy])
    focal = np.array([intrinsics.fx, intrinsics.fy])
    worst = 0.0
    for u in np.linspace(0, intrinsics.width - 1, _GRID):
        for v in np.linspace(0, intrinsics.height - 1, _GRID):
            ray = rs.rs2_deproject_pixel_to_point(intrinsics, [float(u), float(v)], 1.0)
            straight = pinhole + focal * np.array(ray[:2])
            worst = max(worst, float(np.abs(straight - (u, v)).max()))
    return worst
