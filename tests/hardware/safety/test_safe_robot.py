"""Nothing beyond the limits gets past the guard, whatever is asked, and what stopped the robot keeps it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from safe_bench import BOX, HOME, SLANTED, Notebook, safe, to
from trials import trials

from ibc_gym.errors import ConfigError, RobotFault, SpecMismatch
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.hardware.safety.limits import angle_between, tilt_of, within
from ibc_gym.kinematics import DOWN
from ibc_gym.records import RobotState, Target
from ibc_gym.testing import RobotContract
from ibc_gym.testing.ideal import IdealRobot


class TestSafeRobotIsARobot(RobotContract):
    """With wide limits, what every robot keeps."""

    takes_joints = False

    def make(self) -> SafeRobot:
        return SafeRobot(IdealRobot(BOX, HOME), SafetyLimits(height=(0.05, 0.6), tilt=3.0))


class Asking(RuleBasedStateMachine):
    """Any sequence of commands, faults, delays and restarts."""

    limits = SLANTED

    @initialize()
    def begin(self) -> None:
        self.robot, self.inner = safe(self.limits)
        self.normals, self.offsets = self.limits.faces()
        self.moves_at_stop: int | None = None

    @property
    def stopped(self) -> bool:
        return self.robot.fault is not None

    @rule(
        x=st.floats(-1, 1),
        y=st.floats(-1, 1),
        z=st.floats(-1, 1),
        q=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1),
    )
    def command(self, x: float, y: float, z: float, q: tuple[float, ...]) -> None:
        target = to(x, y, z, np.array(q))
        if self.stopped:
            with pytest.raises(RobotFault):
                self.robot.command(target)
            return
        before, count = self.inner.observe(), len(self.inner.got)
        sent = self.robot.command(target)
        assert len(self.inner.got) == count + 1
        self._check(self.inner.got[-1], before)
        assert sent.tool is not None

    @rule(bad=st.sampled_from([float("nan"), float("inf"), -float("inf")]), where=st.integers(0, 6))
    def command_nonsense(self, bad: float, where: int) -> None:
        numbers = np.array([0.3, 0.0, 0.2, *DOWN])
        numbers[where] = bad
        count = len(self.inner.got)
        with pytest.raises((SpecMismatch, RobotFault)):
            self.robot.command(to(numbers[0], numbers[1], numbers[2], numbers[3:]))
        assert len(self.inner.got) == count

    @rule(share=st.floats(0, 1))
    def lag(self, share: float) -> None:
        self.inner.lag(share)

    @rule()
    def advance(self) -> None:
        if self.stopped:
            with pytest.raises(RobotFault):
                self.robot.advance()
            return
        try:
            self.robot.advance()
        except RobotFault:
            assert self.inner.broken and self.stopped

    @rule(held=st.booleans())
    def something_breaks(self, held: bool) -> None:
        self.inner.broken, self.inner.held = True, held

    @precondition(lambda self: not self.stopped)
    @rule()
    def somebody_presses_stop(self) -> None:
        self.robot.stop_for_good("The operator pressed stop.")

    @rule()
    def reset(self) -> None:
        if self.stopped:
            with pytest.raises(RobotFault):
                self.robot.reset()
        else:
            self.robot.reset()

    @precondition(lambda self: self.stopped)
    @rule(released=st.booleans())
    def recover(self, released: bool) -> None:
        self.inner.held = self.inner.held and not released
        if self.inner.held:
            with pytest.raises(RobotFault, match="still pressed"):
                self.robot.recover()
            assert self.stopped
        else:
            self.robot.recover()
            assert not self.stopped

    @invariant()
    def nothing_moves_while_stopped(self) -> None:
        if not hasattr(self, "inner"):
            return
        if not self.stopped:
            self.moves_at_stop = None
        elif self.moves_at_stop is None:
            self.moves_at_stop = self.inner.moves
        else:
            assert self.inner.moves == self.moves_at_stop

    def _check(self, got: Target, before: RobotState) -> None:
        assert got.tool is not None and before.target.tool is not None and before.tool is not None
        limits, place, last = self.limits, got.tool.position, before.target.tool.position
        assert limits.speed and limits.step and limits.tilt and limits.turning_speed
        assert within(place, self.normals, self.offsets, slack=1e-7)
        assert np.linalg.norm(place - last) <= limits.speed * 0.1 + 1e-9
        away = np.linalg.norm(place - before.tool.position)
        assert away <= limits.step + 1e-9 or np.array_equal(place, last)
        assert tilt_of(got.tool.quaternion) <= limits.tilt + 1e-6
        turn = angle_between(got.tool.quaternion, before.target.tool.quaternion)
        assert turn <= limits.turning_speed * 0.1 + 1e-6


def test_whatever_happens_no_target_beyond_the_limits_gets_through() -> None:
    run_state_machine_as_test(
        Asking, settings=settings(max_examples=trials(20), stateful_step_count=30, deadline=None)
    )


def test_intervention_is_counted_once_and_forgotten_by_a_reset() -> None:
    robot, _ = safe()
    robot.command(to(0.31, 0.0, 0.2))
    assert robot.observe().interventions == 0
    robot.command(to(5.0, 0.0, 0.2))
    robot.command(to(0.3, 0.0, 5.0))
    assert robot.observe().interventions == 2
    robot.reset()
    assert robot.observe().interventions == 0


def test_acceleration_is_bounded_from_one_command_to_the_next() -> None:
    robot, inner = safe(SafetyLimits(acceleration=0.5))
    rng = np.random.default_rng(0)
    last = velocity = np.zeros(3)
    for step, there in enumerate(rng.uniform([0.2, -0.3, 0.1], [0.5, 0.3, 0.5], (200, 3))):
        robot.command(to(*there))
        robot.advance()
        tool = inner.observe().target.tool
        assert tool is not None
        now = (tool.position - (last if step else np.array([0.3, 0.0, 0.2]))) / 0.1
        at_wall = (np.abs(tool.position - BOX.lower) < 1e-9) | (
            np.abs(tool.position - BOX.upper) < 1e-9
        )
        if not at_wall.any():
            assert np.linalg.norm(now - velocity) <= 0.5 * 0.1 + 1e-9
        last, velocity = tool.position, now


def test_robot_that_lags_behind_is_waited_for() -> None:
    robot, inner = safe(SafetyLimits(step=0.05))
    robot.command(to(0.34, 0.0, 0.2))
    inner._here = HOME  # it was held up
    robot.command(to(0.5, 0.0, 0.2))
    tool = inner.got[-1].tool
    assert tool is not None and np.allclose(tool.position, [0.35, 0.0, 0.2])


def test_no_command_for_longer_than_patience_stops_it_for_good() -> None:
    robot, inner = safe(SafetyLimits(patience=0.25))
    robot.command(to(0.31, 0.0, 0.2))
    for _ in range(3):
        robot.advance()
    with pytest.raises(RobotFault, match=r"No command came for 0\.3 s.*recover"):
        robot.advance()
    moves = inner.moves
    with pytest.raises(RobotFault):
        robot.reset()
    assert inner.moves == moves
    robot.recover()
    robot.reset()
    robot.command(to(0.31, 0.0, 0.2))
    robot.advance()


@pytest.mark.parametrize("call", ["observe", "command", "advance", "reset"])
def test_error_of_the_robot_stops_it_first_and_latches(call: str) -> None:
    robot, inner = safe()
    order: list[str] = []

    def fail(*_: object) -> None:
        order.append(call)
        raise RobotFault("Speed error (C24).")

    setattr(inner, call, fail)
    inner.stop = lambda: order.append("stop")  # type: ignore[method-assign]
    with pytest.raises(RobotFault, match="C24"):
        {"command": lambda: robot.command(HOME)}.get(call, getattr(robot, call))()
    assert order == [call, "stop"]
    assert "C24" in str(robot.fault)
    for what in (robot.advance, robot.reset, lambda: robot.command(HOME)):
        with pytest.raises(RobotFault, match="C24"):
            what()
    assert order == [call, "stop"]


@pytest.mark.parametrize(
    ("limits", "home", "why"),
    [
        (SafetyLimits(height=(0.3, 0.4)), HOME, "height band"),
        (SafetyLimits(tilt=0.1), to(0.3, 0.0, 0.2, np.array([0.5, 0.5, 0.5, 0.5])), "tilted"),
    ],
)
def test_home_beyond_the_limits_is_refused_before_anything_moves(
    limits: SafetyLimits, home: Target, why: str
) -> None:
    robot = SafeRobot(Notebook(), limits)
    with pytest.raises(SpecMismatch, match=why):
        robot.reset(home)


def test_own_home_beyond_the_limits_is_an_error_and_the_robot_is_stopped() -> None:
    robot = SafeRobot(Notebook(), SafetyLimits(height=(0.3, 0.4)))
    with pytest.raises(ConfigError, match="home"):
        robot.reset()


class Soft(Notebook):
    """One that a hand may lead."""

    hands = 0

    @contextmanager
    def led(self) -> Iterator[None]:
        self.hands += 1
        yield
        self.hands -= 1


class TestLedByHand:
    def test_hand_leads_what_is_within_which_was_stopped_before(self) -> None:
        soft = Soft()
        safe = SafeRobot(soft)
        safe.reset()
        before = len(soft.got)
        with safe.led():
            assert soft.hands == 1
            safe.advance()
            assert safe.observe().tool is not None
        assert soft.hands == 0 and safe.fault is None and len(soft.got) == before

    def test_robot_that_stands_for_good_is_in_nobody_s_hands(self) -> None:
        soft = Soft()
        safe = SafeRobot(soft)
        safe.stop_for_good("You pressed the key.")
        with pytest.raises(RobotFault, match="You pressed"), safe.led():
            raise AssertionError("not led")
        assert soft.hands == 0

    def test_robot_that_no_hand_can_lead_says_so(self) -> None:
        with pytest.raises(ConfigError, match="cannot be led"), SafeRobot(Notebook()).led():
            raise AssertionError("not led")
