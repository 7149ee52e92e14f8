"""The shortest way around things that stand in it, for many episodes at once."""

from __future__ import annotations

from math import cos, inf, pi
from typing import Final

import numpy as np

from ibc_gym.records import Bool, Float64

CORNERS: Final = 12
"""Of the polygon that is drawn around every thing."""
SLACK: Final = 0.9
"""A way is clear from this share of the clearance on, so that one who is pushed off it a little need not turn back."""
REACHED: Final = 0.004
"""A corner so near is left out: the direction to it says nothing [m]."""

Box = tuple[tuple[float, float], tuple[float, float]]
"""Least and greatest (x, y) [m]."""
ANYWHERE: Final[Box] = ((-inf, -inf), (inf, inf))


def next_corner(
    start: Float64, goal: Float64, obstacles: Float64, clearance: float, within: Box
) -> Float64:
    """The first point to make for on the shortest way from start to goal that keeps its distance to all obstacles.

    Corners of polygons around the obstacles are joined where one is seen from the other (a visibility graph). One who
    is too near to begin with may leave, but not come nearer; where there is no way, the straight one is given.

    Args:
        start: (B, 2) [m]
        goal: (B, 2) [m]
        obstacles: Centres, (B, K, 2) [m].
        clearance: Least distance to them [m].
        within: Where corners may be.

    Returns:
        The goal itself where nothing is in the way, (B, 2) [m].
    """
    corner = goal.copy()
    # What is near to either end may be passed as near as that end is.
    ends = np.stack([start, goal], axis=1)
    near = np.linalg.norm(ends[:, :, None] - obstacles[:, None], axis=3).min(axis=1)
    radii = np.minimum(SLACK * clearance, near - 1e-6)  # (B, K)
    blocked = ~_clear(start[:, None], goal[:, None], obstacles, radii)[:, 0, 0]
    for row in np.flatnonzero(blocked):
        corner[row] = _first_of_shortest(
            start[row], goal[row], obstacles[row], radii[row], clearance, within
        )
    return corner


def _first_of_shortest(
    start: Float64, goal: Float64, obstacles: Float64, radii: Float64, clearance: float, within: Box
) -> Float64:
    """The first corner of one way, (2,); everything without the leading B."""
    angles = np.arange(CORNERS) * (2 * pi / CORNERS)
    ring = clearance / cos(pi / CORNERS) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    corners = (obstacles[:, None] + ring).reshape(-1, 2)
    inside = ((corners >= within[0]) & (corners <= within[1])).all(axis=1)
    # A corner that is too near to another obstacle is on no clear way.
    off = np.linalg.norm(corners[:, None] - obstacles, axis=2)
    nodes = np.concatenate([goal[None], corners[inside & (off > radii).all(axis=1)]])  # (N, 2)
    onward = _lengths(nodes, nodes, obstacles, radii)
    left = np.full(len(nodes), np.inf)  # the way left from every node to the goal
    left[0] = 0.0
    for _ in nodes:
        shorter = np.minimum(left, (onward + left).min(axis=1))
        if np.array_equal(shorter, left):
            break
        left = shorter
    first = _lengths(start[None], nodes, obstacles, radii)[0]
    first[1:][first[1:] < REACHED] = np.inf
    total = first + left
    best = total.argmin() if np.isfinite(total.min()) else 0
    found: Float64 = nodes[best]
    return found


def _lengths(a: Float64, b: Float64, obstacles: Float64, radii: Float64) -> Float64:
    """From every a (M, 2) to every b (N, 2) [m], infinite where something is in the way, (M, N)."""
    length: Float64 = np.linalg.norm(a[:, None] - b, axis=2)
    length[~_clear(a, b, obstacles, radii)] = np.inf
    return length


def _clear(a: Float64, b: Float64, obstacles: Float64, radii: Float64) -> Bool:
    """Whether the straight ways from every a to every b pass all obstacles further off than their radii, (..., M, N)."""
    # x and y apart and the obstacles one by one: this is where the time goes.
    (ax, ay), (bx, by) = (_split(a)[..., :, None], _split(b)[..., None, :])
    wx, wy = bx - ax, by - ay
    square = np.maximum(wx * wx + wy * wy, 1e-12)
    clear: Bool = np.ones(wx.shape, dtype=np.bool_)
    for k in range(obstacles.shape[-2]):
        ox, oy = _split(obstacles[..., k, :])[..., None, None] - np.stack([ax, ay])
        share = np.clip((ox * wx + oy * wy) / square, 0.0, 1.0)
        dx, dy = ox - share * wx, oy - share * wy
        clear &= np.sqrt(dx * dx + dy * dy) > radii[..., k, None, None]
    return clear


def _split(points: Float64) -> Float64:
    """(..., 2) as (2, ...)."""
    return np.moveaxis(points, -1, 0)
