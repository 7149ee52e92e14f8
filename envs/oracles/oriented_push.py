"""The part that every pushing demonstrator is made of: bring one block to one point, flat side first.

The script that Florence et al. 2021 recorded their demonstrations with ("oriented push"), and two departures from it that
are ours, each off by default. A careful push (`CAREFUL`) mends it throughout. An escaping push (`ESCAPING`) is the published
script, motion for motion, until that goes in circles, which it does in two ways:

* It walks straight back through a block that it has just turned and so turns it back, again and again. From the second
  turn of an episode on, it goes around the block.
* It turns a block that is nearly at its goal, which carries the block about the goal as fast as it turns, so that it is
  never straight. Within `PushStyle.near` of the goal it does not turn a block at all, but pushes it as it stands, and
  begins again from behind when the tip comes to stand beside it.
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
    turn_within: float = pi
    """Angle at the block's centre by which the tip may be off the line behind it while it turns the block; from there it goes
    behind the block again, however that stands, if the push is careful [rad]; ours."""
    careful: bool = False
    """Mend what the published script does by chance, which matters below 10 Hz and at fine tolerances: turn a block on
    that stands corner first, though another of its sides is the nearer one for a moment; go behind the block again when
    the tip has come to stand ahead of it; push no further than the goal."""
    escape: bool = False
    """Leave the published script for the rest of an episode in which it begins to go in circles: with its second turn, or
    when it is about to turn a block near its goal."""
    near: float = 0.05
    """Distance from the goal within which a block is not turned any more, if the push escapes [m]."""
    beside: float = 0.4
    """Angle at the block's centre by which the tip may be off the line behind it, if the push has escaped [rad]."""
    clearance: float = 0.04
    """Least distance from the tip to the centres of things that it goes around [m]; ours."""


