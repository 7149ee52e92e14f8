"""The cameras that are emulated: lenses, stereo base and where depth is seen from, from the series' data sheet.

Units differ by a few percent from one to the next, so a driver reads these from the device; here they are its device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Final

from ibc_gym.errors import UnknownName
from ibc_gym.records import CameraSpec


@dataclass(frozen=True, kw_only=True)
class Lens:
    """A pinhole."""

    width: int
    """[px]"""
    height: int
    """[px]"""
    fx: float
    """[px]"""
    fy: float
    cx: float
    """Principal point from the left edge [px]."""
    cy: float


def lens_of(spec: CameraSpec) -> Lens:
    """The pinhole that a camera of a simulator renders through, for a device that is fed from it."""
    return Lens(
        width=spec.width, height=spec.height, fx=spec.fx, fy=spec.fy, cx=spec.cx, cy=spec.cy
    )


@dataclass(frozen=True, kw_only=True)
class CameraModel:
    """What one model of camera is like."""

    name: str
    stereo_base: float
    """Between its two infrared imagers [m]."""
    depth_offset: float
    """x of a point as the colour imager sees it, less its x in the depth's frame, that of the left infrared imager [m]."""
    depth_focal: Mapping[tuple[int, int], float]
    """Focal length of depth by size [px]."""
    colour_focal: Mapping[tuple[int, int], float]
    """Focal length of colour by size [px]."""
    least_depth: Mapping[int, float]
    """Nothing nearer is measured, by the width of the depth picture [m]."""

    def depth_lens(self, width: int, height: int) -> Lens:
        """The depth's pinhole at one of its sizes."""
        return _lens(self.depth_focal, width, height, f"depth size of the {self.name}")

    def colour_lens(self, width: int, height: int) -> Lens:
        """The colour's pinhole at one of its sizes."""
        return _lens(self.colour_focal, width, height, f"colour size of the {self.name}")

    def nearest(self, width: int) -> float:
        """Nothing nearer than this is measured at that width [m]."""
        return self.least_depth[min(self.least_depth, key=lambda known: abs(known - width))]


def _lens(focal: Mapping[tuple[int, int], float], width: int, height: int, what: str) -> Lens:
    if (width, height) not in focal:
        raise UnknownName(what, f"{width}x{height}", [f"{w}x{h}" for w, h in focal])
    f = focal[width, height]
    return Lens(width=width, height=height, fx=f, fy=f, cx=width / 2, cy=height / 2)


def _scaled(at_720: float, sizes: tuple[tuple[int, int], ...]) -> dict[tuple[int, int], float]:
    """Focal lengths of sizes that show the full height of the imager."""
    return {size: at_720 * size[1] / 720 for size in sizes}


_WIDE: Final = ((1280, 720), (848, 480), (640, 360), (424, 240))
# Not quite the depth's of the D415, as in every unit: with equal ones the library's alignment, which rounds to pixels,
# leaves rows of holes that no real camera has.
_COLOUR: Final = _scaled(925.0, (*_WIDE, (1920, 1080), (960, 540), (640, 480), (320, 240)))

D415: Final = CameraModel(
    name="Intel RealSense D415",
    stereo_base=0.055,
    depth_offset=0.015,
    depth_focal=_scaled(920.0, (*_WIDE, (640, 480), (480, 270))),
    colour_focal=_COLOUR,
    least_depth={1280: 0.45, 848: 0.31, 640: 0.31},
)
D435: Final = CameraModel(
    name="Intel RealSense D435",
    stereo_base=0.050,
    depth_offset=0.015,
    depth_focal={**_scaled(640.0, (*_WIDE, (480, 270))), (640, 480): 385.0},
    colour_focal=_COLOUR,
    least_depth={1280: 0.28, 848: 0.195, 640: 0.175},
)
D455: Final = CameraModel(
    name="Intel RealSense D455",
    stereo_base=0.095,
    depth_offset=-0.059,
    depth_focal={**_scaled(640.0, (*_WIDE, (480, 270))), (640, 480): 384.0},
    colour_focal={**_scaled(640.0, (*_WIDE, (480, 270))), (640, 480): 384.0, (1280, 800): 640.0},
    least_depth={1280: 0.52, 848: 0.35, 640: 0.32},
)
MODELS: Final[Mapping[str, CameraModel]] = {"D415": D415, "D435": D435, "D455": D455}

FILMING: Final = ((640, 360), (640, 480))
"""Modes in which the emulated table is filmed [px]."""
ASIDE: Final = (3.4, -2.2)
"""From the middle of the picture to the principal point [px]: no unit has its lens quite in the middle."""


def filmed(spec: CameraSpec) -> tuple[str, CameraSpec]:
    """The model that sees all that a scene's camera does, and how: its true lens, at the place of the scene's camera.

    What no model sees, such as an angle of 100 degrees, is filmed through a lens that a D415 does not have.
    """
    for name, model in MODELS.items():
        lenses = [_aside(model.colour_lens(*size)) for size in FILMING]
        fine = [lens for lens in lenses if _sees(lens, spec)]
        if fine:
            lens = max(fine, key=lambda each: each.fx)
            return name, replace(spec, **asdict(lens), depth=True)
    return "D415", _enlarged(spec, FILMING[0][0])


def _aside(lens: Lens) -> Lens:
    return replace(lens, cx=lens.cx + ASIDE[0], cy=lens.cy + ASIDE[1])


def _sees(lens: Lens, spec: CameraSpec) -> bool:
    """Whether a lens sees whatever a camera does."""
    right, down = lens.fx / spec.fx, lens.fy / spec.fy  # of its pixels in the camera's
    left, top = lens.cx - right * spec.cx, lens.cy - down * spec.cy
    inside = left + right * spec.width <= lens.width and top + down * spec.height <= lens.height
    return min(left, top) >= 0 and inside


def _enlarged(spec: CameraSpec, width: int) -> CameraSpec:
    """The same view in so many pixels across."""
    scale = width / spec.width
    return replace(
        spec,
        width=width,
        height=round(scale * spec.height),
        fx=scale * spec.fx,
        fy=scale * spec.fy,
        cx=scale * spec.cx,
        cy=scale * spec.cy,
        depth=True,
    )
