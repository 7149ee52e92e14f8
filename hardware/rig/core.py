"""The controller without its sockets: what it is, what it is allowed, where it moves, and what it has heard."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Any, Final

import numpy as np

from ibc_gym.contracts import Robot
from ibc_gym.records import Float64, RobotState, Target

from . import frames
from .configuration import Configuration, Identity
from .gripper import Gripper
from .lines import RigError
from .machine import BUFFER_FULL, STOPPED, TEACHING, Machine
from .model import COLLISION, Model, MotionError
from .motion import Planned
from .mover import LARGEST_BUFFER, Mover, Ticket
from .tool_io import ControlBox, ToolBoard

MOST_HEARD: Final = 200_000
"""Motion targets and orders to stop that are kept until somebody asks for them; the oldest go first."""
DRIFT: Final = 0.05
"""By how much joints may be elsewhere than commanded when motion is allowed anew [rad]; beyond, the arm was moved by hand."""
GENTLY: Final = 1.0
"""How quickly a hand begins and ends [rad/s^2]."""
Notice = tuple[Ticket, int]
"""Whom to tell, and how a command ended."""


class Core:
    """One controller and the robot that it moves."""

    def __init__(self, robot: Robot, identity: Identity | None = None) -> None:
        """Take over a robot with the joints of an xArm6, where it stands."""
        self.identity = identity or Identity()
        self.robot = robot
        self.period = robot.limits.control_period
        """Time of one `advance` [s]."""
        self.heard: deque[dict[str, Any]] = deque(maxlen=MOST_HEARD)
        """Every motion target that came in, the newest last."""
        self.stops: deque[dict[str, Any]] = deque(maxlen=MOST_HEARD)
        """Every order to stop that came in, the newest last."""
        self._numbers = count(1)
        self.notices: list[Notice] = []
        """What clients wait to be told."""
        self.saved = Configuration()
        """What outlasts a restart."""
        self.time = 0.0
        """Since the first start, of periods that passed [s]."""
        self.lost = 0.0
        """Time in which this program came too late to move the arm, and which no period makes up for [s]."""
        self.starts = 0
        self.machine = Machine()
        self._state: RobotState | None = None
        self._tool: Float64 | None = None
        self.start()

    def start(self) -> None:
        """Be as after switching on, with the configuration that was saved."""
        self.starts += 1
        held = self.machine.held
        self.configuration = self.saved.copy()
        self.model = Model(self.configuration, self.identity.ranges())
        self.machine = Machine(self._stopped)
        self.mover = Mover(self.model, self.state.joints, self.period, self.tell)
        self.gripper = Gripper()
        self.tool_board = ToolBoard()
        self.box = ControlBox()
        self.counter = 0
        self.parameters: dict[int, bytes] = {}
        """Of kinds that only newer clients know, as they were set."""
        self.servo_codes = [0] * 7
        """Error codes of the joints' servos."""
        if held:
            self.fail(held, held=True)  # who presses the button does not notice

    @property
    def state(self) -> RobotState:
        """The robot as measured after the last period."""
        if self._state is None:
            self._state = self.robot.observe()
        return self._state

    @property
    def tool(self) -> Float64:
        """World_T_tool as measured, (4, 4)."""
        if self._tool is None:
            self._tool = self.model.matrix(self.state.joints)
        return self._tool

    @property
    def tool_speed(self) -> float:
        """How fast the measured tool moves [m/s]."""
        state = self.state
        before = self.model.matrix(state.joints - self.period * state.joint_velocities)
        return float(np.linalg.norm(self.tool[:3, 3] - before[:3, 3])) / self.period

    @property
    def now(self) -> float:
        """When a target comes [s]: on a busy machine a stream is no faster than it was sent, though the arm moves less often."""
        return self.time + self.lost

    @property
    def state_code(self) -> int:
        """The state as it is read."""
        return self.machine.state(moving=self.mover.moving)

    @property
    def status(self) -> int:
        """The status byte of a reply."""
        machine = self.machine
        return (
            (frames.ERROR if machine.error else 0)
            | (frames.WARNING if machine.warning else 0)
            | (0 if machine.ready else frames.NOT_READY)
        )

    def note(self) -> dict[str, Any]:
        """When something comes in that moves the arm or stops it: which it is of all of them, and times [s]."""
        return {"number": next(self._numbers), "time": self.time, "came": self.now}

    def fail(self, code: int, *, held: bool = False) -> None:
        """Stop on an error of the controller."""
        self.machine.fail(code, held=held)
        if 11 <= code <= 16:
            self.servo_codes[code - 11] = 23  # a large deviation of its position
        if code == COLLISION and self.configuration.rebound_on:
            self.mover.rebound()

    def clean_error(self) -> bool:
        """Clear the error where that is possible."""
        cleaned = self.machine.clean_error()
        if cleaned:
            self.servo_codes = [0] * 7
        return cleaned

    def set_state(self, state: int) -> bool:
        """Write a state; where motion becomes possible, it begins where the arm is."""
        before = self.machine.ready
        known = self.machine.set_state(state)
        if self.machine.ready and not before:
            joints = self.state.joints
            if float(np.abs(joints - self.mover.joints).max()) > DRIFT:
                self.mover.resume_at(joints)
        return known

    def configure(self) -> None:
        """Put a changed configuration into force; mode and state fall back."""
        self.model.configure(self.configuration)
        self._tool = None
        self.machine.configuration_changed()

    def plan(self, motion: Planned, ticket: Ticket | None) -> bool:
        """Take a planned motion; false where the buffer is full."""
        if self.mover.buffered >= LARGEST_BUFFER:
            self.machine.warn(BUFFER_FULL)
            return False
        self.mover.plan(motion, ticket)
        return True

    def lead(self, joints: Float64, speed: float) -> None:
        """A hand takes the arm elsewhere, to joints (6,) [rad] at a speed [rad/s]; it begins now.

        Raises:
            RigError: The arm is stiff: it is in another mode than that of hand-guiding, or not ready.
        """
        if self.machine.mode != TEACHING or not self.machine.ready:
            raise RigError(
                f"The arm is stiff: mode {self.machine.mode}, state {self.state_code}. A hand can lead it in mode {TEACHING}."
            )
        self.mover.online_joints().take(joints, speed, GENTLY)

    def moved_by_hand(self) -> None:
        """Take over where the arm is, after something other than this controller moved it."""
        self._state = self._tool = None
        self.mover.resume_at(self.state.joints)

    def advance(self) -> None:
        """Let one control period of motion pass."""
        try:
            self.mover.advance(paused=self.machine.paused)
        except MotionError as error:
            self.fail(error.code)
        self.robot.command(Target(joints=self.mover.joints))
        self.robot.advance()
        self.gripper.advance(self.period)
        self.time += self.period
        self._state = self._tool = None

    def tell(self, ticket: Ticket, success: bool | None) -> None:
        """Let a client know how its command ended; None where it was dropped."""
        results = {True: frames.SUCCESS, False: frames.FAILURE, None: frames.DISCARDED}
        self.notices.append((ticket, results[success]))

    def _stopped(self, state: int) -> None:
        self.mover.drop(failed=state == STOPPED and bool(self.machine.error))
