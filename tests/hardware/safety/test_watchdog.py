"""Whoever should command a robot in real time and hangs: it is stopped all the same, for good, and says why."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.hardware.safety.watchdog import Watchdog
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Pose, RobotLimits, Target
from ibc_gym.testing.ideal import IdealRobot

BOX = RobotLimits(control_period=0.1, lower=(0.15, -0.4, 0.05), upper=(0.6, 0.4, 0.6))
HOME = Target(tool=Pose(position=np.array([0.3, 0.0, 0.2]), quaternion=DOWN))
PATIENCE = 0.25
LONG = 10.0
"""By when everything has happened, on however busy a machine [s]."""


class Stoppable(IdealRobot):
    """Notes from which threads it is stopped."""

    def __init__(self, *, real_time: bool) -> None:
        self.stopped_by: list[str] = []
        super().__init__(replace(BOX, real_time=real_time), HOME)

    def stop(self) -> None:
        self.stopped_by.append(threading.current_thread().name)
        super().stop()


@pytest.fixture
def pair() -> Iterator[tuple[SafeRobot, Stoppable]]:
    inner = Stoppable(real_time=True)
    robot = SafeRobot(inner, SafetyLimits(patience=PATIENCE))
    yield robot, inner
    robot.close()


def until(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_caller_that_hangs_has_its_robot_stopped_and_finds_it_so(
    pair: tuple[SafeRobot, Stoppable],
) -> None:
    robot, inner = pair
    robot.reset(HOME)
    robot.command(HOME)
    robot.advance()
    assert until(lambda: robot.fault is not None), "nobody called, and it was stopped"
    assert inner.stopped_by == ["watchdog"]
    for call in (lambda: robot.command(HOME), robot.advance, robot.reset):
        with pytest.raises(RobotFault, match=r"No command came for .*see what the policy.*recover"):
            call()
    robot.recover()
    robot.reset(HOME)
    robot.command(HOME)
    assert robot.fault is None


def test_reset_that_comes_while_the_watchdog_stops_the_robot_does_not_move_it() -> None:
    stopping, looked, go_on = threading.Event(), threading.Event(), threading.Event()

    class SlowToStop(Stoppable):
        """Takes a moment to stop, as a controller does that answers late; notes when it is asked for its fault, and resets."""

        resets = 0

        @property
        def fault(self) -> RobotFault | None:
            if stopping.is_set() and threading.current_thread().name == "caller":
                looked.set()
            return None

        def recover(self) -> None:
            """Nothing of its own is to be cleared."""

        def reset(self, home: Target | None = None) -> None:
            self.resets += 1
            super().reset(home)

        def stop(self) -> None:
            if threading.current_thread().name == "watchdog":
                stopping.set()
                assert go_on.wait(LONG)
            super().stop()

    inner = SlowToStop(real_time=True)
    robot = SafeRobot(inner, SafetyLimits(patience=PATIENCE))
    told: list[RobotFault] = []

    def call() -> None:
        try:
            robot.reset(HOME)
        except RobotFault as fault:
            told.append(fault)

    try:
        robot.reset(HOME)
        robot.command(HOME)
        before = inner.resets
        assert stopping.wait(LONG)
        caller = threading.Thread(target=call, name="caller")
        caller.start()
        looked.wait(2 * PATIENCE)  # before or after the robot has stopped: it must not matter
        go_on.set()
        caller.join(LONG)
        assert [str(fault) for fault in told] == [str(robot.fault)]
        assert inner.resets == before
    finally:
        go_on.set()
        robot.close()


def test_word_that_comes_too_late_is_refused_even_before_the_watchdog_woke() -> None:
    now, silent = [0.0], list[float]()
    broken = list[Exception]()
    dog = Watchdog(1e6, silent.append, failed=broken.append, clock=lambda: now[0])
    try:
        dog.heard()
        now[0] = 0.5e6
        dog.heard()
        now[0] = 1.4e6
        dog.heard()
        assert silent == []
        now[0] = 3e6
        dog.heard()
        assert silent == [1.6e6]
        dog.heard()
        assert silent == [1.6e6] and not broken, "it barks once"
    finally:
        dog.close()
        dog.close()


@pytest.mark.parametrize("end", ["rest", "stop", "reset", "never begun"])
def test_between_two_episodes_nobody_is_waited_for(
    pair: tuple[SafeRobot, Stoppable], end: str
) -> None:
    robot, _ = pair
    robot.reset(HOME)
    if end != "never begun":
        robot.command(HOME)
        getattr(robot, end)()
    if end in ("rest", "stop"):
        robot.command(HOME)  # of no episode
    time.sleep(3 * PATIENCE)
    assert robot.fault is None
    robot.reset(HOME)
    robot.command(HOME)


def test_simulated_time_stands_still_while_a_policy_thinks() -> None:
    inner = Stoppable(real_time=False)
    robot = SafeRobot(inner, SafetyLimits(patience=PATIENCE))
    threads = threading.active_count()
    robot.reset(HOME)
    robot.command(HOME)
    time.sleep(3 * PATIENCE)
    robot.command(HOME)
    robot.advance()
    assert robot.fault is None and threading.active_count() == threads
    robot.close()


def test_stop_by_the_watchdog_is_told_though_the_robot_has_another_fault_then(
    pair: tuple[SafeRobot, Stoppable],
) -> None:
    robot, _ = pair
    robot.reset(HOME)
    robot.command(HOME)
    robot.stop_for_good("Somebody pressed stop.")
    time.sleep(2 * PATIENCE)
    assert "Somebody pressed stop" in str(robot.fault), "the first reason stays"


def test_stop_for_good_in_the_middle_of_a_reset_is_kept() -> None:
    class Stopped(Stoppable):
        """Somebody presses stop while it goes home."""

        def reset(self, home: Target | None = None) -> None:
            super().reset(home)
            if press:
                robot.stop_for_good("Somebody pressed stop.")

    press: list[bool] = []
    inner = Stopped(real_time=True)
    robot = SafeRobot(inner, SafetyLimits(patience=PATIENCE))
    press.append(True)
    with pytest.raises(RobotFault, match="Somebody pressed stop"):
        robot.reset(HOME)
    with pytest.raises(RobotFault, match="Somebody pressed stop"):
        robot.command(HOME)
    robot.close()


def test_watchdog_that_dies_stops_the_robot_and_lets_it_go_nowhere_without_one() -> None:
    told = list[str]()
    broken = threading.Event()

    def clock() -> float:
        if threading.current_thread().name == "watchdog" and broken.is_set():
            raise OSError("no clock")
        return time.monotonic()

    dog = Watchdog(0.05, lambda _: None, failed=lambda error: told.append(str(error)), clock=clock)
    try:
        broken.set()
        dog.heard()
        assert until(lambda: bool(told))
        dog.heard()
        assert told == ["no clock", "no clock"], "again at every word"
    finally:
        dog.close()


def test_robot_whose_watchdog_is_dead_is_stopped_for_good(
    pair: tuple[SafeRobot, Stoppable],
) -> None:
    robot, inner = pair
    robot.reset(HOME)
    dog = robot._watchdog
    assert dog is not None

    def late() -> bool:
        raise OSError("no clock")

    dog._late = late  # type: ignore[method-assign]
    dog._heard = time.monotonic()
    with dog._changed:
        dog._changed.notify()
    assert until(lambda: robot.fault is not None)
    assert "watchdog" in str(robot.fault) and "no clock" in str(robot.fault)
    assert inner.stopped_by[0] == "watchdog"
    robot.recover()
    robot.reset(HOME)
    with pytest.raises(RobotFault, match="watchdog"):
        robot.command(HOME)


@pytest.mark.parametrize("patience", [1e9, 1e300])
def test_patience_of_any_length_leaves_the_watchdog_alive(patience: float) -> None:
    robot = SafeRobot(Stoppable(real_time=True), SafetyLimits(patience=patience))
    robot.reset(HOME)
    robot.command(HOME)
    time.sleep(0.05)
    robot.command(HOME)
    assert robot.fault is None
    assert robot._watchdog is not None and robot._watchdog._thread.is_alive()
    robot.close()


def test_patience_shorter_than_two_periods_makes_no_sense_in_real_time() -> None:
    with pytest.raises(ConfigError, match=r"once in a control period of 0\.1 s"):
        SafeRobot(Stoppable(real_time=True), SafetyLimits(patience=0.15))
    SafeRobot(Stoppable(real_time=False), SafetyLimits(patience=0.15))


def test_closing_ends_the_thread() -> None:
    before = threading.active_count()
    robot = SafeRobot(Stoppable(real_time=True), SafetyLimits(patience=PATIENCE))
    assert threading.active_count() == before + 1
    robot.close()
    robot.close()
    assert threading.active_count() == before
