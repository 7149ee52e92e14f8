"""Motion that follows what it is told from moment to moment: servo targets, velocities, targets that replace each other."""

from __future__ import annotations

from collections import deque
from math import sqrt
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose
from ibc_gym.xarm6 import XARM6

from .model import LINEAR_SPEED, SPEED, Model, MotionError

LONGEST_STEP: Final = 0.010
"""Of the tool between two servo targets [m]."""
WINDOW: Final = 0.1
"""Time over which the speed of a servo stream is measured [s], so that the network's jitter does not count as speed."""
JOINT_ACCELERATION: Final = 10.0
"""Of joints that are told a velocity, or stopped [rad/s^2]."""
TOOL_ACCELERATION: Final = 2.0
"""[m/s^2]"""
TURN_ACCELERATION: Final = 10.0
"""[rad/s^2]"""
BRAKING: Final = 20.0
"""Of joints that are to stand still [rad/s^2]."""
THERE: Final = 1e-9
"""Way that does not count [m or rad]."""


class Servo:
    """Runs to the newest target at the full speed of the joints; it is the stream's steps that are the speed."""

    def __init__(self, joints: Float64) -> None:
        """Begin where the arm is commanded to be."""
        self.target = joints
        self._steps: deque[tuple[float, float, float]] = deque()  # when, of the tool, of a joint

    @property
    def over(self) -> bool:
        """It holds its last target until something else comes."""
        return False

    def take(self, joints: Float64, model: Model, now: float, code: int) -> None:
        """A new target.

        Args:
            joints: (6,) [rad].
            model: Kinematics and limits.
            now: The controller's time [s].
            code: What a step that is too long is called, 24 or 60.

        Raises:
            MotionError: A joint leaves its range, or the stream is too fast; the target before stays.
        """
        model.check_joints(joints)
        model.check_fence(joints)
        way = model.matrix(joints)[:3, 3] - model.matrix(self.target)[:3, 3]
        step, turn = float(np.linalg.norm(way)), float(np.abs(joints - self.target).max())
        while self._steps and self._steps[0][0] <= now - WINDOW:
            self._steps.popleft()
        self._steps.append((now, step, turn))
        travelled = sum(row[1] for row in self._steps)
        turned = sum(row[2] for row in self._steps)
        if step > LONGEST_STEP or travelled > model.tcp_speed * WINDOW:
            raise MotionError(code)
        if turned > model.joint_speed * WINDOW:
            raise MotionError(SPEED)
        self.target = joints

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints a period later."""
        way = self.target - joints
        longest = float(np.abs(way).max())
        furthest = XARM6.speed_limit * period
        return self.target if longest <= furthest else joints + way * (furthest / longest)


class Brake:
    """Slows all joints down evenly, from the speed that they have."""

    def __init__(self, velocities: Float64) -> None:
        """Begin at velocities (6,) [rad/s]."""
        self.velocities = velocities

    @property
    def over(self) -> bool:
        """Whether the arm stands still."""
        return not self.velocities.any()

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints a period later."""
        fastest = float(np.abs(self.velocities).max())
        left = fastest - BRAKING * period
        self.velocities = self.velocities * (left / fastest if left > THERE else 0.0)
        return joints + self.velocities * period


class JointVelocity:
    """Joints at given velocities until their time is over; then they slow down."""

    def __init__(self, velocities: Float64) -> None:
        """Begin at the velocities of the moment (6,) [rad/s]."""
        self._now = velocities
        self._wanted = np.zeros(6)
        self._left: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing is wanted and nothing moves."""
        return not self._wanted.any() and not self._now.any()

    def take(self, velocities: Float64, duration: float | None) -> None:
        """New velocities (6,) [rad/s], for a time [s] or until something else is told."""
        self._wanted, self._left = velocities, duration

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints a period later."""
        self._wanted, self._left = _expired(self._wanted, self._left, period)
        self._now = _towards(self._now, self._wanted, JOINT_ACCELERATION * period)
        return joints + self._now * period


