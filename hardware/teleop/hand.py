"""From what a hand does to how far the tool goes: dead zone, speed, and which way is right."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, hypot, pi, sin
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.records import CameraSpec, Float64

FRAMES: Final = ("base", "facing", "camera")
"""Which way "away" is: as the arm reaches (who stands behind it), towards the arm (who stands across the table), up in
the camera's picture."""
FLAT: Final = 0.05
"""A camera whose up and ahead are shorter than this over the table has no direction there."""


@dataclass(frozen=True, kw_only=True)
class HandConfig:
    """How a person's motions become the tool's."""

    speed: float = 0.1
    """Of the tool with the stick pushed all the way, at the fastest level [m/s]."""
    levels: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0)
    """Shares of the speed to choose from, ascending."""
    level: int = 2
    """Which of them is chosen at first, from 0."""
    dead_zone: float = 0.1
    """How far a stick may be off its centre before anything moves, as a share of its way."""
    frame: str = "base"
    """Which way is away from the person: one of `FRAMES`."""

    def __post_init__(self) -> None:
        require_finite(self)
        if not 0 < self.speed <= 1:
            raise ConfigError(
                f"HandConfig.speed is {self.speed} m/s, but must be positive and at most 1; 0.1 is a good start."
            )
        rising = all(a < b for a, b in zip(self.levels, self.levels[1:], strict=False))
        if not self.levels or not rising or not 0 < self.levels[0] <= self.levels[-1] <= 1:
            raise ConfigError(
                f"HandConfig.levels are {self.levels}, but must ascend within 0 to 1."
            )
        if not 0 <= self.level < len(self.levels):
            raise ConfigError(
                f"HandConfig.level is {self.level}, but there are levels 0 to {len(self.levels) - 1}."
            )
        if not 0 <= self.dead_zone < 0.9:
            raise ConfigError(
                f"HandConfig.dead_zone is {self.dead_zone}, but must lie in 0 to 0.9."
            )
        if self.frame not in FRAMES:
            raise ConfigError(str(UnknownName("frame of a hand", self.frame, FRAMES)))


class Hand:
    """A person's motions as displacements of the tool in the base frame."""

    def __init__(
        self, config: HandConfig, control_period: float, camera: CameraSpec | None = None
    ) -> None:
        """Move a tool.

        Args:
            config: How.
            control_period: Between two displacements [s].
            camera: Whose picture the person looks at; needed for the frame "camera".

        Raises:
            ConfigError: There is no camera, or it has no direction over the table.
        """
        self.config = config
        self.level = config.level
        """The speed level that is chosen now."""
        self._period = control_period
        self._base_R_hand = _hands_axes(config.frame, camera)

    @property
    def speed(self) -> float:
        """Greatest speed at the level that is chosen [m/s]."""
        return self.config.speed * self.config.levels[self.level]

    def faster(self, by: int) -> None:
        """Choose a level that is so many higher, or lower, as far as there are any."""
        self.level = min(max(self.level + by, 0), len(self.config.levels) - 1)

    def displacement(self, move: Float64) -> Float64:
        """How far the tool goes in one control period, (x, y) [m]; `move` is right and away (2,), each in [-1, 1].

        It grows evenly from nothing at the edge of the dead zone, and is no faster on a diagonal.
        """
        length = float(np.linalg.norm(move))
        dead = self.config.dead_zone
        if length <= dead:
            return np.zeros(2)
        share = min((length - dead) / (1 - dead), 1.0)
        way: Float64 = self._base_R_hand @ (move / length)
        return way * (share * self.speed * self._period)


def _hands_axes(frame: str, camera: CameraSpec | None) -> Float64:
    """(2, 2), its columns the person's right and the way away from the person, in the base frame."""
    angle = {"base": 0.0, "facing": pi}.get(frame)
    if angle is None:
        angle = _up_in_picture(camera)
    # Who looks along +x has +y to the left, so right is a quarter turn clockwise of away.
    return np.array([[sin(angle), cos(angle)], [-cos(angle), sin(angle)]])


def _up_in_picture(camera: CameraSpec | None) -> float:
    """The direction over the table that goes up in the picture, as an angle from x [rad].

    Ahead of an oblique camera and up in its picture are the same direction over the table; one that looks straight down
    has only the latter, one that looks level only the former.
    """
    if camera is None:
        raise ConfigError(
            'The hand\'s frame "camera" needs a camera, and this workcell shows none; use "base" or "facing".'
        )
    base_R_camera = geometry.rotation(np.array(camera.quaternion)).as_matrix()
    x, y, _ = (base_R_camera[:, 2] - base_R_camera[:, 1]).tolist()
    if hypot(x, y) < FLAT:
        raise ConfigError(
            f"Camera {camera.name!r} shows no direction over the table; "
            'use the frame "base" or "facing" for the hand.'
        )
    return atan2(y, x)
