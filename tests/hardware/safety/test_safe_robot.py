"""Nothing beyond the limits gets past the guard, whatever is asked, and what stopped the robot keeps it stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

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
from trials import trials

from ibc_gym.errors import ConfigError, RobotFault, SpecMismatch
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.hardware.safety.limits import angle_between, tilt_of, within
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target
from ibc_gym.testing import RobotContract
from ibc_gym.testing.ideal import IdealRobot

BOX = RobotLimits(control_period=0.1, lower=(0.15, -0.4, 0.05), upper=(0.6, 0.4, 0.6))
HOME = Target(tool=Pose(position=np.array([0.3, 0.0, 0.2]), quaternion=DOWN))
SLANTED = SafetyLimits(
    workspace=((1.0, 1.0, 0.0, 0.7), (-1.0, 1.0, 0.5, 0.5)),
    height=(0.1, 0.3),
    speed=0.5,
    turning_speed=1.0,
    step=0.08,
    tilt=0.3,
)


class Notebook(IdealRobot):
    """Notes what reaches the robot; fails when it is told to, and latches as the driver of a real arm does."""

    def __init__(self) -> None:
        self.got: list[Target] = []
        self.moves = 0
        self.broken = self.held = False
        self._latched: RobotFault | None = None
        super().__init__(BOX, HOME)

    @property
    def fault(self) -> RobotFault | None:
        return self._latched

    def recover(self) -> None:
        if self.held:
            raise RobotFault("The emergency stop is still pressed; release it.")
        self._latched, self.broken = None, False

    def command(self, target: Target) -> Target:
        assert self._latched is None, "a target came after a fault"
        self.got.append(target)
        return super().command(target)

    def advance(self) -> None:
        self.moves += 1
        if self.broken:
            self._latched = RobotFault("Collision (C31). Look, then clear.")
            raise self._latched
        super().advance()

    def lag(self, share: float) -> None:
        """Be found on the way between where it was and where it was told to be, as a real arm is."""
        assert self._here.tool is not None and self._target.tool is not None
        here, there = self._here.tool.position, self._target.tool.position
        self._here = Target(
            tool=Pose(position=here + share * (there - here), quaternion=self._here.tool.quaternion)
        )


def to(x: float, y: float, z: float, quaternion: Float64 = DOWN) -> Target:
    return Target(tool=Pose(position=np.array([x, y, z]), quaternion=quaternion))


def safe(limits: SafetyLimits = SLANTED, **more: Any) -> tuple[SafeRobot, Notebook]:
    inner = Notebook()
    robot = SafeRobot(inner, limits, **more)
    robot.reset(HOME)
    return robot, inner


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


class Switch:
    on = True

    def held(self) -> bool:
        return self.on


def test_without_the_dead_man_switch_held_it_keeps_its_place() -> None:
    switch = Switch()
    robot, inner = safe(SafetyLimits(), dead_man=switch)
    robot.command(to(0.35, 0.0, 0.2))
    robot.advance()
    switch.on = False
    sent = robot.command(to(0.45, 0.0, 0.2))
    assert sent.tool is not None and sent.tool.position[0] == 0.35
    assert robot.observe().interventions == 1
    robot.command(to(0.35, 0.0, 0.2))  # to stay is no more than it does anyway
    assert robot.observe().interventions == 1
    switch.on = True
    sent = robot.command(to(0.45, 0.0, 0.2))
    assert sent.tool is not None and sent.tool.position[0] == 0.45
    assert inner.observe().target.tool is sent.tool


class Late(Notebook):
    """Goes 25 mm in a period at most, wherever it was told to be, and rests a hair below that, as an arm with a load does."""

    SAG = 2e-4

    def advance(self) -> None:
        assert self._here.tool is not None and self._target.tool is not None
        here, there = self._here.tool.position, self._target.tool.position - [0.0, 0.0, self.SAG]
        way = there - here
        share = min(1.0, 0.025 / max(float(np.linalg.norm(way)), 1e-9))
        turn = self._target.tool.quaternion
        self._here = Target(tool=Pose(position=here + share * way, quaternion=turn))

    @property
    def tip(self) -> Float64:
        assert self._here.tool is not None
        return self._here.tool.position


class TestDeadMan:
    LIMITS = (
        SafetyLimits(),
        SafetyLimits(step=0.28, tilt=0.1),
        SafetyLimits(step=0.28, speed=0.5, acceleration=2.0, turning_speed=1.0),
    )

    @pytest.mark.parametrize("limits", LIMITS)
    def test_robot_that_lags_stands_where_it_is_measured_when_it_is_let_go(
        self, limits: SafetyLimits
    ) -> None:
        switch, inner = Switch(), Late()
        robot = SafeRobot(inner, limits, dead_man=switch)
        robot.reset(HOME)
        for number in range(1, 6):
            robot.command(to(0.3, 0.05 * number, 0.2))
            robot.advance()
        tool = inner.observe().target.tool
        assert tool is not None
        ahead = float(np.linalg.norm(tool.position - inner.tip))
        assert ahead > 0.05, "its last commands lie ahead"
        switch.on, there = False, inner.tip
        for _ in range(10):
            sent = robot.command(to(0.3, 0.4, 0.2))
            robot.advance()
            assert sent.tool is not None and np.allclose(sent.tool.position, there, atol=1e-12)
            assert np.linalg.norm(inner.tip - there) <= 2 * Late.SAG
        switch.on = True
        robot.command(to(0.3, there[1] + 0.02, 0.2))
        for _ in range(3):
            robot.advance()
        assert inner.tip[1] > there[1] + 0.005, "held again it goes on, and not backwards first"

    def test_letting_go_of_a_robot_that_has_arrived_changes_nothing_however_often(self) -> None:
        switch, inner = Switch(), Late()
        robot = SafeRobot(inner, SafetyLimits(tilt=0.1), dead_man=switch)
        robot.reset(HOME)
        for number in range(20):
            switch.on = number % 2 == 0
            robot.command(HOME)
            robot.advance()
        assert abs(inner.tip[2] - 0.2) <= 2 * Late.SAG, "it does not sink by its load"
        assert robot.interventions == 0

    def test_it_stands_within_its_bounds_even_where_it_was_measured_beyond(self) -> None:
        switch, inner = Switch(), Late()
        robot = SafeRobot(inner, SafetyLimits(height=(0.19, 0.3), tilt=0.1), dead_man=switch)
        robot.reset(HOME)
        robot.command(to(0.4, 0.0, 0.2))
        inner._here = to(0.35, 0.0, 0.185, np.array([0.0, np.cos(0.1), 0.0, np.sin(0.1)]))
        switch.on = False
        tool = robot.command(to(0.4, 0.0, 0.2)).tool
        assert tool is not None and np.allclose(tool.position, [0.35, 0.0, 0.19])
        assert tilt_of(tool.quaternion) <= 0.1 + 1e-6

    def test_robot_that_is_commanded_by_joints_stands_by_them(self) -> None:
        class Gantry(IdealRobot):
            def advance(self) -> None:
                """Has not moved yet."""

        switch = Switch()
        home = Target(joints=np.array([0.3, 0.0, 0.2]))
        robot = SafeRobot(Gantry(BOX, home), dead_man=switch)
        robot.reset()
        robot.command(Target(joints=np.array([0.5, 0.0, 0.2])))
        robot.advance()
        switch.on = False
        sent = robot.command(Target(joints=np.array([0.5, 0.0, 0.2])))
        assert sent.joints is not None and sent.joints.tolist() == [0.3, 0.0, 0.2]


class TestStopIsTold:
    def unheard(self) -> tuple[SafeRobot, Notebook]:
        """One whose driver learns, as it stops the robot, that nobody heard."""
        robot, inner = safe()

        def stop() -> None:
            inner._latched = RobotFault("No answer. If the arm moves, press the emergency stop.")

        inner.stop = stop  # type: ignore[method-assign]
        return robot, inner

    def test_stop_that_was_not_confirmed_is_told_first_and_nothing_is_claimed(self) -> None:
        robot, _ = self.unheard()
        robot.stop_for_good("You stopped the arm by Esc.")
        told = str(robot.fault)
        assert told.startswith("No answer. If the arm moves, press the emergency stop. You stopped")
        assert "stands" not in told and "was stopped" not in told and "recover()" in told

    def test_it_is_told_first_of_a_robot_that_was_stopped_before_as_well(self) -> None:
        robot, inner = safe()
        robot.stop_for_good("A collision.")
        assert str(robot.fault).startswith("A collision. The robot was stopped.")
        inner.stop = self.unheard()[1].stop  # type: ignore[method-assign]
        inner._latched = RobotFault("No answer.")
        robot.stop_for_good("You stopped the arm by Esc.")
        assert str(robot.fault).startswith("No answer. A collision.")

    def test_robot_that_breaks_as_it_is_stopped_is_latched_all_the_same(self) -> None:
        robot, inner = safe()

        def stop() -> None:
            raise OSError("no route")

        inner.stop = stop  # type: ignore[method-assign]
        robot.stop_for_good("You stopped the arm by Esc.")
        assert "not confirmed" in str(robot.fault) and "emergency stop" in str(robot.fault)
        with pytest.raises(RobotFault, match="no route"):
            robot.reset()


def test_stop_while_the_robot_is_recovered_stays() -> None:
    robot, inner = safe()
    clear = inner.recover

    def recover() -> None:
        robot.stop_for_good("You stopped the arm by Esc.")
        clear()

    inner.recover = recover  # type: ignore[method-assign]
    robot.stop_for_good("A collision.")
    moves = inner.moves
    with pytest.raises(RobotFault, match="by Esc"):
        robot.recover()
    assert "by Esc" in str(robot.fault) and "collision" not in str(robot.fault)
    for call in (robot.reset, robot.advance, lambda: robot.command(HOME)):
        with pytest.raises(RobotFault, match="by Esc"):
            call()
    assert inner.moves == moves
    inner.recover = clear  # type: ignore[method-assign]
    robot.recover()
    robot.reset()
    assert robot.fault is None


def test_stop_between_the_refusal_and_the_way_home_moves_nothing() -> None:
    class Asking(Notebook):
        """Counts stops from here on, as an arm's driver does, and asks then whether it may go."""

        may_go: Callable[[], None] | None = None
        homes = 0

        def reset(self, home: Target | None = None) -> None:
            if press:
                robot.stop_for_good("You stopped the arm by q.")
            if press:
                assert self.may_go is not None
                self.may_go()
            self.homes += 1
            super().reset(home)

    press: list[bool] = []
    inner = Asking()
    robot = SafeRobot(inner)
    press.append(True)
    homes = inner.homes
    with pytest.raises(RobotFault, match="by q"):
        robot.reset(HOME)
    assert inner.homes == homes and "by q" in str(robot.fault)


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
