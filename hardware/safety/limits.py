"""What a robot may be asked for, as numbers, and the nearest to a wish that they allow.

Everything here is about commanded targets. A target that is sent lies in a convex region, and so does the one before it;
on the straight way from one to the other there is always something that is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, hypot, sin
from typing import Final

import numpy as np

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float64

SETTLING: Final = 8
"""How often a point is brought to the faces it is behind before it is taken along the way from the last point instead."""
ROUNDING: Final = 1e-9
"""By which a point may be behind a face [m], or an angle over its bound [rad]."""

Face = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class SafetyLimits:
    """Bounds on what is commanded; None, or an empty tuple, is no bound.

    They come on top of the robot's own `RobotLimits`, whose workspace every robot keeps by itself.
    """

    workspace: tuple[Face, ...] = ()
    """Faces (a, b, c, d) of a convex polytope: a x + b y + c z <= d for the tool tip [m], (a, b, c) of any length."""
    height: tuple[float, float] | None = None
    """Least and greatest height of the tool tip [m]."""
    speed: float | None = None
    """Of the commanded tool tip [m/s]."""
    turning_speed: float | None = None
    """Of the commanded tool [rad/s]."""
    joint_speed: float | None = None
    """Of every commanded joint, for robots that are commanded by joints [rad/s]."""
    acceleration: float | None = None
    """Of the commanded tool tip [m/s^2]; where a face of the workspace comes first, the face does."""
    step: float | None = None
    """Greatest distance of a commanded tool tip from where the tip is measured [m]."""
    tilt: float | None = None
    """Greatest angle between the tool and straight down [rad]."""
    joint_margin: float | None = None
    """Distance that joints keep from the ends of their ranges [rad]."""
    patience: float | None = None
    """How long a robot goes on in an episode without a new command before it is stopped for good [s].

    In real time by the clock, even if whoever commands it hangs; in simulation by the periods that pass.
    """

    def __post_init__(self) -> None:
        require_finite(self)
        for name in ("speed", "turning_speed", "joint_speed", "acceleration", "step", "patience"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(f"SafetyLimits.{name} is {value}, but must be positive.")
        for name in ("tilt", "joint_margin"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < np.pi:
                raise ConfigError(f"SafetyLimits.{name} is {value} rad, but must lie in 0 to pi.")
        if self.height is not None and self.height[0] > self.height[1]:
            raise ConfigError(
                f"SafetyLimits.height is {self.height}, but its least comes before its greatest."
            )
        for face in self.workspace:
            if len(face) != 4 or not any(face[:3]):
                raise ConfigError(
                    f"SafetyLimits.workspace has the face {face}, but a face is four numbers a, b, c, d "
                    "with a x + b y + c z <= d, and a, b, c are not all 0."
                )

    @property
    def on(self) -> bool:
        """Whether there is any bound."""
        return self != SafetyLimits()

    @property
    def binds_tool(self) -> bool:
        """Whether there is any bound on where the tool tip is or goes."""
        return bool(self.workspace or self.height or self.speed or self.acceleration or self.step)

    def faces(self) -> tuple[Float64, Float64]:
        """Unit normals (F, 3) and offsets (F,) [m] of the region that the tip may be in, the height band included."""
        faces = list(self.workspace)
        if self.height is not None:
            faces += [(0.0, 0.0, -1.0, -self.height[0]), (0.0, 0.0, 1.0, self.height[1])]
        rows = np.array(faces, dtype=np.float64).reshape(-1, 4)
        lengths = np.linalg.norm(rows[:, :3], axis=1)
        return rows[:, :3] / lengths[:, None], rows[:, 3] / lengths


def within(point: Float64, normals: Float64, offsets: Float64, slack: float = ROUNDING) -> bool:
    """Whether a point (3,) is behind no face."""
    return bool((normals @ point <= offsets + slack).all())


def brought_within(point: Float64, before: Float64, normals: Float64, offsets: Float64) -> Float64:
    """A point (3,) of the polytope near `point`; `before` is one, from which some way there is allowed.

    It slides along faces: each that it is behind moves it straight back. Where that does not settle, at a narrow edge, it
    is the last point of the straight way from `before` that is inside.
    """
    moved = point
    for _ in range(SETTLING):
        behind = normals @ moved - offsets
        worst = int(behind.argmax()) if behind.size else 0
        if not behind.size or behind[worst] <= 0:
            return moved
        moved = moved - behind[worst] * normals[worst]
    if within(moved, normals, offsets):
        return moved
    return before + share_of_way(before, point, normals, offsets) * (point - before)


def share_of_way(start: Float64, end: Float64, normals: Float64, offsets: Float64) -> float:
    """The greatest share, 0 to 1, of the straight way from a point inside that stays inside."""
    gain = normals @ (end - start)
    room = np.maximum(offsets - normals @ start, 0.0)
    crossing = gain > 0
    return float(min(1.0, (room[crossing] / gain[crossing]).min(initial=1.0)))


def shortened(vector: Float64, longest: float) -> Float64:
    """The vector itself, or as much of it as is this long."""
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)


def tilt_of(quaternion: Float64) -> float:
    """Angle between a tool of this orientation, wxyz, and straight down [rad]."""
    w, x, y, z = quaternion.tolist()
    return 2 * atan2(hypot(w, z), hypot(x, y))


def upright(quaternion: Float64, tilt: float) -> Float64:
    """The orientation nearest to this one, wxyz, that is tilted by no more than `tilt` [rad]."""
    now = tilt_of(quaternion)
    if now <= tilt + ROUNDING:
        return quaternion
    w, x, y, z = (quaternion / np.linalg.norm(quaternion)).tolist()
    level, up = hypot(x, y), hypot(w, z)  # cos and sin of half the tilt
    if level < ROUNDING:  # straight up: a turn about any level axis will do
        x, level = 1.0, 1.0
    a, b = cos(tilt / 2) / level, sin(tilt / 2) / up
    return np.array([w * b, x * a, y * a, z * b])


def angle_between(one: Float64, other: Float64) -> float:
    """Between two orientations, wxyz [rad]."""
    a, b = one / np.linalg.norm(one), other / np.linalg.norm(other)
    apart, together = float(np.linalg.norm(a - b)), float(np.linalg.norm(a + b))
    return 4 * atan2(min(apart, together), max(apart, together))
