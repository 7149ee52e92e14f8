"""Push a toy of any shape to a point with a round tool: from behind, along a line that is drawn anew in every step.

What a person does who slides things about with a stick. Nobody looks at the toy's yaw: a toy that turns away under the
tool leaves the line, and then the tool goes behind it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ibc_gym.records import Bool, Float64

from .detour import ANYWHERE, Box, next_corner
from .oriented_push import at_most, heading


@dataclass(frozen=True, kw_only=True)
class LineStyle:
    """Speeds and lengths of a push along a line."""

    travel_speed: float = 0.35
    """Of the tip on its way behind the toy [m/s]."""
    push_speed: float = 0.10
    """Of the tip while it pushes [m/s]."""
    behind: float = 0.050
    """How far behind the toy's centre a push begins [m]."""
    arrived: float = 0.008
    """Distance at which that point is reached [m]."""
    contact: float = 0.016
    """Least distance between the centres of tip and toy when they touch [m]: in the hollow of the moon."""
    slipped: float = 0.014
    """Distance of the tip from the line at which a push is broken off [m]."""
    back_on_line: float = 0.5
    """Share of that distance that is mended in one step."""
    clearance: float = 0.045
    """Least distance from the tip to the centres of things that it goes around [m]."""
    brushing: float = 0.0
    """Distance of the tip's way from such a centre below which it goes as slowly as it pushes [m]; by default it slows
    down before the toy alone."""


STICK: Final = LineStyle()


class LinePush:
    """Pushes one toy to one point in each of B episodes."""

    def __init__(
        self, control_period: float, style: LineStyle = STICK, within: Box = ANYWHERE
    ) -> None:
        """Make one; its speeds are per second, so any control period [s] will do.

        Args:
            control_period: [s]
            style: How it pushes.
            within: Where the tip may go around obstacles [m].
        """
        self.style = style
        self._period = control_period
        self._within = within
        self._pushing: Bool = np.zeros(0, dtype=np.bool_)
        self._behind: Float64 = np.zeros((0, 2))

    def reset(self, mask: Bool) -> None:
        """Begin with the way behind the toy in the rows under the mask, (B,)."""
        if len(self._pushing) != len(mask):
            self._pushing = np.zeros(len(mask), dtype=np.bool_)
        self._pushing[mask] = False

    @property
    def pushing(self) -> Bool:
        """Whether the tip was at the toy in the last step, (B,)."""
        return self._pushing

    @property
    def behind(self) -> Float64:
        """Where the push of the last step begins, (B, 2) [m]."""
        return self._behind

    def move(self, tip: Float64, toy: Float64, goal: Float64, obstacles: Float64) -> Float64:
        """How far the tip goes in this control period, (B, 2) [m].

        Args:
            tip: Where it is commanded to be, (B, 2) [m].
            toy: Its centre, (B, 2) [m].
            goal: Where that shall be, (B, 2) [m].
            obstacles: Things that the tip goes around on its way, (B, K, 2) [m], the toy among them.
        """
        style = self.style
        ahead = heading(toy, goal)
        along = ((tip - toy) * ahead).sum(axis=1)
        aside = tip - toy - along[:, None] * ahead
        off = np.linalg.norm(aside, axis=1)
        self._pushing &= (off < style.slipped) & (along < -style.contact / 4)
        self._behind = behind = toy - style.behind * ahead
        self._pushing |= np.linalg.norm(behind - tip, axis=1) < style.arrived
        corner = behind.copy()
        going = ~self._pushing
        if going.any():
            corner[going] = next_corner(
                tip[going], behind[going], obstacles[going], style.clearance, self._within
            )
        # Where there is no way around, the tip comes near with care.
        to_toy = toy - tip
        near = np.linalg.norm(to_toy, axis=1) < style.clearance
        near &= ((corner - tip) * to_toy).sum(axis=1) > 0
        near |= self._brushes(tip, corner, obstacles)
        speed = np.where(near, style.push_speed, style.travel_speed)
        travel = at_most(corner - tip, speed * self._period)
        # No further than it takes to bring the toy to its goal.
        left = np.linalg.norm(goal - toy, axis=1) + np.maximum(-along - style.contact, 0.0)
        advance = np.minimum(style.push_speed * self._period, left)
        push = advance[:, None] * ahead - style.back_on_line * aside
        moves: Float64 = np.where(self._pushing[:, None], push, travel)
        return moves

    def _brushes(self, tip: Float64, corner: Float64, obstacles: Float64) -> Bool:
        """Whether the next step at full speed comes nearer to something than it should, (B,)."""
        step = at_most(corner - tip, self.style.travel_speed * self._period)[:, None]
        off = obstacles - tip[:, None]  # (B, K, 2)
        share = (off * step).sum(axis=2) / np.maximum((step * step).sum(axis=2), 1e-12)
        passing = np.linalg.norm(off - np.clip(share, 0.0, 1.0)[..., None] * step, axis=2)
        coming = passing < np.linalg.norm(off, axis=2) - 0.001
        brushes: Bool = (coming & (passing < self.style.brushing)).any(axis=1)
        return brushes