PUBLISHED: Final = PushStyle()
CAREFUL: Final = PushStyle(careful=True, arrived=0.005)
"""Arriving more loosely is what noise on the actions needs: with 3 mm of it (standard deviation) the demonstrator of push
succeeds 36 times of 40 with this style, and 10 times with the published one (0.01 m, MuJoCo); see `push.WARY`, too."""
ESCAPING: Final = PushStyle(escape=True)
"""Of 500 episodes at 0.01 m, 495 are the published ones to the byte in MuJoCo, where all 500 succeed with either. In
PyBullet, where friction holds the block to the pin, the published script solves 490 and this 500."""


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
        self.escaped: Bool = np.zeros(0, dtype=np.bool_)
        """Where the published script has been left, (B,)."""
        self._turned: Bool = np.zeros(0, dtype=np.bool_)

    def reset(self, mask: Bool) -> None:
        """Begin with the way to the block in the rows under the mask, (B,)."""
        if len(self.phase) != len(mask):
            self.phase = np.zeros(len(mask), dtype=np.int64)
            self.escaped = np.zeros(len(mask), dtype=np.bool_)
            self._turned = np.zeros(len(mask), dtype=np.bool_)
        self.phase[mask] = MOVE_TO_PRE_BLOCK
        self.escaped[mask] = self._turned[mask] = False

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
                default it goes straight, as published, and around the block where it has escaped.
        """
        ahead = heading(block, goal)
        turn = np.asarray(geometry.wrap_angle(np.arctan2(ahead[:, 1], ahead[:, 0]) - yaw, symmetry))
        style = self.style
        # Way-points of the three straight phases, then the two orbits, (5, B, 2).
        points = np.stack(
            [block - behind * ahead for behind in style.behind]
            + [self._orbit(block, tip, angle) for angle in (style.orbit_angle, -style.orbit_angle)]
        )
        left = np.linalg.norm(goal - block, axis=1)
        was_turning = is_turning(self.phase)
        crooked = np.where(self._pushes_on(points - tip, turn, left), np.inf, style.turn_from)
        acting = self._advance_phases(points - tip, turn, crooked)
        largest = self._largest[acting]
        if style.escape:
            self._escape(acting, is_turning(acting) & ~was_turning, off_line(tip - block, ahead))
        if style.careful:
            self._take_care(acting, turn, symmetry, off_line(tip - block, ahead))
            largest = np.where(acting == PUSH_BLOCK, np.minimum(largest, left), largest)
        points[MOVE_TO_PRE_BLOCK] = self._around(tip, points[MOVE_TO_PRE_BLOCK], block, obstacles)
        move = (points - tip)[acting, np.arange(len(tip))]
        return at_most(move, largest)

    def _advance_phases(self, moves: Float64, turn: Float64, crooked: Float64) -> Int64:
        """Let every phase hand over to the next, from top to bottom, and give the phase that acts now, (B,).

        A block whose misalignment is greater than `crooked`, (B,) [rad], is turned or left to be turned. A phase
        reached on the way down acts at once; going back up takes effect with the next step.
        """
        phase, style = self.phase, self.style
        distance = np.linalg.norm(moves, axis=2)  # (5, B)
        acting = phase.copy()
        at = (phase == MOVE_TO_PRE_BLOCK) & (distance[MOVE_TO_PRE_BLOCK] < style.arrived)
        phase[at] = acting[at] = MOVE_TO_BLOCK
        at = phase == MOVE_TO_BLOCK
        phase[at & (distance[MOVE_TO_BLOCK] < style.arrived)] = PUSH_BLOCK
        phase[at & (turn > crooked)] = ORIENT_LEFT
        phase[at & (turn < -crooked)] = ORIENT_RIGHT
        at = phase == PUSH_BLOCK
        acting[at] = PUSH_BLOCK
        phase[at & (np.abs(turn) > crooked)] = MOVE_TO_PRE_BLOCK
        at = phase == ORIENT_LEFT
        acting[at] = ORIENT_LEFT
        phase[at & (turn < style.turn_until)] = MOVE_TO_PRE_BLOCK
        at = phase == ORIENT_RIGHT
        acting[at] = ORIENT_RIGHT
        phase[at & (turn > -style.turn_until)] = MOVE_TO_PRE_BLOCK
        return acting

    def _pushes_on(self, moves: Float64, turn: Float64, left: Float64) -> Bool:
        """Where a block is pushed however it stands, (B,): near its goal, once a block was about to be turned there."""
        style = self.style
        near: Bool = left < style.near if style.escape else np.zeros(len(left), dtype=np.bool_)
        arrived = np.linalg.norm(moves[MOVE_TO_PRE_BLOCK], axis=1) < style.arrived
        behind = (self.phase == MOVE_TO_BLOCK) | ((self.phase == MOVE_TO_PRE_BLOCK) & arrived)
        self.escaped |= near & behind & (np.abs(turn) > style.turn_from)
        return near & self.escaped

    def _escape(self, acting: Int64, turns: Bool, off: Float64) -> None:
        """Leave the script where a second turn begins; having left it, push from behind alone."""
        self.escaped |= turns & self._turned
        self._turned |= turns
        beside = np.abs(off) > self.style.beside
        self.phase[self.escaped & beside & (acting == PUSH_BLOCK)] = MOVE_TO_PRE_BLOCK

    def _around(
        self, tip: Float64, behind: Float64, block: Float64, obstacles: Float64 | None
    ) -> Float64:
        """Where to make for on the way behind the block: straight there, as published, or around things, (B, 2) [m]."""
        rows = np.flatnonzero(self.escaped | (obstacles is not None))
        if not len(rows):
            return behind
        things = block[:, None] if obstacles is None else obstacles
        points = behind.copy()
        points[rows] = next_corner(
            tip[rows], behind[rows], things[rows], self.style.clearance, self._within
        )
        return points

    def _take_care(
        self, acting: Int64, turn: Float64, symmetry: float | Float64, off: Float64
    ) -> None:
        """Correct the phases for the next step; see `PushStyle.careful`."""
        turning = is_turning(acting)
        on = turning & (np.abs(turn) > symmetry / 4)
        self.phase[on] = acting[on]
        ahead = np.abs(off) > np.where(turning, self.style.turn_within, pi / 2)
        self.phase[ahead & (turning | (acting == PUSH_BLOCK))] = MOVE_TO_PRE_BLOCK

    def _orbit(self, block: Float64, tip: Float64, angle: float) -> Float64:
        """The point on a circle about the block that lies `angle` [rad] further round than the tip, (B, 2)."""
        out = heading(block, tip)
        c, s = np.cos(angle), np.sin(angle)
        turned = np.stack([c * out[:, 0] - s * out[:, 1], s * out[:, 0] + c * out[:, 1]], axis=1)
        return block + self.style.orbit_radius * turned


def is_turning(phase: Int64) -> Bool:
    """Whether a phase (B,) is one of the two orbits, (B,)."""
    turning: Bool = (phase == ORIENT_LEFT) | (phase == ORIENT_RIGHT)
    return turning


def off_line(tip_from_block: Float64, ahead: Float64) -> Float64:
    """Angle at the block's centre between the tip and the line behind the block, (B,) [rad].

    Args:
        tip_from_block: (B, 2) [m]
        ahead: Unit vector towards the goal, (B, 2).
    """
    across = ahead[:, 0] * tip_from_block[:, 1] - ahead[:, 1] * tip_from_block[:, 0]
    angle: Float64 = np.arctan2(across, -(tip_from_block * ahead).sum(axis=1))
    return angle


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
