"""The part that every pushing demonstrator is made of: bring one block to one point, flat side first.

After the script that Florence et al. 2021 recorded their demonstrations with ("oriented push").
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Bool, Float64, Int64

from .detour import ANYWHERE, Box, next_corner

MOVE_TO_PRE_BLOCK: Final = 0
MOVE_TO_BLOCK: Final = 1
PUSH_BLOCK: Final = 2
ORIENT_LEFT: Final = 3
ORIENT_RIGHT: Final = 4


@dataclass(frozen=True, kw_only=True)
class PushStyle:
    """Speeds, lengths and angles of an oriented push; the defaults are published."""

    speeds: tuple[float, float, float, float, float] = (0.30, 0.35, 0.35, 0.15, 0.15)
    """Greatest speed of the tip in every phase [m/s]."""
    behind: tuple[float, float, float] = (0.05, 0.03, 0.01)
    """How far behind the block's centre the way-points of the first three phases lie [m]."""
    arrived: float = 0.001
    """Distance at which a way-point is reached [m]."""
    turn_from: float = 0.2
    """Misalignment at which the block is turned before pushing [rad]."""
    turn_until: float = 0.03
    orbit_radius: float = 0.025
    """Of the tip about the block's centre while it turns the block [m]."""
    orbit_angle: float = 0.2
    """How far ahead of the tip its way-point on the orbit is [rad]."""
    careful: bool = False
    """Mend what the published script does by chance, which matters below 10 Hz and at fine tolerances: turn a block on
    that stands corner first, though another of its sides is the nearer one for a moment; go behind the block again when
    the tip has come to stand ahead of it; push no further than the goal."""
    clearance: float = 0.04
    """Least distance from the tip to the centres of things that it goes around [m]; ours."""


PUBLISHED: Final = PushStyle()
CAREFUL: Final = PushStyle(careful=True, arrived=0.005)
"""Arriving more loosely is what noise on the actions needs: with 3 mm of it (standard deviation) the published push
succeeds 10 times of 40, and pushes with this style 40 times of 40."""


