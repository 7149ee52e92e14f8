"""The toys of the real experiments, made of boxes: a cube, a moon and a star, about as large as those of the shape sorter.

Lengths, mass and friction are those of the released toys, whose meshes we do not have. Their outlines are drawn with
upright boxes, so that both simulators build the same solid. Boxes that overlap count twice in the inertia, which is that
of a toy a little heavier in the middle. The frame of a toy is at its centre of mass.
"""

from __future__ import annotations

from math import cos, pi, radians, sin
from typing import Final

import numpy as np

from ..scene_spec import Body, Colour, Shape

HEIGHT: Final = 0.0381
MASS: Final = 0.01
"""[kg]"""
FRICTION: Final = 0.5
CUBE_SIDE: Final = 0.0397
WIDEST: Final = 0.029
"""From the centre of any of them to its furthest point [m], rounded up."""

RED: Final[Colour] = (0.84, 0.16, 0.18)
GREEN: Final[Colour] = (0.20, 0.62, 0.30)
BLUE: Final[Colour] = (0.13, 0.36, 0.82)
YELLOW: Final[Colour] = (0.98, 0.80, 0.10)

Slab = tuple[float, float, float, float, float]
"""A box seen from above: centre x and y, edges along its own x and y [m], yaw [rad]."""


def cube(name: str, colour: Colour) -> Body:
    """A cube of 39.7 mm, 1.6 mm less high."""
    return _toy(name, colour, [(0.0, 0.0, CUBE_SIDE, CUBE_SIDE, 0.0)])


def star(name: str, colour: Colour) -> Body:
    """A star with five blunt points, 43 mm wide: five squares that have a corner in the middle."""
    half = 0.0114  # diagonal of a square
    slabs: list[Slab] = []
    for arm in range(5):
        angle = 2 * pi * arm / 5
        side = half * 2**0.5
        slabs.append((half * cos(angle), half * sin(angle), side, side, angle + pi / 4))
    return _toy(name, colour, slabs)


def moon(name: str, colour: Colour) -> Body:
    """A crescent, 52 by 26 mm: five boxes along an arc, thinner to its ends."""
    outer = 0.0255
    slabs: list[Slab] = []
    for degrees, length, thickness in (
        (-66, 0.016, 0.008),
        (-34, 0.016, 0.012),
        (0, 0.016, 0.014),
        (34, 0.016, 0.012),
        (66, 0.016, 0.008),
    ):
        angle, middle = radians(degrees), outer - thickness / 2
        slabs.append((middle * cos(angle), middle * sin(angle), thickness, length, angle))
    return _toy(name, colour, slabs)


def _toy(name: str, colour: Colour, slabs: list[Slab]) -> Body:
    """A body of upright boxes about their common centre."""
    areas = np.array([length * width for _, _, length, width, _ in slabs])
    x, y = (float(areas @ [slab[axis] for slab in slabs] / areas.sum()) for axis in (0, 1))
    return Body(
        name=name,
        motion="free",
        mass=MASS,
        friction=FRICTION,
        position=(0.375, 0.0, HEIGHT / 2),
        shapes=tuple(
            Shape(
                kind="box",
                size=(slab[2], slab[3], HEIGHT),
                position=(slab[0] - x, slab[1] - y, 0.0),
                quaternion=(cos(slab[4] / 2), 0.0, 0.0, sin(slab[4] / 2)),
                colour=colour,
            )
            for slab in slabs
        ),
    )
