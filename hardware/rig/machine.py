"""What the controller is allowed to do at the moment: modes, states, errors, enabled joints and held emergency stops.

It knows neither sockets nor motion. The rules are those of the vendor's firmware as far as they are known, and the
stricter reading where they are not: a driver that gets along with this gets along with an easier controller, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

POSITION, SERVO, TEACHING, JOINT_VELOCITY, TOOL_VELOCITY, ONLINE_JOINTS, ONLINE_TOOL = (
    0,
    1,
    2,
    4,
    5,
    6,
    7,
)
MODES: Final = (
    POSITION,
    SERVO,
    TEACHING,
    JOINT_VELOCITY,
    TOOL_VELOCITY,
    ONLINE_JOINTS,
    ONLINE_TOOL,
)
MOVING, IDLE, PAUSED, STOPPED, CHANGED = 1, 2, 3, 4, 5
"""States as they are read; 5 follows a change of mode or configuration."""
READY, PAUSE, STOP, BRAKE = 0, 3, 4, 6
"""States as they are written."""

JOINTS: Final = 6
ALL: Final = 8
"""The joint number that means every joint."""
EMERGENCY: Final = (1, 2, 3)
"""Errors of buttons and inputs, which stay until a person lets go of them."""
SERVO_ERRORS: Final = tuple(range(10, 18))
"""Errors of the joints' servos."""
BRAKING: Final = tuple(range(1, 18))
"""Errors that take the power off the joints."""

BUFFER_FULL, BAD_PARAMETER, UNKNOWN_COMMAND, NO_SOLUTION = 11, 12, 13, 14
"""Warnings."""


class Machine:
    """Modes, states and errors of one controller."""

    def __init__(self, on_stop: Callable[[int], None] = lambda state: None) -> None:
        """Begin as after switching on: not enabled, stopped, without error.

        Args:
            on_stop: Is called when motion and buffer are to be dropped, with the state that is being entered.
        """
        self._on_stop = on_stop
        self.mode = POSITION
        self.enabled = [False] * JOINTS
        self.error = 0
        self.warning = 0
        self.held = 0
        """The emergency stop that somebody still holds, or 0."""
        self._state = STOPPED
        self._must_enable = True

    @property
    def ready(self) -> bool:
        """Whether commands to move are taken."""
        return self._state in (IDLE, PAUSED) and all(self.enabled) and not self.error

    @property
    def paused(self) -> bool:
        """Whether motion waits for state 0."""
        return self._state == PAUSED

    def state(self, *, moving: bool) -> int:
        """What is read as the state."""
        return MOVING if self._state == IDLE and moving else self._state

    def enable(self, joint: int, on: bool) -> bool:
        """Switch joints on or off; false where that cannot be, such as during an emergency stop.

        Args:
            joint: 1 to 7 (which an xArm6 has not, and ignores), or 8 for all of them.
            on: Whether they are to be on.
        """
        if self.held and on:
            return False
        for index in range(JOINTS) if joint == ALL else [joint - 1]:
            if 0 <= index < JOINTS:
                self.enabled[index] = on
        if not all(self.enabled):
            self._stop(STOPPED)
            self._must_enable = True
        elif on:
            self._must_enable = False
        return True

    def set_mode(self, mode: int) -> bool:
        """Change the mode; the controller stands in state 5 until state 0 is written. False for an unknown mode."""
        if mode not in MODES:
            self.warning = BAD_PARAMETER
            return False
        self.mode = mode
        self._stop(STOPPED if self.error else CHANGED)
        return True

    def set_state(self, state: int) -> bool:
        """Write a state; false for an unknown one. Motion that is not allowed stays so, without a word."""
        if state == READY:
            if not self.error and not self._must_enable and all(self.enabled):
                self._state = IDLE
        elif state == PAUSE:
            if self._state == IDLE:
                self._state = PAUSED
        elif state in (STOP, BRAKE):
            self._stop(STOPPED)
        else:
            self.warning = BAD_PARAMETER
            return False
        return True

    def configuration_changed(self) -> None:
        """Fall back to mode 0 and state 5, as any change of the configuration makes it."""
        self.mode = POSITION
        self._stop(STOPPED if self.error else CHANGED)

    def fail(self, error: int, *, held: bool = False) -> None:
        """Stop on an error: the buffer is dropped, the state is 4, and for errors 1 to 17 the brakes close.

        Until it is cleared, and joints enabled, mode and state set again, nothing moves.

        Args:
            error: The controller's code.
            held: Whether somebody keeps the emergency stop pressed, so that it cannot be cleared.
        """
        if held:
            self.held = error
        if self.error in EMERGENCY and error not in EMERGENCY:
            return  # what comes after the button does not hide it
        self.error = error
        if error in BRAKING:
            self.enabled = [False] * JOINTS
        self.mode = POSITION
        self._must_enable = True
        self._stop(STOPPED)

    def warn(self, warning: int) -> None:
        """Raise a warning; it does not stop the arm."""
        self.warning = warning

    def release(self) -> None:
        """Somebody lets go of the emergency stop; the error stays until it is cleared."""
        self.held = 0

    def clean_error(self) -> bool:
        """Clear the error; false where its cause is still there, or where a joint must be enabled before."""
        if self.held or (self.error in SERVO_ERRORS and not all(self.enabled)):
            return False
        self.error = 0
        return True

    def clean_warning(self) -> None:
        """Clear the warning."""
        self.warning = 0

    def _stop(self, state: int) -> None:
        self._state = state
        self._on_stop(state)