class OrientedPush:
    """Pushes one block to one point in each of B episodes: behind it, against it, push; two orbits turn it flat.

    The tip is the commanded one. The block is pushed against the side that faces away from its goal.
    """

    def __init__(
        self, control_period: float, style: PushStyle = PUBLISHED, within: Box = ANYWHERE
    ) -> None:
        """Make one; its speeds are per second, so any control period [s] will do.

        Args:
            control_period: [s]
            style: How it pushes; as published by default.
            within: Where the tip may go around obstacles [m].
        """
        self.style = style
        self._within = within
        self._largest: Float64 = np.array(self.style.speeds) * control_period
        self.phase: Int64 = np.zeros(0, dtype=np.int64)
        """What is being done, (B,)."""

    def reset(self, mask: Bool) -> None:
        """Begin with the way to the block in the rows under the mask, (B,)."""
        if len(self.phase) != len(mask):
            self.phase = np.zeros(len(mask), dtype=np.int64)
        self.phase[mask] = MOVE_TO_PRE_BLOCK

    def move(
        self,
        tip: Float64,
        block: Float64,
        yaw: Float64,
        goal: Float64,
        *,
        symmetry: float | Float64 = pi / 2,
        obstacles: Float64 | None = None,
    ) -> Float64:
        """How far the tip goes in this control period, (B, 2) [m].

        Args:
            tip: Where it is commanded to be, (B, 2) [m].
            block: Centre of the block, (B, 2) [m].
            yaw: Of the block, (B,) [rad].
            goal: Where the block's centre shall be, (B, 2) [m].
            symmetry: The angle after which the block looks the same, () or (B,) [rad].
            obstacles: Things that the tip goes around on its way to the block, (B, K, 2) [m], the block among them; by
                default it goes straight, as published.
        """
        ahead = heading(block, goal)
        turn = np.asarray(geometry.wrap_angle(np.arctan2(ahead[:, 1], ahead[:, 0]) - yaw, symmetry))
        style = self.style
        # Way-points of the three straight phases, then the two orbits, (5, B, 2).
        points = np.stack(
            [block - behind * ahead for behind in style.behind]
            + [self._orbit(block, tip, angle) for angle in (style.orbit_angle, -style.orbit_angle)]
        )
        acting = self._advance_phases(points - tip, turn)
        largest = self._largest[acting]
        if style.careful:
            self._take_care(acting, turn, symmetry, ((tip - block) * ahead).sum(axis=1) > 0)
            left = np.linalg.norm(goal - block, axis=1)
            largest = np.where(acting == PUSH_BLOCK, np.minimum(largest, left), largest)
        if obstacles is not None:
            behind = points[MOVE_TO_PRE_BLOCK]
            points[MOVE_TO_PRE_BLOCK] = next_corner(
                tip, behind, obstacles, style.clearance, self._within
            )
        move = (points - tip)[acting, np.arange(len(tip))]
        return at_most(move, largest)

    def _advance_phases(self, moves: Float64, turn: Float64) -> Int64:
        """Let every phase hand over to the next, from top to bottom, and give the phase that acts now, (B,).

        A phase reached on the way down acts at once; going back up takes effect with the next step.
        """
        phase, style = self.phase, self.style
        distance = np.linalg.norm(moves, axis=2)  # (5, B)
        acting = phase.copy()
        at = (phase == MOVE_TO_PRE_BLOCK) & (distance[MOVE_TO_PRE_BLOCK] < style.arrived)
        phase[at] = acting[at] = MOVE_TO_BLOCK
        at = phase == MOVE_TO_BLOCK
        phase[at & (distance[MOVE_TO_BLOCK] < style.arrived)] = PUSH_BLOCK
        phase[at & (turn > style.turn_from)] = ORIENT_LEFT
        phase[at & (turn < -style.turn_from)] = ORIENT_RIGHT
        at = phase == PUSH_BLOCK
        acting[at] = PUSH_BLOCK
        phase[at & (np.abs(turn) > style.turn_from)] = MOVE_TO_PRE_BLOCK
        at = phase == ORIENT_LEFT
        acting[at] = ORIENT_LEFT
        phase[at & (turn < style.turn_until)] = MOVE_TO_PRE_BLOCK
        at = phase == ORIENT_RIGHT
        acting[at] = ORIENT_RIGHT
        phase[at & (turn > -style.turn_until)] = MOVE_TO_PRE_BLOCK
        return acting

    def _take_care(
        self, acting: Int64, turn: Float64, symmetry: float | Float64, ahead: Bool
    ) -> None:
        """Correct the phases for the next step; see `PushStyle.careful`."""
        turning = (acting == ORIENT_LEFT) | (acting == ORIENT_RIGHT)
        on = turning & (np.abs(turn) > symmetry / 4)
        self.phase[on] = acting[on]
        self.phase[ahead & (acting == PUSH_BLOCK)] = MOVE_TO_PRE_BLOCK

    def _orbit(self, block: Float64, tip: Float64, angle: float) -> Float64:
        """The point on a circle about the block that lies `angle` [rad] further round than the tip, (B, 2)."""
        out = heading(block, tip)
        c, s = np.cos(angle), np.sin(angle)
        turned = np.stack([c * out[:, 0] - s * out[:, 1], s * out[:, 0] + c * out[:, 1]], axis=1)
        return block + self.style.orbit_radius * turned


def heading(start: Float64, end: Float64) -> Float64:
    """Unit vectors from start to end, (B, 2); zero where they are the same point."""
    way = end - start
    unit: Float64 = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    return unit


def at_most(moves: Float64, largest: Float64 | float) -> Float64:
    """Moves (B, 2), shortened to their largest lengths, () or (B,) [m], where they are longer."""
    length = np.linalg.norm(moves, axis=1)
    scale = np.minimum(1.0, largest / np.maximum(length, 1e-12))
    shortened: Float64 = moves * scale[:, None]
    return shortened
