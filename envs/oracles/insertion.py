"""How one block is lined up with a slot from two sides, and slid in.

It is pushed across to the slot's axis, then along it, and parked just before the mouth. There it is turned and tapped from
the side until it is straight and in the middle, to a part of the clearance; then it is pushed in.

The arm follows positions, so a tip that is sent into a block that cannot move presses with all the arm has, and that at
once, in the very period. So a block is looked at once more where its leading side is about to pass the edge of the slot,
and none is pushed on that would hit it; one that does not move is let go at the next look, and lined up again. Everything
is seen in the frame of the slot, whose x axis leads into it from the seat.

A block that may be of another size is measured with the tip on its way: it is no bigger than the tip comes near to it. Until
then it counts as the biggest it may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, pi, sin
from typing import Final, Literal

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64

from ..tasks.insert import MOUTH, fixture_size
from ..tasks.real_stage import PIPE_RADIUS
from ..tasks.tabletop_scene import BLOCK_SIDE
from .detour import ANYWHERE, next_corner
from .face_push import RESISTANCE, FacePush, Seen
from .oriented_push import at_most

Leg = Literal["across", "along", "turn", "in"]

HALF: Final = BLOCK_SIDE / 2
EDGE: Final = 0.004
"""How far before the mouth the leading side of the block is when it is lined up [m]."""
PARK: Final = MOUTH - HALF - EDGE
"""Where its centre is then [m]."""
LAST_LOOK: Final = 0.0005
"""How far before the mouth a block is that is looked at once more [m]."""
CLEARANCE: Final = 0.047
"""Least distance from the tip to the centres of block and mouth on its way around the block [m]."""
SHORT: Final = 0.03
"""A push over less than this [m] is touched where it turns the block straight, and keeps its contact."""
TURNING: Final = 0.9 * RESISTANCE
"""A push at s aside, over this times the angle over s, turns the block by the angle [m^2]."""
GIVES: Final = 0.0002
"""How far things may be in each other that only lean on each other [m]."""
IN_VAIN: Final = 0.1
"""Part of what a push was to do, below which it did nothing: something is in the way."""
LOST: Final = 1.0
"""A block that is so crooked is pushed by another side [rad]."""


@dataclass(frozen=True, kw_only=True)
class InsertStyle:
    """Speeds, lengths and patience of the demonstrator."""

    travel_speed: float = 0.25
    """Of the tip while it touches nothing [m/s]."""
    touch_speed: float = 0.07
    """At most, when it meets the block [m/s]."""
    push_speed: float = 0.04
    """Of the block on its way to the slot [m/s]."""
    slow_speed: float = 0.02
    """While the block is slid into the slot [m/s]."""
    turn_speed: float = 0.01
    """While it is turned [m/s]."""
    careful: float = 0.001
    """At most, in one control period, while a block that is not quite lined up passes the edge of the slot [m]."""
    off: float = 0.004
    """Gap to the block's side before a push begins [m]."""
    retreat: float = 0.015
    """Gap to the block's side while the tip goes around it [m]."""
    aside: float = 0.008
    """Furthest from the middle of a side that the block is touched [m]."""
    slipped: float = 0.004
    """Distance from the wanted contact at which it is taken anew [m]."""
    centred: float = 0.2
    straight: float = 0.3
    """Parts of the clearance, sideways and over an edge's length, up to which the parked block is good enough."""
    enters: float = 0.4
    fits: float = 4.0
    """The same parts, up to which a block is pushed past the edge of the slot at all."""
    taps: int = 8
    """At most, before any block is pushed in that fits."""
    turns: int = 8
    """Control periods at most in which a block is turned at one go."""


