"""A picture of the particle's world: path dotted black, set-points red crosses, first goal green, second blue.

In two dimensions a map seen from above; otherwise one panel per dimension, over time. As the published figures show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from ibc_gym.records import CameraSpec, Float64, Int64, UInt8, Variation

from ..randomisation import mixed

SIDE = 256
"""Width and height of a picture [px]."""
LOW, HIGH = -0.1, 1.1
"""The part of every axis that is shown [m]."""
SCALE = SIDE / (HIGH - LOW)
"""Of the map [px/m]."""

WHITE, GREY, BLACK = (255, 255, 255), (215, 215, 215), (20, 20, 20)
RED, GREEN, BLUE = (214, 39, 40), (34, 139, 34), (31, 87, 200)
PALE_GREEN, PALE_BLUE = (200, 232, 200), (202, 216, 246)

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours, and how large marks are drawn."""

    paper: Colour = WHITE
    point: Colour = BLACK
    set_point: Colour = RED
    goals: tuple[Colour, Colour] = (GREEN, BLUE)
    zones: tuple[Colour, Colour] = (PALE_GREEN, PALE_BLUE)
    """Of the discs within which a goal is visited."""
    marks: float = 1.0
    """Size of points and crosses, as a multiple of the usual one."""

    @classmethod
    def of(cls, variation: Variation) -> Look:
        """The look of a varied world; a goal's disc goes the same way as its middle."""

        def varied(colour: Colour, owner: str) -> Colour:
            r, g, b = (part / 255 for part in colour)
            r, g, b = mixed((r, g, b), owner, variation)
            return (round(255 * r), round(255 * g), round(255 * b))

        return cls(
            paper=varied(WHITE, "paper"),
            point=varied(BLACK, "point"),
            set_point=varied(RED, "set_point"),
            goals=(varied(GREEN, "first_goal"), varied(BLUE, "second_goal")),
            zones=(varied(PALE_GREEN, "first_goal"), varied(PALE_BLUE, "second_goal")),
            marks=variation.get("size.marks", 1.0),
        )


USUAL = Look()


def camera_spec() -> CameraSpec:
    """A pinhole one metre above the middle of the map; it holds for the map alone."""
    middle = (LOW + HIGH) / 2
    return CameraSpec(
        name="view",
        width=SIDE,
        height=SIDE,
        fx=SCALE,
        fy=SCALE,
        cx=(SIDE - 1) / 2,
        cy=(SIDE - 1) / 2,
        position=(middle, middle, 1.0),
        quaternion=(0.0, 1.0, 0.0, 0.0),
    )


def draw(
    path: Float64,
    set_points: Float64,
    goals: Float64,
    *,
    horizon: int,
    tolerance: float,
    look: Look = USUAL,
) -> UInt8:
    """Draw an episode so far.

    Args:
        path: Where the point was, (T + 1, N) [m].
        set_points: Where it was told to go, (T, N) [m].
        goals: First and second goal, (2, N) [m].
        horizon: Length of the time axis [steps].
        tolerance: Radius of a goal [m].
        look: Of everything.

    Returns:
        (SIDE, SIDE, 3), RGB.
    """
    image = np.full((SIDE, SIDE, 3), look.paper, dtype=np.uint8)
    if path.shape[1] == 2:
        _draw_map(image, path, set_points, goals, tolerance, look)
    else:
        _draw_series(image, path, set_points, goals, horizon, look)
    return image


def _draw_map(
    image: UInt8,
    path: Float64,
    set_points: Float64,
    goals: Float64,
    tolerance: float,
    look: Look,
) -> None:
    def at(points: Float64) -> Float64:
        """Rows and columns of positions (K, 2)."""
        return (np.stack([HIGH - points[:, 1], points[:, 0] - LOW], axis=1)) * SCALE - 0.5

    corner = at(np.array([[0.0, 1.0], [1.0, 0.0]])).round().astype(np.int64)
    (top, left), (bottom, right) = corner
    image[top : bottom + 1, [left, right]] = GREY
    image[[top, bottom], left : right + 1] = GREY
    for goal, pale, full in zip(goals, look.zones, look.goals, strict=True):
        _stamp(image, at(goal[None]), _disc(tolerance * SCALE), pale)
        _stamp(image, at(goal[None]), _disc(3.0 * look.marks), full)
    _stamp(image, at(set_points), _cross(round(3 * look.marks)), look.set_point)
    _stamp(image, at(path), _disc(1.2 * look.marks), look.point)
    _stamp(image, at(path[-1:]), _disc(4.0 * look.marks), look.point)


def _draw_series(
    image: UInt8,
    path: Float64,
    set_points: Float64,
    goals: Float64,
    horizon: int,
    look: Look,
) -> None:
    across = ceil(sqrt(path.shape[1]))
    side = SIDE // across
    inner = side - 4  # a margin of two pixels on every side
    times = np.arange(len(path)) / max(horizon, len(path) - 1)
    for axis in range(path.shape[1]):
        row, column = divmod(axis, across)
        panel = image[row * side : (row + 1) * side, column * side : (column + 1) * side]
        panel[2 : 2 + inner, [2, 1 + inner]] = GREY
        panel[[2, 1 + inner], 2 : 2 + inner] = GREY

        def at(when: Float64, values: Float64) -> Float64:
            """Rows and columns within the panel of values (K,) at times in [0, 1]."""
            height = (HIGH - values) / (HIGH - LOW)
            return np.stack([2 + height * (inner - 1), 2 + when * (inner - 1)], axis=1)

        for goal, colour in zip(goals[:, axis], look.goals, strict=True):
            level = round(float(at(np.zeros(1), goal[None])[0, 0]))
            panel[level, 2 : 2 + inner] = colour
        small = 1 if across > 2 else 2
        cross, dot = _cross(round(small * look.marks)), _disc((small - 0.8) * look.marks)
        _stamp(panel, at(times[1:], set_points[:, axis]), cross, look.set_point)
        _stamp(panel, at(times, path[:, axis]), dot, look.point)


def _stamp(image: UInt8, at: Float64, shape: Int64, colour: Colour) -> None:
    """Colour the pixels of a shape (M, 2) around each place (K, 2); what falls outside is left away."""
    pixels = (np.rint(at).astype(np.int64)[:, None] + shape).reshape(-1, 2)
    pixels = pixels[((pixels >= 0) & (pixels < image.shape[:2])).all(axis=1)]
    image[pixels[:, 0], pixels[:, 1]] = colour


def _disc(radius: float) -> Int64:
    """Pixels within `radius` [px] of the middle, (M, 2)."""
    reach = np.arange(-ceil(radius), ceil(radius) + 1)
    rows, columns = np.meshgrid(reach, reach, indexing="ij")
    inside = rows**2 + columns**2 <= radius**2
    return np.stack([rows[inside], columns[inside]], axis=1)


def _cross(reach: int) -> Int64:
    """Pixels of two crossed diagonals, (M, 2)."""
    arm = np.arange(-reach, reach + 1)
    return np.concatenate([np.stack([arm, arm], axis=1), np.stack([arm, -arm], axis=1)])
