"""One toy after the other is pushed into a fixture: before its mouth, then straight in, around whatever stands in the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, sin
from typing import Final

import numpy as np

from ibc_gym.records import Bool, Float64, Int64

from ..tasks.pocket import WALL, Pocket
from .detour import SLACK as CLEAR
from .detour import Box, next_corner
from .line_push import STICK, LinePush, LineStyle

GATE: Final = 0.055
"""Before the mouth, where a toy comes to that cannot go in straight [m]."""
ENTERING: Final = 0.03
"""Before the mouth, where a toy is at it [m]."""
REACH: Final = 0.018
"""Room that a toy needs at each side to come past the end of a wall, at least [m]."""
OFF: Final = 0.005
"""How far off the mouth a toy is moved that is pushed aside before it [m]."""
OUT: Final = 0.015
"""Before the mouth, where a tip is out of a fixture [m]."""
PLACED: Final = 0.5
"""Share of the tolerance at which a toy is placed."""
HINDERED: Final = 0.25
"""Share of its time that a toy loses when it does not give way."""
AWAY: Final = 10.0
"""What is so far away is in nobody's way [m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Seats:
    """Where each of K toys belongs, in each of B episodes."""

    place: Float64
    """Where a toy's centre shall be, (B, K, 2) [m]."""
    centre: Float64
    """Middle of its fixture, (B, K, 2) [m]."""
    into: Float64
    """Unit vectors from the mouth into the fixture, (B, K, 2)."""