class ToolVelocity:
    """The tool at a given twist until its time is over; then it slows down."""

    def __init__(self, model: Model) -> None:
        """Begin at rest."""
        self._model = model
        self._now, self._wanted = np.zeros(6), np.zeros(6)
        self._left: float | None = None
        self._in_tool = False

    @property
    def over(self) -> bool:
        """Whether nothing is wanted and nothing moves."""
        return not self._wanted.any() and not self._now.any()

    def take(self, twist: Float64, duration: float | None, *, in_tool: bool) -> None:
        """A new twist (6,): linear [m/s], angular [rad/s], in the axes of the world or of the tool."""
        self._wanted, self._left, self._in_tool = twist, duration, in_tool

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints a period later."""
        self._wanted, self._left = _expired(self._wanted, self._left, period)
        linear = _towards(self._now[:3], self._wanted[:3], TOOL_ACCELERATION * period)
        angular = _towards(self._now[3:], self._wanted[3:], TURN_ACCELERATION * period)
        self._now = np.concatenate([linear, angular])
        twist = self._now
        if self._in_tool:
            turn = self._model.matrix(joints)[:3, :3]
            twist = np.concatenate([turn @ twist[:3], turn @ twist[3:]])
        return joints + self._model.rates(joints, twist) * period


class OnlineJoints:
    """Runs to the newest joints under limits of speed and acceleration, from whatever speed it has."""

    def __init__(self, joints: Float64, velocities: Float64) -> None:
        """Begin at joints (6,) [rad] and their velocities [rad/s]."""
        self._target = joints
        self._now = velocities
        self._speed, self._acceleration = 1.0, 1.0
        self._there = not velocities.any()

    @property
    def over(self) -> bool:
        """Whether the newest target is reached."""
        return self._there

    def take(self, joints: Float64, speed: float, acceleration: float) -> None:
        """A new target (6,) [rad], with the greatest speed and acceleration on the way."""
        self._target, self._speed, self._acceleration = joints, speed, acceleration
        self._there = False

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints a period later."""
        way = self._target - joints
        self._now = _approach(way, self._now, self._speed, self._acceleration, period)
        self._there = bool(np.abs(way).max() < THERE)
        return joints + self._now * period


class OnlineTool:
    """The same for the tool along the straight line."""

    def __init__(self, model: Model, joints: Float64) -> None:
        """Begin at rest, where joints (6,) have the tool."""
        self._model = model
        self._target = self._pose = model.tool(joints)
        self._now, self._turning = np.zeros(3), np.zeros(3)
        self._speed, self._acceleration = 0.1, 1.0
        self._there = True

    @property
    def over(self) -> bool:
        """Whether the newest target is reached."""
        return self._there

    def take(self, pose: Pose, speed: float, acceleration: float) -> None:
        """A new target, with the greatest speed [m/s] and acceleration [m/s^2] on the way."""
        self._target, self._speed, self._acceleration = pose, speed, acceleration
        self._there = False

    def advance(self, joints: Float64, period: float) -> Float64:
        """The joints a period later."""
        way = self._target.position - self._pose.position
        turn = geometry.rotation(self._pose.quaternion)
        rest = (geometry.rotation(self._target.quaternion) * turn.inv()).as_rotvec()
        self._now = _approach(way, self._now, self._speed, self._acceleration, period)
        self._turning = _approach(rest, self._turning, 1.0, TURN_ACCELERATION, period)
        turn = Rotation.from_rotvec(self._turning * period) * turn
        self._pose = Pose(
            position=self._pose.position + self._now * period,
            quaternion=geometry.quaternion(turn),
        )
        self._there = bool(np.abs(way).max() < THERE and np.abs(rest).max() < 1e-7)
        return self._model.solve(self._pose, joints)


def _approach(
    way: Float64, velocity: Float64, speed: float, acceleration: float, period: float
) -> Float64:
    """The next velocity of something that is to stop at the end of `way`, as fast as it may."""
    distance = float(np.linalg.norm(way))
    if distance < THERE:
        return np.zeros_like(way)
    # The speed from which one can still stop there, when speeds hold for a whole period.
    step = acceleration * period
    stopping = sqrt(step * step / 4 + 2 * acceleration * distance) - step / 2
    wanted = way / distance * min(speed, stopping, distance / period)
    if float(np.linalg.norm(velocity - wanted)) <= 2 * step:
        return wanted
    return _towards(velocity, wanted, step)


def _expired(wanted: Float64, left: float | None, period: float) -> tuple[Float64, float | None]:
    """What is still wanted, and for how long, after a period."""
    if left is None:
        return wanted, None
    return (wanted, left - period) if left > 0 else (np.zeros(6), None)


def _towards(now: Float64, wanted: Float64, furthest: float) -> Float64:
    """`now` moved towards `wanted` by no more than `furthest`."""
    way = wanted - now
    distance = float(np.linalg.norm(way))
    return wanted if distance <= furthest else now + way * (furthest / distance)


def step_error(firmware: tuple[int, int, int], *, of_joints: bool) -> int:
    """What the controller calls a servo stream that is too fast: newer ones tell joints and poses apart."""
    return LINEAR_SPEED if of_joints and firmware >= (2, 0, 0) else SPEED
