"""A stop stays until a person clears it, whenever it was pressed, and is told as it was heard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from safe_bench import HOME, Notebook, safe

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.records import Target


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