class IntoPockets:
    """Pushes K toys to seats in fixtures of one size, in the order wanted, in each of B episodes.

    A toy that is brushed out again is brought back after the one that is being moved. One that takes too long is left
    for another.
    """

    def __init__(
        self,
        control_period: float,
        within: Box,
        pockets: Sequence[Pocket],
        *,
        tolerance: float,
        slack: float,
        apart: float = 0.06,
        patience: float = 12.0,
        half_side: float = 0.0,
        reach: float = REACH,
        style: LineStyle = STICK,
    ) -> None:
        """Make one.

        Args:
            control_period: [s]
            within: Where the tip may go [m].
            pockets: The fixtures; all have one size.
            tolerance: How far short of the middle of a fixture a toy may be and still counts as in [m].
            slack: How far aside of its seat a toy may cross the mouth [m].
            apart: Least distance between the centres of a toy that is pushed and of the others [m].
            patience: Time after which another toy is tried first [s].
            half_side: How far a toy that stands beside a wall must be back from its end before it is pushed past it,
                less 5 mm [m].
            reach: Room that a toy needs at each side to come past the end of a wall, at least [m].
            style: Of every single push.
        """
        self._push = LinePush(control_period, style, within)
        (x0, y0), (x1, y1) = within
        edge = style.behind
        self._toys_within: Box = ((x0 + edge, y0 + edge), (x1 - edge, y1 - edge))
        self._pockets = tuple(pockets)
        self._mouth, self._half = pockets[0].depth / 2, pockets[0].width / 2
        widest = 2 * CLEAR * style.clearance
        self._posts = np.array([post for pocket in pockets for post in _posts(pocket, widest)])
        self._tolerance, self._slack, self._apart = tolerance, slack, apart
        self._largest = style.travel_speed * control_period
        self._patience = patience / control_period
        self._half_side, self._reach = half_side, reach
        self._active: Int64 = np.zeros(0, dtype=np.int64)
        self._spent: Int64 = np.zeros(0, dtype=np.int64)

    def reset(self, mask: Bool) -> None:
        """Begin with the first toy in the rows under the mask, (B,)."""
        if len(self._active) != len(mask):
            self._active = np.zeros(len(mask), dtype=np.int64)
            self._spent = np.zeros(len(mask), dtype=np.int64)
        self._active[mask] = -1
        self._spent[mask] = 0
        self._push.reset(mask)

    def hinder(self, mask: Bool) -> None:
        """Break off the push in the rows under the mask, (B,), whose toy does not give way; soon it is another's turn."""
        self._push.reset(mask)
        self._spent[mask] += round(HINDERED * self._patience)

    def move(self, tip: Float64, toys: Float64, seats: Seats, order: Int64) -> Float64:
        """How far the tip goes in this control period, (B, 2) [m].

        Args:
            tip: Where it is commanded to be, (B, 2) [m].
            toys: Their centres, (B, K, 2) [m].
            seats: Where they belong.
            order: Which toy comes first, second, ..., (B, K).
        """
        along, sideways = _parts(toys - seats.centre, seats.into)
        placed = (along > -PLACED * self._tolerance) & (_length(sideways) < self._half)
        active = self._choose(placed, order)
        rows = np.arange(len(tip))
        toy = toys[rows, active]
        goal = self._next_goal(
            toy,
            seats.place[rows, active],
            seats.into[rows, active],
            _length(sideways[rows, active]),
        )
        # Toys that are in the same fixture have their own seats, and leave room for this one.
        beside = placed & (seats.centre == seats.centre[rows, active][:, None]).all(axis=2)
        standing = np.where(beside[..., None], AWAY, toys)
        others = standing[np.arange(toys.shape[1]) != active[:, None]].reshape(len(tip), -1, 2)
        around = next_corner(toy, goal, others, self._apart, self._toys_within)
        # Before the mouth a toy goes straight, and moves those aside that are in already.
        arriving = along[rows, active] > -self._mouth - GATE - OFF
        towards = np.where(arriving[:, None], goal, around)
        posts = np.broadcast_to(self._posts, (len(tip), *self._posts.shape))
        move = self._push.move(tip, toy, towards, np.concatenate([toys, posts], axis=1))
        return np.where(self._push.pushing[:, None], move, self._out_first(tip, move))

    def _out_first(self, tip: Float64, move: Float64) -> Float64:
        """The move of a tip that goes elsewhere, (B, 2): straight out, where it is in a fixture."""
        for pocket in self._pockets:
            into = np.array([cos(pocket.yaw), sin(pocket.yaw)])
            deep = self._deep(tip, pocket, into)
            leaving = (deep > 0.001) & (self._deep(self._push.behind, pocket, into) <= 0.0)
            step = np.minimum(deep, self._largest)
            move = np.where(leaving[:, None], -step[:, None] * into, move)
        return move

    def _deep(self, place: Float64, pocket: Pocket, into: Float64) -> Float64:
        """How far places (B, 2) are in a fixture, from just before its mouth, (B,) [m]; 0 beside it."""
        along, sideways = _parts(place - pocket.centre, into)
        return np.where(_length(sideways) < self._half, along + self._mouth + OUT, 0.0)

    def _choose(self, placed: Bool, order: Int64) -> Int64:
        """The toy that is being moved until it is placed or time is up, then the first that waits, (B,)."""
        rows, active = np.arange(len(order)), self._active
        self._spent += 1
        on = (active >= 0) & ~placed[rows, active] & (self._spent < self._patience)
        tried = np.where((active >= 0) & (self._spent >= self._patience), active, -1)
        waiting = ~np.take_along_axis(placed, order, axis=1) & (order != tried[:, None])
        last = np.where(active >= 0, active, order[:, 0])
        first = np.take_along_axis(order, waiting.argmax(axis=1)[:, None], axis=1)[:, 0]
        chosen: Int64 = np.where(on, active, np.where(waiting.any(axis=1), first, last))
        self._spent[~on] = 0
        self._push.reset(chosen != active)
        self._active = chosen
        return chosen

    def _next_goal(self, toy: Float64, seat: Float64, into: Float64, aside: Float64) -> Float64:
        """Where a toy goes next, (B, 2): to its seat if the straight way leads through the mouth, else before it.

        Args:
            toy: (B, 2) [m]
            seat: (B, 2) [m]
            into: (B, 2)
            aside: From the axis of the fixture, (B,) [m].
        """
        along, sideways = _parts(toy - seat, into)
        before = (self._mouth + GATE) * into
        share = np.minimum(1.0, self._mouth / np.maximum(-along, 1e-9))
        crossing = share * _length(sideways)
        goal: Float64 = np.where((crossing < self._slack)[:, None], seat, seat - before)
        room = np.where(along > -self._mouth, self._half, self._half - self._reach)
        entering = (along > -self._mouth - ENTERING) & (aside < room)
        goal = np.where(entering[:, None], seat + 0.5 * sideways, goal)
        # Before a wall's end it is pushed aside, beside the fixture back.
        amiss = ~entering & (crossing >= self._slack) & (along > -self._mouth - GATE + 0.01)
        clear = np.minimum(along, 0.01 - self._mouth - ENTERING) - OFF
        outside = along > -self._mouth + OFF - self._half_side
        goal = np.where(amiss[:, None], seat + clear[:, None] * into, goal)
        back = seat + sideways - before - 0.02 * into
        return np.where((amiss & outside)[:, None], back, goal)


def _parts(off: Float64, into: Float64) -> tuple[Float64, Float64]:
    """Offsets (..., 2) as a length along unit vectors, (...), and the rest, (..., 2)."""
    along: Float64 = (off * into).sum(axis=-1)
    return along, off - along[..., None] * into


def _length(vectors: Float64) -> Float64:
    length: Float64 = np.linalg.norm(vectors, axis=-1)
    return length


def _posts(pocket: Pocket, widest: float) -> list[tuple[float, float]]:
    """Points in the side walls and the end wall, near enough to each other that the tip does not go between them.

    Args:
        pocket: The fixture.
        widest: Greatest distance between two points of a side wall [m].
    """
    c, s = np.cos(pocket.yaw), np.sin(pocket.yaw)
    mouth, end, side = -pocket.depth / 2, (pocket.depth + WALL) / 2, (pocket.width + WALL) / 2
    seen = [(ahead, aside) for ahead in (mouth, end) for aside in (-side, side)] + [(end, 0.0)]
    between = np.linspace(mouth, end, ceil((end - mouth) / widest) + 1)[1:-1].tolist()
    seen += [(ahead, aside) for ahead in between for aside in (-side, side)]
    return [
        (pocket.centre[0] + c * ahead - s * aside, pocket.centre[1] + s * ahead + c * aside)
        for ahead, aside in seen
    ]
