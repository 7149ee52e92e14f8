"""Push a square block by one of its sides with a round tool, so that it moves straight and stands straight.

Pushed in the middle of a side a block moves straight on, but that is an unstable balance: a contact a little aside turns
it, and so does a tool that moves sideways while it pushes. This is used to steer. For slow pushing (Lynch and Mason 1996,
"Stable Pushing") a block that is pushed by dx at s aside from the middle, while the tool moves dy along the side, turns by

    -(h dy + s dx) / (c^2 + h^2 + s^2),

where h is half an edge and c tells how friction under the block resists turning against sliding. In PyBullet the two
terms have the weight that c = 21 mm gives them; in MuJoCo, whose friction creeps, s has 1.7 times that of dy. What is
used here lies between.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, pi, sin
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64

RESISTANCE: Final = 1e-3
"""c^2 + h^2 [m^2]"""
OFFSET_WEIGHT: Final = 1.5
"""Of s against dy."""
STRAIGHTENING: Final = 0.01
"""Way in which a crooked block is straightened by all but 1/e [m]."""
STEEPEST: Final = 0.45
"""Sideways against forwards; beyond the friction the tool slides along the side."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A tip and a block as seen in some frame of the table."""

    tip: Float64
    """Where it is commanded to be, (2,) [m]."""
    block: Float64
    """Its centre, (2,) [m]."""
    yaw: float
    """[rad]"""


class FacePush:
    """One push in one direction, against the side of the block that faces away from it most."""

    def __init__(self, direction: float, half: float, radius: float) -> None:
        """Begin a push.

        Args:
            direction: Where the block shall go, and how one of its axes shall stand [rad].
            half: Half of the block's edge [m].
            radius: Of the tool [m].
        """
        self._direction = direction
        self._radius = radius
        self._last = 0.0
        self.resize(half)

    def resize(self, half: float) -> None:
        """Take the block for one of another size: half of its edge [m]."""
        self._half = half
        self._reach = half + self._radius

    def crooked(self, seen: Seen) -> float:
        """How far the pushed side is turned from the direction; all along it is the same side [rad]."""
        turned = geometry.wrap_angle(seen.yaw - self._direction - self._last, pi / 2)
        self._last += float(turned)
        return self._last

    def rolling(self, crooked: float) -> float:
        """Where to touch a crooked block so that the contact is in the middle once it is straight [m]: the tool rolls."""
        return self._radius * crooked

    def behind(self, seen: Seen, aside: float, gap: float) -> Float64:
        """The place of the tip before the side, `aside` from its middle to the left, and off by a gap, (2,) [m]."""
        ahead, left = self._axes(seen)
        place: Float64 = seen.block - (self._reach + gap) * ahead + aside * left
        return place

    def aside(self, seen: Seen) -> float:
        """How far to the left of the side's middle the tip is [m]."""
        return float(np.dot(seen.tip - seen.block, self._axes(seen)[1]))

    def opposite(self, seen: Seen, aside: float) -> bool:
        """Whether the tip is before the side, and nothing but a gap is between it and the place `aside` [m]."""
        before = float(np.dot(seen.block - seen.tip, self._axes(seen)[0]))
        return before > self._half and abs(self.aside(seen) - aside) < 0.002

    def straight(self, seen: Seen, advance: float) -> Float64:
        """The move that pushes the block on by `advance` [m] and straightens it, (2,) [m]."""
        turn = -self.crooked(seen) * (1 - exp(-advance / STRAIGHTENING))
        sideways = -(RESISTANCE * turn + OFFSET_WEIGHT * self.aside(seen) * advance) / self._half
        return self.plain(seen, advance, float(np.clip(sideways / advance, -STEEPEST, STEEPEST)))

    def plain(self, seen: Seen, advance: float, slope: float = 0.0) -> Float64:
        """The move that pushes the block on, at a slope to its side's normal, (2,) [m]."""
        ahead, left = self._axes(seen)
        move: Float64 = (advance + self.gap(seen)) * ahead + slope * advance * left
        return move

    def gap(self, seen: Seen) -> float:
        """How far the tool is off the side [m]; below 0 where it is commanded to be inside the block."""
        return float(np.dot(seen.block - seen.tip, self._axes(seen)[0])) - self._reach

    def back_off(self, seen: Seen, way: float) -> Float64:
        """The move straight away from the side, (2,) [m]."""
        return -way * self._axes(seen)[0]

    def _axes(self, seen: Seen) -> tuple[Float64, Float64]:
        """Unit vectors into the pushed side and along it, to the left."""
        angle = self._direction + self.crooked(seen)
        c, s = cos(angle), sin(angle)
        return np.array([c, s]), np.array([-s, c])
