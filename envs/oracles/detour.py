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
    if blocked.any():
        rows = np.flatnonzero(blocked)
        corner[rows] = _first_of_shortest(
            start[rows], goal[rows], obstacles[rows], radii[rows], clearance, within
        )
    return corner


def _first_of_shortest(
    start: Float64, goal: Float64, obstacles: Float64, radii: Float64, clearance: float, within: Box
) -> Float64:
    angles = np.arange(CORNERS) * (2 * pi / CORNERS)
    ring = clearance / cos(pi / CORNERS) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    corners = (obstacles[:, :, None] + ring).reshape(len(start), -1, 2)
    nodes = np.concatenate([goal[:, None], corners], axis=1)  # (B, N, 2)
    inside: Bool = np.asarray(((nodes >= within[0]) & (nodes <= within[1])).all(axis=2))
    inside[:, 0] = True
    onward = _lengths(nodes, nodes, obstacles, radii)
    onward[~inside] = np.inf
    left = np.full(inside.shape, np.inf)  # the way left from every node to the goal, (B, N)
    left[:, 0] = 0.0
    for _ in range(nodes.shape[1]):
        shorter = np.minimum(left, (onward + left[:, None]).min(axis=2))
        if np.array_equal(shorter, left):
            break
        left = shorter
    first = _lengths(start[:, None], nodes, obstacles, radii)[:, 0]
    first[:, 1:][first[:, 1:] < REACHED] = np.inf
    total = first + left
    best = total.argmin(axis=1)
    best[~np.isfinite(total.min(axis=1))] = 0
    found: Float64 = nodes[np.arange(len(nodes)), best]
    return found


def _lengths(a: Float64, b: Float64, obstacles: Float64, radii: Float64) -> Float64:
    """From every a (B, M, 2) to every b (B, N, 2) [m], infinite where something is in the way, (B, M, N)."""
    length: Float64 = np.linalg.norm(a[:, :, None] - b[:, None], axis=3)
    length[~_clear(a, b, obstacles, radii)] = np.inf
    return length


def _clear(a: Float64, b: Float64, obstacles: Float64, radii: Float64) -> Bool:
    """Whether the straight ways from every a to every b pass all obstacles further off than their radii, (B, M, N)."""
    a, b = a[:, :, None, None], b[:, None, :, None]  # (B, M, 1, 1, 2), (B, 1, N, 1, 2)
    centres = obstacles[:, None, None]  # (B, 1, 1, K, 2)
    way = b - a
    share = ((centres - a) * way).sum(axis=-1) / np.maximum((way * way).sum(axis=-1), 1e-12)
    nearest = a + np.clip(share, 0.0, 1.0)[..., None] * way
    off = np.linalg.norm(centres - nearest, axis=-1)
    clear: Bool = (off > radii[:, None, None]).all(axis=-1)
    return clear
