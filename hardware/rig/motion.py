"""Planned motion: joints, lines, arcs and pauses that run by a trapezoid of speed, one period at a time."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt
from typing import Final, Protocol

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose

from .model import SPEED, Model, MotionError

TURN_SPEED: Final = pi
"""Greatest turning speed of a tool on a line [rad/s]."""
TURN_ACCELERATION: Final = 20.0
"""[rad/s^2]"""
LONGEST_LOOK: Final = 20.0
"""Time of a line that is looked at ten times a second when it is planned [s]; longer ones are looked at less often."""
SLACK: Final = 1.02
"""By which a joint may pass its greatest speed before the controller stops."""
SLOWDOWN: Final = 0.1
"""Time in which a pause brings a planned motion to a stand [s]."""


class Motion(Protocol):
    """Something that moves the commanded joints."""

    @property
    def over(self) -> bool:
        """Whether it has ended by itself."""

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints (6,) a period later.

        Raises:
            MotionError: It cannot go on.
        """


@dataclass(frozen=True, slots=True)
class Profile:
    """Way over time: speeding up, running, slowing down."""

    length: float
    speed: float
    acceleration: float

    @property
    def _ramp(self) -> float:
        """Time of speeding up [s]; 0 of a way so short that it takes no time in floating point."""
        return min(self.speed / self.acceleration, sqrt(self.length / self.acceleration))

    @property
    def duration(self) -> float:
        """Time that it takes [s]."""
        ramp = self._ramp
        return ramp + self.length / (ramp * self.acceleration) if ramp else 0.0

    def part(self, time: float) -> float:
        """Share of the way that lies behind, in [0, 1]."""
        duration = self.duration
        if time >= duration:
            return 1.0
        ramp = self._ramp
        top = ramp * self.acceleration
        if time < ramp:
            way = self.acceleration * time * time / 2
        elif time < duration - ramp:
            way = top * (time - ramp / 2)
        else:
            way = self.length - self.acceleration * (duration - time) ** 2 / 2
        return min(max(way / self.length, 0.0), 1.0)


class Planned:
    """A motion along a path that was planned when it was taken."""

    goal: Float64
    """Joints at its end, (6,)."""

    def __init__(self, duration: float) -> None:
        """Take the time that the way needs [s]."""
        self._duration = duration
        self._time = 0.0
        self._rate = 1.0
        self.paused = False
        """Whether it slows down and waits."""

    @property
    def over(self) -> bool:
        """Whether the end is reached."""
        return self._time >= self._duration

    @property
    def waiting(self) -> bool:
        """Whether it stands still for a pause."""
        return self.paused and self._rate == 0.0

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints a period later."""
        change = period / SLOWDOWN
        wanted = 0.0 if self.paused else 1.0
        self._rate += min(max(wanted - self._rate, -change), change)
        self._time += period * self._rate
        return self._at(self._time, joints)

    def _at(self, time: float, near: Float64) -> Float64:
        """Joints at a time since the beginning."""
        raise NotImplementedError


class Pause(Planned):
    """Wait where the arm is."""

    def __init__(self, joints: Float64, duration: float) -> None:
        """Take the joints and the time [s]."""
        super().__init__(duration)
        self.goal = joints

    def _at(self, time: float, near: Float64) -> Float64:
        return self.goal


class JointMove(Planned):
    """All joints run evenly along the straight line between two configurations."""

    def __init__(self, start: Float64, goal: Float64, speed: float, acceleration: float) -> None:
        """Plan from and to joints (6,); speed and acceleration are those of the joint with the longest way [rad]."""
        self._start, self.goal = start, goal
        self._profile = Profile(float(np.abs(goal - start).max()), speed, acceleration)
        super().__init__(self._profile.duration)

    def _at(self, time: float, near: Float64) -> Float64:
        return self._start + self._profile.part(time) * (self.goal - self._start)


class ToolMove(Planned):
    """The tool runs along a line or an arc while it turns evenly."""

    def __init__(
        self, model: Model, start: Float64, path: Path, speed: float, acceleration: float
    ) -> None:
        """Plan from joints (6,) along a path.

        Raises:
            MotionError: Its end cannot be reached, or lies beyond a joint's range.
        """
        self._model, self._path = model, path
        self._profile = Profile(path.length, speed, acceleration)
        self._turning = Profile(path.angle, TURN_SPEED, TURN_ACCELERATION)
        super().__init__(max(self._profile.duration, self._turning.duration))
        self._slow = (
            self._turning if self._turning.duration > self._profile.duration else self._profile
        )
        self._last = start
        self.goal = self._walk(start)

    def _walk(self, start: Float64) -> Float64:
        """Joints at the end, found along the way, so that they are those where the arm will come to be."""
        joints = start
        steps = max(2, round(min(self._duration, LONGEST_LOOK) / 0.1))
        for step in range(1, steps + 1):
            joints = self._model.solve(self._path.at(step / steps), joints)
        return joints

    def _at(self, time: float, near: Float64) -> Float64:
        return self._model.solve(self._path.at(self._slow.part(time)), near)


class Path(Protocol):
    """A way of the tool."""

    @property
    def length(self) -> float:
        """Of the way [m]."""

    @property
    def angle(self) -> float:
        """How far it turns [rad]."""

    def at(self, part: float) -> Pose:
        """The pose after a share of the way."""


class Line:
    """Straight from pose to pose, turning evenly the short way round."""

    def __init__(self, start: Pose, goal: Pose) -> None:
        """Take both poses."""
        self._start, self._goal = start, goal
        self._turn = geometry.rotation(start.quaternion)
        self._way = (self._turn.inv() * geometry.rotation(goal.quaternion)).as_rotvec()
        self.length = float(np.linalg.norm(goal.position - start.position))
        self.angle = float(np.linalg.norm(self._way))

    def at(self, part: float) -> Pose:
        """The pose after a share of the way."""
        turn = self._turn * Rotation.from_rotvec(part * self._way)
        position = self._start.position + part * (self._goal.position - self._start.position)
        return Pose(position=position, quaternion=geometry.quaternion(turn))


class Arc:
    """Round the circle through three points, as far as told; the tool keeps its orientation."""

    def __init__(self, start: Pose, through: Pose, end: Pose, circles: float) -> None:
        """Take the points in their order, and how many times to go round.

        Raises:
            MotionError: 25, the points lie on one line.
        """
        a, b, c = start.position, through.position, end.position
        normal = np.cross(b - a, c - a)
        size = float(np.linalg.norm(normal))
        if size < 1e-9:
            raise MotionError(25)
        u, v = b - a, c - a
        across = np.cross(normal, u) * (v @ v) + np.cross(v, normal) * (u @ u)
        self._centre = a + across / (2 * size**2)
        self._axis = normal / size
        self._arm = a - self._centre
        self._quaternion = start.quaternion
        self._sweep = 2 * pi * circles
        self.length = abs(self._sweep) * float(np.linalg.norm(self._arm))
        self.angle = 0.0

    def at(self, part: float) -> Pose:
        """The pose after a share of the way."""
        turn = Rotation.from_rotvec(part * self._sweep * self._axis)
        return Pose(position=self._centre + turn.apply(self._arm), quaternion=self._quaternion)


def check_speed(way: Float64, period: float, limit: float) -> None:
    """Refuse joints that run away, as they do near singular poses.

    Raises:
        MotionError: 24.
    """
    if float(np.abs(way).max()) > limit * period * SLACK:
        raise MotionError(SPEED)