class Insertion:
    """One episode's script."""

    def __init__(
        self,
        clearance: float,
        control_period: float,
        style: InsertStyle,
        largest: float = 1.0,
    ) -> None:
        """Make it.

        Args:
            clearance: How much wider the slot is than the block [m].
            control_period: [s]
            style: Speeds, lengths and patience.
            largest: The multiple of its usual size that the block may have; over 1 it is measured.
        """
        self._style = style
        self._clearance = clearance
        self._least, self._unsure = 2.0 - largest, largest > 1.0
        self._resize(largest)
        self._period = control_period
        self._centred = style.centred * clearance
        self._straight = style.straight * clearance / BLOCK_SIDE
        self._enters = style.enters * clearance
        self._fits = style.fits * clearance / BLOCK_SIDE
        self._leg: Leg | None = None
        self._taps = 0

    def _resize(self, size: float) -> None:
        """Take the block for one of this multiple of its usual size, and the fixture for one that fits it."""
        walls = fixture_size(size, self._clearance)
        self._half, self._mouth = HALF * size, MOUTH * walls
        self._park = self._mouth - self._half - EDGE
        self._seated = HALF * walls - self._half

    def _measure(self, seen: Seen) -> None:
        """A block that is pushed where nothing is in its way is no bigger than the tip has come near to it."""
        free = self._leg in ("across", "along") and seen.block[0] < self._park - 0.003
        if not (self._unsure and free) or self._approaching or self._pushes == 0:
            return
        nearer = self._half + self._push.gap(seen)
        if nearer < self._half:
            self._resize(max(nearer / HALF, self._least))
            self._push.resize(self._half)

    def move(self, seen: Seen) -> Float64:
        """How far the tip goes in this control period, (2,) [m]."""
        self._measure(seen)
        if self._leg is None:
            beside = seen.block[0] < self._park - 0.003 and abs(seen.block[1]) > 0.003
            self._begin("across" if beside else self._next(seen), seen)
        elif not self._approaching and self._done(seen):
            away = self._push.back_off(seen, self._style.retreat)
            self._begin(self._next(seen), seen)
            return away
        if self._approaching:
            move = self._approach(seen)
            if move is not None:
                return move
        return _at_most(self._touch(seen), self._style.touch_speed * self._period)

    def _begin(self, leg: Leg, seen: Seen) -> None:
        """Go behind the block for another push."""
        self._leg = leg
        self._start = float(seen.block[1]), _crooked(seen)
        # A block is turned from the side that is touched near its rear: the front may stand in the mouth.
        lateral = {"across": -self._start[0], "turn": self._start[1]}
        direction = copysign(pi / 2, lateral[leg]) if leg in lateral else 0.0
        self._push = FacePush(direction, self._half, PIPE_RADIUS)
        self._taps += leg == "turn" or (leg == "across" and seen.block[0] > self._park - 0.003)
        self._take_anew()

    def _take_anew(self) -> None:
        self._approaching = True
        self._contact: float | None = None
        self._near = self._pushes = 0
        self._pushed = 0.0
        self._before = 0.0, 0.0

    def _done(self, seen: Seen) -> bool:
        """Whether the push has come to its end."""
        along, across = seen.block.tolist()
        if self._leg == "along":
            return bool(along > self._park - 0.0005)
        if self._pushes == 0:
            return False
        if self._leg == "across":
            passed = across * self._start[0] <= 0
            return bool(passed or abs(self._front(seen)) < self._centred / 2)
        if self._leg == "turn":
            return self._turned(_crooked(seen), across)
        return self._blocked(seen) or self._misses(seen)

    def _blocked(self, seen: Seen) -> bool:
        """Whether the tip presses on a block that the last push did not move along the slot."""
        moved = seen.block[0] - self._before[0]
        return bool(moved < IN_VAIN * self._pushed and self._push.gap(seen) < -GIVES)

    def _misses(self, seen: Seen) -> bool:
        """Whether the block would be pushed against the edge of the slot."""
        return self._at_the_edge(seen) and abs(self._front(seen)) > self._enters

    def _resists(self, crooked: float) -> bool:
        """Whether the last push did not turn the block: its leading side leans on the fixture."""
        turned = abs(self._before[1]) - abs(crooked)
        return self._pushes > 1 and turned < IN_VAIN * self._pushed * self._style.aside / TURNING

    def _turned(self, crooked: float, across: float) -> bool:
        """Whether the block is straight, or another push is needed to make it so."""
        across_before, crooked_before = self._start
        return (
            abs(crooked) < 0.8 * self._straight
            or crooked * crooked_before < 0
            or abs(across - across_before) > 0.006
            or self._pushes > self._style.turns
            or self._resists(crooked)
        )

    def _next(self, seen: Seen) -> Leg:
        """What a block needs that has come to rest."""
        if seen.block[0] < self._park - 0.003:
            return "along"
        if self._leg == "in" and self._blocked(seen):
            self._taps = 0
        patient = self._taps < self._style.taps
        crooked = _crooked(seen)
        resists = self._leg == "turn" and self._resists(crooked)
        if abs(crooked) > (self._straight if patient else self._fits) and not resists:
            return "turn"
        if abs(self._front(seen)) > (self._centred if patient else self._enters):
            return "across"
        return "in"

    def _left(self, seen: Seen) -> float:
        """How far the block is still to be pushed [m]."""
        along, across = seen.block.tolist()
        if self._leg == "across":
            return float(abs(across)) if abs(across) > 0.004 else abs(self._front(seen))
        if self._leg == "turn":
            return min(0.0015, TURNING * abs(self._push.crooked(seen)) / self._style.aside)
        return float(
            max(self._park - along if self._leg == "along" else self._seated - along, 0.0005)
        )

    def _approach(self, seen: Seen) -> Float64 | None:
        """The move around the block to where the push begins, (2,) [m]; None once the tip is there."""
        if self._contact is None:
            self._contact = self._choose_contact(seen)
        opposite = self._push.opposite(seen, self._contact)
        gap = self._style.off if opposite else self._style.retreat
        goal = self._push.behind(seen, self._contact, gap)
        off = float(np.linalg.norm(goal - seen.tip))
        self._near += opposite
        if opposite and (off < 1e-4 or self._near > 3):  # under noise one never quite arrives
            self._approaching = False
            return None
        obstacles = np.stack([seen.block, np.array([self._mouth, 0.0])])
        point = next_corner(seen.tip[None], goal[None], obstacles[None], CLEARANCE, ANYWHERE)
        return _at_most(point[0] - seen.tip, self._style.travel_speed * self._period)

    def _choose_contact(self, seen: Seen) -> float:
        """Where to touch the side, to the left of its middle [m]."""
        crooked, style = self._push.crooked(seen), self._style
        if self._leg == "in":
            return 0.0
        if self._leg == "turn":
            return copysign(style.aside, crooked)
        contact, left = self._push.rolling(crooked), self._left(seen)
        if self._leg == "across" and left < SHORT:
            contact += 0.8 * RESISTANCE * crooked / max(left, 0.003)
        return float(np.clip(contact, -style.aside, style.aside))

    def _touch(self, seen: Seen) -> Float64:
        """The move of a push, or away from the block if the contact slipped, (2,) [m]."""
        style, push, left = self._style, self._push, self._left(seen)
        crooked = push.crooked(seen)
        if abs(crooked) > LOST:
            away = push.back_off(seen, style.off)
            self._begin(self._leg or "along", seen)
            return away
        slipped = abs(push.aside(seen) - push.rolling(crooked)) > style.slipped
        if slipped and left > SHORT:
            self._take_anew()
            return push.back_off(seen, style.off)
        self._pushes += 1
        self._pushed = self._advance(seen, left)
        self._before = float(seen.block[0]), _crooked(seen)
        return (push.plain if self._leg == "turn" else push.straight)(seen, self._pushed)

    def _advance(self, seen: Seen, left: float) -> float:
        """How far the block is pushed in this control period [m]."""
        style = self._style
        speeds = {"in": style.slow_speed, "turn": style.turn_speed}
        advance = min(speeds.get(self._leg or "along", style.push_speed) * self._period, left)
        if self._leg != "in":
            return advance
        to_the_edge = self._park + EDGE - LAST_LOOK - float(seen.block[0])
        if to_the_edge > LAST_LOOK:
            return min(advance, to_the_edge)
        lined_up = abs(self._front(seen)) < self._centred and abs(_crooked(seen)) < self._straight
        return advance if lined_up or not self._at_the_edge(seen) else min(advance, style.careful)

    def _at_the_edge(self, seen: Seen) -> bool:
        """Whether a corner of the block's leading side has yet to pass the edge of the slot."""
        corner = seen.block[0] - self._half * abs(sin(_crooked(seen)))
        return bool(corner < self._park + EDGE + GIVES)

    def _front(self, seen: Seen) -> float:
        """How far the middle of the block's leading side is to the left of the slot's axis [m]."""
        return float(seen.block[1]) + self._half * sin(_crooked(seen))


def _at_most(move: Float64, largest: float) -> Float64:
    """A move (2,), shortened to its largest length where it is longer [m]."""
    shortened: Float64 = at_most(move[None], largest)[0]
    return shortened


def _crooked(seen: Seen) -> float:
    """How far the block is turned from the slot's axis, within an eighth of a turn [rad]."""
    return float(geometry.wrap_angle(seen.yaw, pi / 2))
