"""What the controller is allowed to do, for any sequence of commands, errors and hands on the emergency stop."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from trials import trials

from ibc_gym.hardware.rig.machine import (
    BRAKING,
    CHANGED,
    EMERGENCY,
    IDLE,
    MODES,
    PAUSED,
    POSITION,
    SERVO_ERRORS,
    STOPPED,
    Machine,
)

errors = st.sampled_from([*EMERGENCY, *SERVO_ERRORS, 19, 21, 22, 23, 24, 31, 35, 60])


class AnySequence(RuleBasedStateMachine):
    """Plays with a machine, and keeps its own account of what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.stops: list[int] = []
        self.machine = Machine(self.stops.append)
        self.enabled_since_error = False
        self.armed = False

    @rule(joint=st.sampled_from([*range(1, 8), 8]), on=st.booleans())
    def enable(self, joint: int, on: bool) -> None:
        held = bool(self.machine.held)
        assert self.machine.enable(joint, on) is not (held and on)
        if not all(self.machine.enabled):
            self.enabled_since_error = self.armed = False
        elif on and not held:
            self.enabled_since_error = True

    @rule(mode=st.integers(0, 12))
    def set_mode(self, mode: int) -> None:
        before = self.machine.mode
        known = self.machine.set_mode(mode)
        assert known is (mode in MODES)
        assert self.machine.mode == (mode if known else before)
        if known:
            self.armed = False
            assert self.stops
            assert self.machine.state(moving=True) == (STOPPED if self.machine.error else CHANGED)

    @rule(state=st.sampled_from([0, 3, 4, 6]))
    def set_state(self, state: int) -> None:
        self.machine.set_state(state)
        if state in (4, 6):
            self.armed = False
        may = self.enabled_since_error and not self.machine.error and all(self.machine.enabled)
        if state == 0 and may:
            self.armed = True
            assert self.machine.ready and self.machine.state(moving=False) == IDLE

    @rule(state=st.sampled_from([1, 2, 5, 7, 255]))
    def set_unknown_state(self, state: int) -> None:
        before = self.machine.state(moving=False)
        assert not self.machine.set_state(state)
        assert self.machine.state(moving=False) == before and self.machine.warning

    @rule()
    def configure(self) -> None:
        self.machine.configuration_changed()
        self.armed = False
        assert self.machine.mode == POSITION and not self.machine.ready

    @rule(code=errors, held=st.booleans())
    def fail(self, code: int, held: bool) -> None:
        before = len(self.stops)
        hidden = self.machine.error in EMERGENCY and code not in EMERGENCY
        self.machine.fail(code, held=held and code in EMERGENCY)
        self.enabled_since_error = self.armed = self.enabled_since_error and hidden
        assert not self.machine.ready
        if not hidden:
            assert (self.machine.error, self.machine.state(moving=True)) == (code, STOPPED)
            assert len(self.stops) > before
            if code in BRAKING:
                assert not any(self.machine.enabled)

    @rule()
    def release(self) -> None:
        error = self.machine.error
        self.machine.release()
        assert self.machine.error == error

    @rule()
    def clean_error(self) -> None:
        before, held = self.machine.error, self.machine.held
        brakes = before in SERVO_ERRORS and not all(self.machine.enabled)
        cleaned = self.machine.clean_error()
        assert cleaned is not bool(held or brakes)
        assert self.machine.error == (0 if cleaned else before)

    @rule()
    def clean_warning(self) -> None:
        self.machine.clean_warning()
        assert self.machine.warning == 0

    @invariant()
    def nothing_moves_unless_it_was_enabled_and_set_ready_since_the_last_error(self) -> None:
        if self.machine.ready:
            assert self.armed and not self.machine.error and all(self.machine.enabled)

    @invariant()
    def what_is_read_as_the_state_is_one_that_the_client_knows(self) -> None:
        state = self.machine.state(moving=False)
        assert state in (IDLE, PAUSED, STOPPED, CHANGED)
        assert self.machine.ready or state in (IDLE, PAUSED, STOPPED, CHANGED)

    @invariant()
    def error_means_stopped(self) -> None:
        if self.machine.error:
            assert self.machine.state(moving=True) == STOPPED


AnySequence.TestCase.settings = settings(max_examples=trials(30), stateful_step_count=40)
TestAnySequence = AnySequence.TestCase


def ready(mode: int = 1) -> Machine:
    machine = Machine()
    machine.enable(8, True)
    machine.set_mode(mode)
    machine.set_state(0)
    assert machine.ready
    return machine


def test_motion_needs_the_whole_sequence_after_an_error() -> None:
    machine = ready()
    machine.fail(31)
    machine.set_state(0)
    assert not machine.ready
    assert machine.clean_error()
    machine.set_state(0)
    assert not machine.ready, "not enabled again"
    machine.enable(8, True)
    assert not machine.ready, "state 0 was not set"
    machine.set_state(0)
    assert (machine.ready, machine.mode) == (True, POSITION), "the mode must be set again"


def test_error_after_the_button_does_not_hide_it() -> None:
    machine = ready()
    machine.fail(1, held=True)
    machine.fail(24)
    assert machine.error == 1
    assert not machine.clean_error()
    machine.release()
    assert machine.clean_error()
