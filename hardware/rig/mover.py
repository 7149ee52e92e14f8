"""What the commanded joints do next: the buffer of planned motions, the stream in force, and the brakes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ibc_gym.records import Float64

from .frames import FINISHED
from .model import Model, MotionError
from .motion import Motion, Planned, check_speed
from .streams import Brake, JointVelocity, OnlineJoints, OnlineTool, Servo, ToolVelocity

LARGEST_BUFFER: Final = 512
"""Commands that fit."""
REMEMBERED: Final = 0.15
"""How far back a rebound goes [s]."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who is to be told how a command ended."""

    client: int
    transaction: int
    protocol: int
    kind: int = FINISHED
    """What it is told."""


Ended = Callable[[Ticket, bool | None], None]
"""Is told of a ticket: True for success, False for failure, None where the command was dropped."""


class Mover:
    """The joints that the controller commands, and what moves them."""

    def __init__(self, model: Model, joints: Float64, period: float, ended: Ended) -> None:
        """Stand still at joints (6,) [rad]; `period` is the time between two `advance` [s]."""
        self._model, self._period, self._ended = model, period, ended
        self.joints = joints
        """Commanded, (6,) [rad]."""
        self.velocities: Float64 = np.zeros(6)
        """Of the last period, (6,) [rad/s]."""
        self._buffer: deque[tuple[Planned | None, Ticket | None]] = deque()
        self._stream: Motion | None = None
        self._past: deque[Float64] = deque(maxlen=max(2, round(REMEMBERED / period)))

    @property
    def buffered(self) -> int:
        """Planned commands that are not over."""
        return len(self._buffer)

    @property
    def moving(self) -> bool:
        """Whether something moves or wants to."""
        if self._buffer:
            return True
        if isinstance(self._stream, Servo):
            return bool((self.joints != self._stream.target).any())
        return self._stream is not None and not self._stream.over

    @property
    def end(self) -> Float64:
        """Joints at the end of what is planned, (6,)."""
        planned = [motion.goal for motion, _ in self._buffer if motion is not None]
        return planned[-1] if planned else self.joints

    def plan(self, motion: Planned, ticket: Ticket | None) -> None:
        """Put a motion behind those that are planned."""
        self._model.check_fence(motion.goal)
        if not self._buffer:
            self._stream = None
        self._buffer.append((motion, ticket))

    def when_empty(self, ticket: Ticket) -> None:
        """Tell as soon as all that is planned is over."""
        if self._buffer:
            self._buffer.append((None, ticket))
        else:
            self._ended(ticket, True)

    def servo(self) -> Servo:
        """The servo stream, begun where the arm is if there was none."""
        if not isinstance(self._stream, Servo):
            self._stream = Servo(self.joints)
        return self._stream

    def joint_velocity(self) -> JointVelocity:
        """The stream of joint velocities."""
        if not isinstance(self._stream, JointVelocity):
            self._stream = JointVelocity(self.velocities)
        return self._stream

    def tool_velocity(self) -> ToolVelocity:
        """The stream of tool velocities."""
        if not isinstance(self._stream, ToolVelocity):
            self._stream = ToolVelocity(self._model)
        return self._stream

    def online_joints(self) -> OnlineJoints:
        """The stream of joints that replace each other."""
        if not isinstance(self._stream, OnlineJoints):
            self._stream = OnlineJoints(self.joints, self.velocities)
        return self._stream

    def online_tool(self) -> OnlineTool:
        """The stream of tool poses that replace each other."""
        if not isinstance(self._stream, OnlineTool):
            self._stream = OnlineTool(self._model, self.joints)
        return self._stream

    def drop(self, *, failed: bool) -> None:
        """Brake, and forget all that was planned; who waits is told."""
        self._stream = Brake(self.velocities)
        while self._buffer:
            _, ticket = self._buffer.popleft()
            if ticket is not None:
                self._ended(ticket, False if failed else None)
            failed = False  # the one that ran has failed, those behind it are dropped

    def rebound(self) -> None:
        """Go back to where the arm was a moment ago, and stay there."""
        if self._past:
            self._stream = Servo(self.joints)
            self._stream.target = self._past[0]

    def resume_at(self, joints: Float64) -> None:
        """Take over where the arm is, as after it was moved by hand."""
        self.joints, self.velocities = joints, np.zeros(6)
        self._stream = None

    def advance(self, *, paused: bool) -> None:
        """Let one period pass.

        Raises:
            MotionError: The motion cannot go on; the joints stay where they were commanded before.
        """
        self._finish()
        motion: Motion | None = self._buffer[0][0] if self._buffer else self._stream
        if isinstance(motion, Planned):
            motion.paused = paused
        elif paused and not isinstance(motion, Brake | None):
            motion = self._stream = Brake(self.velocities)
        if motion is None or (isinstance(motion, Servo) and motion.target is self.joints):
            self.velocities = np.zeros(6)
            return
        try:
            reached = motion.advance(self.joints, self._period)
            self._check(motion, reached)
        except MotionError:
            # At a border the arm stops dead: braking would lead across.
            self.velocities = np.zeros(6)
            if isinstance(motion, Brake):
                self._stream = None
                return
            raise
        self._past.append(self.joints)
        self.velocities = (reached - self.joints) / self._period
        self.joints = reached
        if isinstance(motion, Brake) and motion.over:
            self._stream = None
        self._finish()

    def _check(self, motion: Motion, reached: Float64) -> None:
        """Refuse to go where the arm must not be; the targets of a servo stream were judged when they came."""
        if isinstance(motion, Servo):
            return
        if not isinstance(motion, Brake):
            check_speed(reached - self.joints, self._period, self._model.joint_speed)
        self._model.check_joints(reached)
        self._model.check_fence(reached)

    def _finish(self) -> None:
        """Take what is over out of the buffer."""
        while self._buffer and (self._buffer[0][0] is None or self._buffer[0][0].over):
            _, ticket = self._buffer.popleft()
            if ticket is not None:
                self._ended(ticket, True)
