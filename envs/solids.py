"""Volume and inertia of primitive solids: what a body weighs where, when its mass is spread evenly."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, prod

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64

from .scene_spec import Body, Shape


@dataclass(frozen=True, kw_only=True, eq=False)
class MassProperties:
    """Of a rigid body, in its own frame."""

    centre: Float64
    """(3,) [m]"""
    inertia: Float64
    """(3, 3), about the centre of mass [kg m^2]."""


def mass_properties(body: Body) -> MassProperties:
    """Centre and inertia of a body's colliding shapes at even density; shapes that overlap count twice there."""
    shapes = [shape for shape in body.shapes if shape.collides]
    if not shapes:
        return MassProperties(centre=np.zeros(3), inertia=np.zeros((3, 3)))
    volumes = np.array([volume(shape) for shape in shapes])
    shares = volumes / volumes.sum()
    centres = np.array([shape.position for shape in shapes])
    centre = shares @ centres
    total = np.zeros((3, 3))
    for shape, mass, at in zip(shapes, body.mass * shares, centres - centre, strict=True):
        turn = geometry.rotation(np.array(shape.quaternion)).as_matrix()
        own = mass * turn @ np.diag(gyration(shape)) @ turn.T
        total += own + mass * (at @ at * np.eye(3) - np.outer(at, at))
    return MassProperties(centre=centre, inertia=total)


def volume(shape: Shape) -> float:
    """Of the solid [m^3]."""
    size = shape.size
    if shape.kind == "box":
        return prod(size)
    if shape.kind == "cylinder":
        return pi * size[0] ** 2 * size[1]
    if shape.kind == "capsule":
        return pi * size[0] ** 2 * (size[1] + 4 / 3 * size[0])
    return 4 / 3 * pi * prod(_radii(shape))


def gyration(shape: Shape) -> tuple[float, float, float]:
    """Inertia about the solid's own centre and axes per unit of mass [m^2]."""
    size = shape.size
    if shape.kind == "box":
        x, y, z = (edge**2 / 12 for edge in size)
        return y + z, x + z, x + y
    if shape.kind == "cylinder":
        r, h = size
        across = r**2 / 4 + h**2 / 12
        return across, across, r**2 / 2
    if shape.kind == "capsule":
        r, h = size
        caps = 4 / 3 * r / (h + 4 / 3 * r)  # their part of the whole
        middle = 1 - caps
        across = middle * (h**2 / 12 + r**2 / 4) + caps * (2 / 5 * r**2 + h**2 / 4 + 3 / 8 * h * r)
        return across, across, middle * r**2 / 2 + caps * 2 / 5 * r**2
    x, y, z = (radius**2 / 5 for radius in _radii(shape))
    return y + z, x + z, x + y


def _radii(shape: Shape) -> tuple[float, ...]:
    return shape.size * 3 if shape.kind == "sphere" else shape.size
