"""The black fixtures that toys are pushed into: a U of three walls that stands still, and what it means to be in it.

The paper says of the real ones that they were built by hand of wood and painted black; shape, lengths and places are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin
from typing import Final

from ibc_gym.records import Pose

from ..scene_spec import Body, Shape
from .real_stage import GRAPHITE

WALL: Final = 0.012
"""Thickness of the walls [m]."""
WALL_HEIGHT: Final = 0.03
"""Lower than a toy, so that toys are seen over it [m]."""


@dataclass(frozen=True, kw_only=True)
class Pocket:
    """A rectangle on the table with walls on three sides, seen along an axis that leads into it."""

    centre: tuple[float, float]
    """Middle of the rectangle [m]."""
    yaw: float
    """Of the axis [rad]."""
    width: float
    """Between the side walls [m]."""
    depth: float
    """From the mouth to the end wall [m]."""

    def along(self, pose: Pose) -> tuple[float, float]:
        """How far a thing is beyond the middle, and how far to the left of it, as seen when looking in [m]."""
        x, y, _ = pose.position.tolist()
        dx, dy = x - self.centre[0], y - self.centre[1]
        c, s = cos(self.yaw), sin(self.yaw)
        return c * dx + s * dy, c * dy - s * dx

    def holds(self, pose: Pose, tolerance: float) -> bool:
        """Whether a thing's centre is between the walls and not over `tolerance` [m] short of the middle."""
        ahead, aside = self.along(pose)
        return -tolerance < ahead < self.depth / 2 and abs(aside) < self.width / 2

    def body(self, name: str) -> Body:
        """The walls."""
        half, length = (self.width + WALL) / 2, self.depth + WALL
        return Body(
            name=name,
            motion="fixed",
            friction=0.5,
            position=(*self.centre, 0.0),
            quaternion=(cos(self.yaw / 2), 0.0, 0.0, sin(self.yaw / 2)),
            shapes=(
                _wall((WALL, self.width), ((self.depth + WALL) / 2, 0.0)),
                *(_wall((length, WALL), (WALL / 2, side * half)) for side in (-1, 1)),
            ),
        )


def _wall(size: tuple[float, float], centre: tuple[float, float]) -> Shape:
    return Shape(
        kind="box",
        size=(*size, WALL_HEIGHT),
        position=(*centre, WALL_HEIGHT / 2),
        colour=GRAPHITE,
    )
