"""The pinhole of a stream, from the device itself; pictures of a lens that bends are made straight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import CameraSpec

from .config import RealSenseConfig
from .library import rs
from .remapping import Remap

MAX_BEND: Final = 0.5
"""A pinhole that is off by more than this anywhere in the picture is none [px]."""
UNDONE: Final = 0.1
"""By so much a pixel may be elsewhere after it was made straight and bent again [px]."""
_GRID: Final = 9
MIDDLE: Final = 0.5
"""The library counts from the middle of the first pixel, a `CameraSpec` from the edge of the picture [px]."""


def spec_of(intrinsics: Any, config: RealSenseConfig) -> CameraSpec:
    """The spec of a camera, once its pictures are made straight where they are bent.

    Raises:
        SpecMismatch: Its lens bends by more than `MAX_BEND`, and by a model that the library cannot undo.
    """
    bend = bend_of(intrinsics)
    if bend > MAX_BEND and _left_by_undoing(intrinsics) > UNDONE:
        coefficients = ", ".join(f"{value:.4g}" for value in intrinsics.coeffs)
        raise SpecMismatch(
            f"Camera {config.name!r} (serial {config.serial}) bends its picture by up to {bend:.1f} px "
            f"({intrinsics.model.name}: {coefficients}), and the library does not undo that, but pictures are taken for those "
            "of a pinhole. Colour of a D400 as it was sold has another model: write the factory's calibration back to it."
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
    """How far the lens is from a pinhole, at most over the picture [px]; by the library's own model of it, either way."""
    if not any(intrinsics.coeffs):
        return 0.0
    worst = 0.0
    for u, v in _grid(intrinsics):
        x, y, _ = rs.rs2_deproject_pixel_to_point(intrinsics, [u, v], 1.0)
        straight = intrinsics.ppx + intrinsics.fx * x, intrinsics.ppy + intrinsics.fy * y
        bent = rs.rs2_project_point_to_pixel(intrinsics, _ray(intrinsics, u, v))
        off = np.abs(np.array([straight, bent]) - (u, v))
        worst = max(worst, float(off.max()))
    return worst


def straightening(intrinsics: Any) -> Remap | None:
    """Makes pictures those of a pinhole of the same focal lengths and middle; None where they are."""
    if bend_of(intrinsics) <= MAX_BEND:
        return None

    def where(u: float, v: float) -> Sequence[float]:
        seen: Sequence[float] = rs.rs2_project_point_to_pixel(intrinsics, _ray(intrinsics, u, v))
        return seen

    return Remap(intrinsics.width, intrinsics.height, where)


def _left_by_undoing(intrinsics: Any) -> float:
    """How far off a pixel is, at most over the picture, once the library has undone and done again what bends it [px]."""
    worst = 0.0
    for u, v in _grid(intrinsics):
        ray = rs.rs2_deproject_pixel_to_point(intrinsics, [u, v], 1.0)
        again = np.array(rs.rs2_project_point_to_pixel(intrinsics, ray))
        worst = max(worst, float(np.abs(again - (u, v)).max()))
    return worst


def _ray(intrinsics: Any, u: float, v: float) -> list[float]:
    """Where a pinhole of the same numbers looks at a pixel."""
    return [(u - intrinsics.ppx) / intrinsics.fx, (v - intrinsics.ppy) / intrinsics.fy, 1.0]


def _grid(intrinsics: Any) -> Iterator[tuple[float, float]]:
    """Pixels all over the picture, its corners too."""
    for u in np.linspace(0, intrinsics.width - 1, _GRID):
        for v in np.linspace(0, intrinsics.height - 1, _GRID):
            yield float(u), float(v)
