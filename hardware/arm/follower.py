"""What makes of a point's steps a motion that an arm can follow: within its limits at every sample that is sent.

No sample is sent unless the arm could still brake after it, within all limits and in its box, along samples that have been
worked out one by one. Where going on would not leave that choice, the arm brakes along the samples of the time before.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, exp, floor, sqrt
from typing import Final

import numpy as np

from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64, Pose

from .coordinates import Box, ByJoints, ByTool, Coordinates
from .motion import USED, MotionLimits, State, Way
from .nearby import Nearby

BEND: Final = 2.5
"""Acceleration of a joint for nothing but the tool going straight, by the square of its speed [1/rad]; rarely more."""
LEAST: Final = 0.3
"""Part of the acceleration that is left for braking however fast the joints are."""

SAME: Final = 1e-9
"""Between joints of one place that came by different ways [rad]."""
NEAR: Final = 1e-8
"""Of the tip's way in a period, for what is left of an error where joints are solved for [m]."""


class Follower:
    """Follows a moving point with all joints together, within limits, and always able to stop.

    It goes towards the point as fast as it may but for this: it could stop at it, were that to stop now. So it lags behind
    by no more than its way to brake, v / (2 A) in time, which is little where it moves slowly. From one velocity to another
    it goes straight, in the coordinates of the tool where the point's way is the tool's: so a tip that moves in a plane
    stays in it, and needs no correction. A moving average over 2 A / J behind it bounds the jerk.
    """

    def __init__(
        self, kinematics: Kinematics, start: Float64, *, period: float, limits: MotionLimits
    ) -> None:
        """Rest at `start`, in no box.

        Args:
            kinematics: Of the arm and its tool.
            start: (J,) [rad].
            period: Between two samples [s].
            limits: Of every joint.
        """
        self._nearby = nearby = Nearby(kinematics)
        self._by_tool, self._by_joints = ByTool(nearby), ByJoints(nearby)
        self._period, self._limits = period, limits
        self._most = USED * limits.speed * period
        self._change = USED * limits.acceleration * period**2  # of a step [rad]
        self._averaged = max(1, ceil(2 * limits.acceleration / (limits.jerk * period) - 1e-9))
        self._box = Box(lower=np.full(3, -np.inf), upper=np.full(3, np.inf))
        self._number = 0
        """Of the state that the arm is in, on its way until it rests."""
        self.refused = False
        """Whether going on would have broken a limit or left the box, so that the last sample brakes, or stands."""
        self.rest(start)

    @property
    def resting(self) -> bool:
        """Whether the samples have come to rest."""
        return self._state.resting

    def confine(self, lower: Float64, upper: Float64) -> None:
        """Keep the tip in a box from now on, (3,) each [m]; it must be in it."""
        self._box = Box(lower=lower, upper=upper)

    def rest(self, at: Float64) -> None:
        """Be at rest at joints (J,); only where the arm is at rest, too."""
        start = np.array(at, dtype=np.float64)
        self._sent = np.tile(start, (3, 1))  # the newest last
        self._begin(self._by_joints)

    def push(
        self, joints: Float64, tool: Pose | None = None, *, furthest: float = np.inf
    ) -> Float64:
        """The next sample (J,) [rad], the point having gone on.

        Args:
            joints: Where the point is, (J,) [rad].
            tool: Its base_T_tool, if the way is straight with the tool; None if it is straight with the joints.
            furthest: That the tip may go in a period [m]; where it goes further at the moment, it slows down.
        """
        coordinates: Coordinates = self._by_joints if tool is None else self._by_tool
        if self.resting:
            self._nearby.stand(self._sent[-1])
        if self.resting and self._coordinates is not coordinates:
            self._begin(coordinates)
        way = self._try(joints, tool, furthest)
        if way is None and self.resting and self._coordinates is self._by_tool:
            self._begin(self._by_joints)  # which can go everywhere, also where the tool cannot
            way = self._try(joints, tool, furthest)
        self.refused = way is None
        self._number += 1
        if way is not None:
            self._way, self._number = way, 0
        if self._number < len(self._way.samples):
            self._state = self._way.state(self._number, self._averaged)
            self._sent = np.concatenate([self._sent[1:], self._way.samples[self._number][None]])
        return np.array(self._sent[-1])

    def _begin(self, coordinates: Coordinates) -> None:
        """Go by these coordinates from now on, from rest."""
        here = self._sent[-1]
        numbers = coordinates.numbers(here)
        self._coordinates: Coordinates = coordinates
        self._state = State(
            recent=np.tile(numbers, (self._averaged, 1)),
            step=np.zeros_like(numbers),
            joints=here,
            turn=np.zeros_like(here),
            solved=True,
        )
        self._way = Way.standing(self._state)
        self._number = 0

    def _try(self, joints: Float64, tool: Pose | None, furthest: float) -> Way | None:
        """A step towards the point, and all that follow if the arm brakes then; None if that breaks a limit."""
        point = joints
        if isinstance(self._coordinates, ByTool):
            if tool is None:  # from one kind of coordinates to the other only at rest
                return None
            point = self._coordinates.of(tool, self._state.recent[0])
        state = self._towards(point, joints, furthest)
        if state is None:
            return None
        if state.resting and np.array_equal(state.joints, self._sent[-1]):
            return Way.standing(state)  # the very same numbers again and again
        way = self._solved(self._braking_from(state))
        if way is None:
            return None
        samples = np.concatenate([self._sent, way.samples])
        kept = self._limits.hold(samples, self._period) and self._slow_enough(samples[1:], furthest)
        return way if kept else None

    def _slow_enough(self, samples: Float64, furthest: float) -> bool:
        """Whether the tip goes no further in a period than it may, or than in the first, between samples (N, J)."""
        if not np.isfinite(furthest):
            return True
        tips, _ = self._nearby.tools(samples)
        ways = np.linalg.norm(np.diff(tips, axis=0), axis=1)
        return bool(ways[1:].max() <= max(furthest, ways[0]) + NEAR)

    def _braking_from(self, state: State) -> Way:
        """A state and all that follow if the arm brakes as hard as it may, until it rests."""
        largest, parts = float(np.abs(state.turn).max()), [1.0]
        while parts[-1] > 0.0:
            turn = parts[-1] * largest
            parts.append(parts[-1] * (1.0 - _part(self._available(turn), turn)))
        parts += [0.0] * (self._averaged - 1)
        shares = np.array(parts)[:, None]
        gone = np.cumsum(shares, axis=0) - 1.0
        places = self._coordinates.inside(state.recent[0] + gone * state.step, self._box)
        return Way(
            places=np.concatenate([state.recent[:0:-1], places]),
            joints=state.joints + gone * state.turn,
            steps=shares * state.step,
            turns=shares * state.turn,
            solved=state.solved,
        )

    def _solved(self, way: Way) -> Way | None:
        """The same with the samples that it means, and its first state with exact joints."""
        first, averaged = way.joints[0], self._averaged
        newest = way.places[averaged - 1 : averaged]
        numbers = np.concatenate([newest, way.averages(averaged)])
        lag = (averaged - 1) / 2 * way.turns
        near = np.concatenate([way.joints[:1], way.joints - lag])
        found = self._coordinates.joints(numbers, near, self._box)
        if found is None:
            return None
        if way.solved:  # to rounding, and exactly from now on, unless the box is in the way
            same = np.abs(found - first).max(axis=1, keepdims=True) < SAME
            return replace(way, samples=np.where(same, first, found)[1:])
        turns = np.concatenate([way.turns[:1] + found[0] - first, way.turns[1:]])
        joints = np.concatenate([found[:1], way.joints[1:]])
        return replace(way, joints=joints, turns=turns, samples=found[1:], solved=True)

    def _towards(self, point: Float64, joints: Float64, furthest: float) -> State | None:
        """One step nearer to the point (C,), which is at `joints` (J,)."""
        state = self._state
        here, way = state.joints, point - state.recent[0]
        if not state.solved:
            found = self._coordinates.joints(state.recent[:1], here[None], self._box)
            if found is None:
                return None
            here = found[0]
        length = float(np.abs(joints - here).max())
        part = _part(self._braking(length), length)
        tip = self._coordinates.tips_way(way, here)
        part = min(part, _part(furthest, float(np.linalg.norm(tip))))
        turned = (
            joints - here if part == 1.0 else self._coordinates.turn(state.recent[0], way, here)
        )
        if turned is None:
            return None
        part = min(part, _part(self._most, float(np.abs(turned).max())))
        change = part * turned - state.turn
        available = self._available(float(np.abs(state.turn).max()))
        mixed = _part(available, float(np.abs(change).max()))
        if part == mixed == 1.0:
            return state.on(point, joints, turned, solved=True)
        newest = state.recent[0] + state.step + mixed * (part * way - state.step)
        turn = state.turn + mixed * change
        return state.on(
            self._coordinates.inside(newest, self._box), here + turn, turn, solved=False
        )

    def _available(self, turn: float) -> float:
        """By how much a step may change [rad], beside what the joints do for the tool to go straight."""
        return max(self._change - BEND * turn**2, LEAST * self._change)

    def _braking(self, length: float) -> float:
        """The greatest step of a joint from which braking ends within `length` [rad].

        A step of n changes and a rest, followed by ever smaller ones, covers (n + 1) steps less n (n + 1) / 2 changes.
        """
        if length <= self._change:
            return length
        shorter = (1 - exp(-2 * BEND * length)) / (2 * BEND)  # as it would be without the bend
        whole = floor((sqrt(1 + 8 * shorter / self._change) - 1) / 2)
        return (shorter + self._change * whole * (whole + 1) / 2) / (whole + 1)


def _part(most: float, whole: float) -> float:
    """What may be had of a whole, if so much may be at most."""
    return 1.0 if whole <= most else most / whole
